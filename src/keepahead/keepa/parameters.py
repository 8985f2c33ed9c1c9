"""The kinds of parameter that Keepa's calls have: how one is checked, read from a raw request, and written to one.

A kind is used three times: as the converter of a dataclass field (so construction validates), by `parse_call` (text to
typed value, no other rule) and by `query()` (typed value to text). No message repeats a long value: it may be the key.
"""

import math
import re
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, Generic, TypeVar, cast

from keepahead.errors import InvalidCallError
from keepahead.keepa.domains import BRAZIL, domain_id

In = TypeVar("In")
Out = TypeVar("Out")

INT_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1  # category ids go up to this (sheet section 10.7)
_SHOWN_MAX = 24  # characters; a Keepa key has 64

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")


def slug(name: str) -> str:
    """Return a parameter's name as it stands in error codes: only-live-offers -> only_live_offers."""
    return name.replace("-", "_")


def shown(value: object) -> str:
    """Return `value` for a message; long or strange values are only described."""
    if isinstance(value, str):
        return repr(value) if len(value) <= _SHOWN_MAX else f"a text of {len(value)} characters"
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and value.bit_length() <= 64):
        return str(value)
    return f"a value of type {type(value).__name__}"


def is_encodable(text: str) -> bool:
    """Say whether `text` can go on the wire: a lone surrogate cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Kind(Generic[In, Out]):
    """One parameter, by its `name` on the wire. Calling it checks a Python value and returns its canonical form."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.missing_code = f"missing_{slug(name)}"
        self.invalid_code = f"invalid_{slug(name)}"

    def __call__(self, value: In) -> Out:
        """Check `value`, as the converter of a field."""
        return self.check(value)

    def check(self, value: In) -> Out:
        """Return the canonical form. Raises `InvalidCallError`."""
        raise NotImplementedError

    def read(self, raw: object) -> In:
        """Turn what a raw request holds into a value for `check`. Raises `InvalidCallError`."""
        return cast("In", self.text(raw))

    def write(self, value: Out) -> str:
        """Return `value` as it stands in a query string."""
        return str(value)

    def text(self, raw: object) -> str:
        """Return a raw value as text without blanks around it."""
        if isinstance(raw, str):
            return raw.strip()
        if type(raw) is int and raw.bit_length() <= 64:
            return str(raw)
        raise self.invalid("must be a text or a whole number", raw)

    def invalid(self, right: str, value: object) -> InvalidCallError:
        """Return the error: `right` is what the parameter must be."""
        return InvalidCallError(self.invalid_code, f"{self.name} {right}, not {shown(value)}.", parameter=self.name)

    def missing(self, right: str) -> InvalidCallError:
        """Return the error for an empty or absent parameter."""
        return InvalidCallError(self.missing_code, f"{self.name} is missing: give {right}.", parameter=self.name)


class Maybe(Kind[In | None, Out | None]):
    """A kind that may be left out (None)."""

    def __init__(self, kind: Kind[In, Out]) -> None:
        super().__init__(kind.name)
        self._kind = kind

    def check(self, value: In | None) -> Out | None:
        """Check what is given."""
        return None if value is None else self._kind.check(value)

    def read(self, raw: object) -> In | None:
        """Read what is given: a parameter that is there is never None."""
        return self._kind.read(raw)

    def write(self, value: Out | None) -> str:
        """Write what is given."""
        return self._kind.write(cast("Out", value))


class Flag(Kind[bool, bool]):
    """1 or 0 on the wire."""

    def check(self, value: bool) -> bool:
        """Return the value if it is true or false (or 1 or 0)."""
        if not isinstance(cast("object", value), bool | int) or value not in (0, 1):
            raise self.invalid("must be 1 or 0", value)
        return bool(value)

    def read(self, raw: object) -> bool:
        """Read 1 or 0."""
        text = self.text(raw)
        if text not in ("0", "1"):
            raise self.invalid("must be 1 or 0", raw)
        return text == "1"

    def write(self, value: bool) -> str:
        """Write 1 or 0."""
        return "1" if value else "0"


class Whole(Kind[int, int]):
    """A whole number from `low` to `high`; `outside_code` names the error if it lies outside."""

    def __init__(
        self, name: str, low: int, high: int = INT_MAX, *, invalid_code: str = "", outside_code: str = ""
    ) -> None:
        super().__init__(name)
        self.invalid_code = invalid_code or self.invalid_code
        self._low, self._high = low, high
        self._outside_code = outside_code or self.invalid_code
        self._right = f"must be a whole number from {low}" + ("" if high >= INT_MAX else f" to {high}")

    def check(self, value: int) -> int:
        """Return the value if it is whole and in range."""
        if type(value) is not int:
            raise self.invalid(self._right, value)
        if not self._low <= value <= self._high:
            message = f"{self.name} {self._right}, not {shown(value)}."
            raise InvalidCallError(self._outside_code, message, parameter=self.name)
        return value

    def read(self, raw: object) -> int:
        """Read decimal digits with an optional sign."""
        text = self.text(raw)
        if not _WHOLE.fullmatch(text):
            raise self.invalid(self._right, raw)
        return int(text)


class Decimal(Kind[float, float]):
    """A number above 0."""

    def check(self, value: float) -> float:
        """Return the value if it is finite and above 0."""
        if isinstance(value, bool) or not isinstance(cast("object", value), int | float):
            raise self.invalid("must be a number above 0", value)
        if not 0 < value <= INT_MAX or not math.isfinite(value):
            raise self.invalid("must be a number above 0", value)
        return float(value)

    def read(self, raw: object) -> float:
        """Read a decimal number."""
        try:
            return float(self.text(raw))
        except ValueError:
            raise self.invalid("must be a number above 0", raw) from None


class Choice(Kind[Out, Out]):
    """One of a few values, all of one type: int or str."""

    def __init__(self, name: str, values: Collection[Out]) -> None:
        super().__init__(name)
        self._by_text = {str(value): value for value in values}
        self._right = "must be one of " + ", ".join(self._by_text)

    def check(self, value: Out) -> Out:
        """Return the value if it is one of them."""
        return self.read(value)

    def read(self, raw: object) -> Out:
        """Read one of them."""
        text = self.text(raw)
        if not text:
            raise self.missing("one of " + ", ".join(self._by_text))
        if text not in self._by_text:
            raise self.invalid(self._right, raw)
        return self._by_text[text]


class Text(Kind[str | int, str]):
    """A text with something in it that matches `pattern`; a number counts as its digits."""

    def __init__(self, name: str, right: str, pattern: str = r"(?s).+") -> None:
        super().__init__(name)
        self._right = right
        self._pattern = re.compile(pattern)

    def check(self, value: str | int) -> str:
        """Return the text without blanks around it."""
        text = self.text(value)
        if not text:
            raise self.missing(self._right)
        if not self._pattern.fullmatch(text) or not is_encodable(text):
            raise self.invalid(f"must be {self._right}", value)
        return text


class DomainNumber(Kind[int | str, int]):
    """A marketplace: number or name in Python, the number on the wire."""

    def __init__(self, *, brazil: bool = True) -> None:
        super().__init__("domain")
        self._brazil = brazil

    def check(self, value: int | str) -> int:
        """Return Keepa's number of the marketplace."""
        number = domain_id(value)
        if number == BRAZIL and not self._brazil:
            message = "Domain 12 (amazon.com.br) is not available for this call."
            raise InvalidCallError("invalid_domain", message, parameter="domain")
        return number

    def read(self, raw: object) -> int | str:
        """Read the number; Keepa knows no names."""
        text = self.text(raw)
        if text and not _WHOLE.fullmatch(text):
            raise self.invalid("must be a number: 1 to 6 or 8 to 12", raw)
        return int(text) if text else ""


class Asin(Kind[str, str]):
    """Exactly one ASIN."""

    PATTERN = re.compile(r"[A-Z0-9]{10}")
    RIGHT = "must be 10 characters, A-Z and 0-9"

    def __init__(self, name: str = "asin", *, missing_code: str = "missing_asin") -> None:
        super().__init__(name)
        self.missing_code = missing_code

    def check(self, value: str) -> str:
        """Return the ASIN without blanks around it."""
        text = self.text(value)
        if not text:
            raise self.missing("one ASIN (10 characters, A-Z and 0-9)")
        if "," in text:
            message = "This call takes a single ASIN: send one call for each."
            raise InvalidCallError("single_asin_only", message, parameter=self.name)
        if not self.PATTERN.fullmatch(text):
            raise self.invalid(asin_rule(text), text)
        return text


def asin_rule(text: str) -> str:
    """Return what an ASIN must be, with the upper-case form where that is all that is wrong with `text`."""
    return f"must be in capitals ({text.upper()})" if Asin.PATTERN.fullmatch(text.upper()) else Asin.RIGHT


class Items(Kind[Iterable[str | int], tuple[str, ...]]):
    """A comma list of ids; duplicates stay (open question 1.15). A single text counts as one id."""

    def __init__(self, name: str, noun: str, pattern: str, right: str, limit: int) -> None:
        super().__init__(name)
        self._noun, self._right, self._limit = noun, right, limit
        self._pattern = re.compile(pattern)

    def check(self, value: Iterable[str | int]) -> tuple[str, ...]:
        """Return the ids as texts."""
        items = tuple(self.text(item) for item in ((value,) if isinstance(value, str) else value))
        for item in items:
            if not self._pattern.fullmatch(item):
                raise self.invalid(asin_rule(item) if self.name == "asin" else self._right, item)
        if len(items) > self._limit:
            message = f"One call takes at most {self._limit} {self._noun}, not {len(items)}: split the list."
            raise InvalidCallError(f"too_many_{self._noun}".lower(), message, parameter=self.name)
        return items

    def read(self, raw: object) -> Iterable[str | int]:
        """Read a comma list."""
        text = self.text(raw)
        return text.split(",") if text else ()

    def write(self, value: tuple[str, ...]) -> str:
        """Write a comma list."""
        return ",".join(value)


StatsIn = int | tuple[str | int | date, str | int | date]
StatsOut = int | tuple[str, str]


class Stats(Kind[StatsIn, StatsOut]):
    """The last x days (0: everything), or two Unix milliseconds or ISO 8601 dates (sheet section 9)."""

    RIGHT = "must be a number of days, or two Unix milliseconds or ISO 8601 dates joined by a comma"
    _MOMENT = re.compile(r"[0-9TtZz:.+ -]{1,40}")

    def check(self, value: StatsIn) -> StatsOut:
        """Return the days, or the two moments as texts."""
        if type(value) is int:
            if 0 <= value <= INT_MAX:
                return value
        elif isinstance(value, tuple | list) and len(cast("tuple[Any, ...]", value)) == 2:
            start, end = (self._moment(moment) for moment in cast("tuple[Any, Any]", value))
            return start, end
        raise self.invalid(self.RIGHT, value)

    def read(self, raw: object) -> StatsIn:
        """Read one number, or two moments joined by a comma."""
        text = self.text(raw)
        if "," in text:
            return cast("StatsIn", tuple(text.split(",")))
        if not _WHOLE.fullmatch(text):
            raise self.invalid(self.RIGHT, raw)
        return int(text)

    def write(self, value: StatsOut) -> str:
        """Write one number, or two moments joined by a comma."""
        return str(value) if isinstance(value, int) else ",".join(value)

    def _moment(self, moment: object) -> str:
        text = moment.isoformat() if isinstance(moment, date) else self.text(moment)
        if re.fullmatch(r"[0-9]{1,15}", text):
            return text
        try:
            if self._MOMENT.fullmatch(text):
                datetime.fromisoformat(text)
                return text
        except ValueError:
            pass
        raise self.invalid(self.RIGHT, moment)


def flag(name: str) -> Maybe[bool, bool]:
    """Return an optional flag."""
    return Maybe(Flag(name))


def whole(
    name: str, low: int, high: int = INT_MAX, *, invalid_code: str = "", outside_code: str = ""
) -> Maybe[int, int]:
    """Return an optional whole number."""
    return Maybe(Whole(name, low, high, invalid_code=invalid_code, outside_code=outside_code))
