"""Objects of Keepa's over their raw bytes, and the fields on them. Nothing is decoded that is not asked for.

Keepa adds, drops and retypes fields without notice: a field that is missing or of another type is None (or empty, for
lists), never an error. Only bytes that are no JSON at all are one.
"""

import html
from abc import ABCMeta
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Generic, Self, TypeVar, cast, overload

import msgspec

from keepahead.errors import BadAnswerError
from keepahead.keepa.times import from_keepa_minutes

T = TypeVar("T")
S = TypeVar("S")

UNKNOWN_ID = 2**63 - 1
"""Keepa's category id for "unknown" (product-object.md, section 14)."""

NOTHING = msgspec.Raw(b"null")


class _StructMapping(msgspec.StructMeta, ABCMeta):
    """A msgspec struct may be a Mapping too."""


class _Known(msgspec.Struct, metaclass=_StructMapping, frozen=True, eq=False, kw_only=True):
    """What has been decoded of an object."""

    _known: dict[object, Any] = msgspec.field(default_factory=dict[object, Any])


class KeepaObject(_Known, Mapping[str, Any], frozen=True, eq=False):
    """One object of Keepa's: a read-only mapping under Keepa's own field names, and typed attributes for most of them.

    The first look finds where each field lies; a field is decoded when it is asked for. Where nothing else is said an
    attribute is Keepa's name in snake case. An object keeps the answer that it came in; made of its own `raw` it keeps
    no more than that.
    """

    _source: bytes | msgspec.Raw | Callable[[], msgspec.Raw]

    @property
    def raw(self) -> bytes:
        """What was paid for, byte for byte."""
        return bytes(self.view())

    def view(self) -> bytes | msgspec.Raw:
        """Return the same without a copy."""
        source = self._source
        return source() if callable(source) else source

    def __getitem__(self, name: str) -> Any:
        known = self._known
        if name not in known:
            known[name] = read(self.parts()[name], _ANYTHING)
        return known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts())

    def __len__(self) -> int:
        return len(self.parts())

    def __contains__(self, name: object) -> bool:
        return name in self.parts()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {len(memoryview(self.view()))} bytes>"

    def __hash__(self) -> int:
        return hash(self.raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeepaObject) and self.raw == other.raw

    def __reduce__(self) -> tuple[Any, ...]:
        told = (getattr(self, name) for name in self.__struct_fields__ if name not in {"_known", "_source"})
        return (type(self), (self.raw, *told))

    def parts(self) -> Mapping[str, msgspec.Raw]:
        """Return each field's own bytes, not decoded. Raises BadAnswerError if this is no JSON object."""
        known = self._known
        if _PARTS not in known:
            known[_PARTS] = found(self.view())
        return known[_PARTS]


_PARTS = object()
PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ANYTHING = msgspec.json.Decoder(Any)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


class Field(Generic[T]):
    """One field of an object: decoded at the first look, `otherwise` where it is missing or of another type."""

    def __init__(self, decode: Callable[[msgspec.Raw, KeepaObject], T], otherwise: T, names: tuple[str, ...]) -> None:
        self._decode = decode
        self._otherwise = otherwise
        self._names = names

    def __set_name__(self, owner: type, name: str) -> None:
        first, *rest = name.split("_")
        self._names = self._names or (first + "".join(word.capitalize() for word in rest),)

    @overload
    def __get__(self, of: None, owner: type) -> Self: ...
    @overload
    def __get__(self, of: KeepaObject, owner: type) -> T: ...
    def __get__(self, of: KeepaObject | None, owner: type) -> Self | T:
        if of is None:
            return self
        known = of._known  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - one thing in two classes
        if self not in known:
            known[self] = self._read(of)
        return known[self]

    def _read(self, of: KeepaObject) -> T:
        parts = of.parts()
        for name in self._names:
            part = parts.get(name)
            if part is not None and not is_null(part):
                try:
                    return self._decode(part, of)
                except (msgspec.ValidationError, ValueError, OverflowError) as error:
                    _demand_text(error, part)
        return self._otherwise


def found(raw: bytes | msgspec.Raw) -> Mapping[str, msgspec.Raw]:
    """Return where each field of an object lies. Raises BadAnswerError if it is none."""
    return read(raw, PARTS)


def read(raw: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[S]) -> S:
    """Return the decoded bytes. Raises BadAnswerError if they are something else."""
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise unreadable(raw) from None


def unreadable(raw: bytes | msgspec.Raw) -> BadAnswerError:
    """Return the error of an object that cannot be read."""
    return BadAnswerError("an object of Keepa's cannot be read", status=200, body=bytes(raw))


def is_null(raw: msgspec.Raw) -> bool:
    """Whether this is JSON's null."""
    return bytes(memoryview(raw)[:1]) == b"n"


def is_object(raw: msgspec.Raw) -> bool:
    """Whether this is a JSON object."""
    return bytes(memoryview(raw)[:1]) == b"{"


def items(raw: msgspec.Raw) -> list[msgspec.Raw]:
    """Return the items of a JSON list, not decoded. Raises `msgspec.ValidationError` if it is none."""
    return _LIST.decode(raw)


def table(raw: msgspec.Raw) -> dict[str, msgspec.Raw]:
    """Return the values of a JSON object by name, not decoded. Raises `msgspec.ValidationError` if it is none."""
    return PARTS.decode(raw)


def values(
    raw: msgspec.Raw, every: msgspec.json.Decoder[list[S | None]], one: msgspec.json.Decoder[S]
) -> list[S | None]:
    """Return the values of a JSON list, None for those of another type."""
    try:
        return every.decode(raw)
    except msgspec.ValidationError:
        return [_value(item, one) for item in items(raw)]


def _value(raw: msgspec.Raw, decoder: msgspec.json.Decoder[S]) -> S | None:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        return None


def _demand_text(error: Exception, raw: msgspec.Raw) -> None:
    """Raise BadAnswerError where the bytes are no JSON: that is no matter of types."""
    if isinstance(error, UnicodeDecodeError) or (
        isinstance(error, msgspec.DecodeError) and not isinstance(error, msgspec.ValidationError)
    ):
        raise unreadable(raw) from None


NUMBER = msgspec.json.Decoder(int)
_TEXT = msgspec.json.Decoder(str)
_REAL = msgspec.json.Decoder(float)
_FLAG = msgspec.json.Decoder(bool)
_TEXTS = msgspec.json.Decoder(list[str | None])
_WHOLES = msgspec.json.Decoder(list[int | None])


def text(*names: str) -> Field[str | None]:
    """Return a field of text."""
    return Field(lambda raw, _: _TEXT.decode(raw), None, names)


def whole(*names: str) -> Field[int | None]:
    """Return a field of a whole number of any sign."""
    return Field(lambda raw, _: NUMBER.decode(raw), None, names)


def count(*names: str) -> Field[int | None]:
    """Return a field of a count, a rank or a size; Keepa's -1 and -2 mean that it is not known."""
    return Field(lambda raw, _: none_if_negative(NUMBER.decode(raw)), None, names)


def extent(*names: str) -> Field[int | None]:
    """Return a field of a length, a weight, a number of pages, a date YYYYMMDD; 0 means that it is not known too."""
    return Field(lambda raw, _: none_if_negative(NUMBER.decode(raw)) or None, None, names)


amount = count
"""A field of money in the smallest unit of the currency; Keepa's -1 and -2 mean that there is none."""


def real(*names: str) -> Field[float | None]:
    """Return a field of a number."""
    return Field(lambda raw, _: _REAL.decode(raw), None, names)


def flag(*names: str) -> Field[bool | None]:
    """Return a field of yes or no; None: Keepa does not say."""
    return Field(lambda raw, _: _FLAG.decode(raw), None, names)


def node(*names: str) -> Field[int | None]:
    """Return a field of a category id; 0, negative numbers and Keepa's largest mean that it is not known."""
    return Field(lambda raw, _: known_node(NUMBER.decode(raw)), None, names)


def seller_id(*names: str) -> Field[str | None]:
    """Return a field of a seller's id; Keepa's "-1" (nobody qualified), "-2" (not known) and "" are None."""
    return Field(lambda raw, _: known_seller(_TEXT.decode(raw)), None, names)


def moment(*names: str) -> Field[datetime | None]:
    """Return a field of a time; 0 and negative ones mean that it is not known."""
    return Field(lambda raw, _: moment_of(NUMBER.decode(raw)), None, names)


def texts(*names: str) -> Field[tuple[str, ...]]:
    """Return a field of texts; what is none is left out."""
    return Field(lambda raw, _: tuple(each for each in values(raw, _TEXTS, _TEXT) if each is not None), (), names)


def wholes(*names: str) -> Field[tuple[int, ...]]:
    """Return a field of whole numbers; what is none is left out."""
    return Field(lambda raw, _: tuple(each for each in whole_values(raw) if each is not None), (), names)


def child(kind: Callable[[msgspec.Raw], T], *names: str) -> Field[T | None]:
    """Return a field that is an object itself."""
    return Field(lambda raw, _: kind(raw) if is_object(raw) else None, None, names)


def children(kind: Callable[[msgspec.Raw], T], *names: str) -> Field[tuple[T, ...]]:
    """Return a field of a list of objects; what is none is left out."""
    return Field(lambda raw, _: tuple(kind(each) for each in items(raw) if is_object(each)), (), names)


def raw_items(*names: str) -> Field[list[msgspec.Raw]]:
    """Return a field of a list whose items stay as they are."""
    return Field(lambda raw, _: items(raw), [], names)


def table_of(kind: Callable[[msgspec.Raw], T], *names: str) -> Field[Mapping[str, T]]:
    """Return a field of objects by name; what is none is left out."""

    def decode(raw: msgspec.Raw, _: KeepaObject) -> Mapping[str, T]:
        return {name: kind(each) for name, each in table(raw).items() if is_object(each)}

    return Field(decode, cast("Mapping[str, T]", {}), names)


def counts(*names: str) -> Field[Mapping[str, int]]:
    """Return a field of counts by name, the largest first; what is none is left out."""

    def decode(raw: msgspec.Raw, _: KeepaObject) -> Mapping[str, int]:
        told = ((name, _value(each, NUMBER)) for name, each in table(raw).items())
        return dict(sorted(((name, each) for name, each in told if each is not None), key=lambda pair: -pair[1]))

    return Field(decode, cast("Mapping[str, int]", {}), names)


def unescaped(words: str | None) -> str:
    """Return a text as people write it, without HTML entities; empty for None."""
    return html.unescape(words or "")


def whole_values(raw: msgspec.Raw) -> list[int | None]:
    """Return the whole numbers of a list, None for what is none."""
    return values(raw, _WHOLES, NUMBER)


def none_if_negative(value: int) -> int | None:
    """Return the value; None for Keepa's -1 (there is none) and -2 (not known)."""
    return value if value >= 0 else None


def known_node(number: int) -> int | None:
    """Return the category id; None where Keepa does not know it."""
    return number if 0 < number < UNKNOWN_ID else None


def known_seller(name: str) -> str | None:
    """Return the seller's id; None where Keepa means nobody, or does not know."""
    return None if name in {"", "-1", "-2"} else name


def moment_of(minutes: int) -> datetime | None:
    """Return the time of Keepa minutes; None where it is not known or beyond the calendar."""
    try:
        return from_keepa_minutes(minutes) if minutes > 0 else None
    except ValueError:
        return None
