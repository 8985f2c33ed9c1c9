"""What all calls share: options declared once, checked on construction, written to a query string.

    @call_class
    class ExampleCall(BaseCall):
        endpoint: ClassVar = "example"
        domain: int = option(converter=DomainNumber())
        days: int | None = option(converter=whole("days", 1), default=None)

A call is a frozen, slotted, hashable dataclass; two calls that ask Keepa the same are equal.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar, cast, dataclass_transform

from keepahead.keepa.domains import BRAZIL
from keepahead.keepa.parameters import Kind

In = TypeVar("In")
Out = TypeVar("Out")
C = TypeVar("C", bound="type[BaseCall]")
K = TypeVar("K", bound="BaseCall")

BRAZIL_WARNING = "domain 12 is not documented for this call: Keepa may refuse it, for free"

_REQUIRED: Any = object()


def option(*, converter: Callable[[In], Out], default: In = _REQUIRED) -> Out:
    """Declare an option of a call; `converter` is its kind. Type checkers see what the converter takes and returns."""
    metadata = {"kind": converter}
    if default is _REQUIRED:
        return cast("Out", field(metadata=metadata))
    return cast("Out", field(default=default, metadata=metadata))


class BaseCall:
    """The shared behaviour: path, method, query string, body."""

    __slots__ = ()

    endpoint: ClassVar[str]
    fixed: ClassVar[Mapping[str, str]] = MappingProxyType({})  # parameters that every call of this class sends
    required: ClassVar[tuple[str, ...]] = ()  # wire names of the options without a default
    options: ClassVar[Mapping[str, tuple[str, Kind[Any, Any]]]] = MappingProxyType({})  # wire name: (field, kind)

    def __post_init__(self) -> None:
        self._convert()

    @property
    def path(self) -> str:
        """Return Keepa's path, with its leading slash."""
        return f"/{self.endpoint}"

    @property
    def method(self) -> str:
        """Return the HTTP method."""
        return "GET"

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return sentences on what is allowed but pointless or undocumented."""
        return ()

    def query(self) -> dict[str, str]:
        """Return the query parameters without the key: only those that were set."""
        return query_of(self)

    def body(self) -> bytes | None:
        """Return the JSON body of a POST, or None."""
        return None

    def _convert(self) -> None:
        """Check every option and replace it by its canonical form. Raises `InvalidCallError`."""
        for name, kind in self.options.values():
            given = getattr(self, name)
            checked = kind.check(given)
            if checked is not given:
                object.__setattr__(self, name, checked)


class BrazilUndocumentedCall(BaseCall):
    """A call that Keepa documents for every domain but Brazil; the newer pages disagree (open question 3.6)."""

    __slots__ = ()
    domain: int

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return a sentence if the domain is Brazil."""
        return (BRAZIL_WARNING,) if self.domain == BRAZIL else ()


def query_of(call: BaseCall) -> dict[str, str]:
    """Return the options of `call` that were set, as Keepa spells them."""
    query = dict(call.fixed)
    for wire_name, (name, kind) in call.options.items():
        value = getattr(call, name)
        if value is not None and value != ():
            query[wire_name] = kind.write(value)
    return query


def narrowed_to(call: K, name: str, items: tuple[str, ...]) -> K:
    """Return the call for some of the items that it holds under `name`: they were checked when it was made."""
    part = object.__new__(type(call))
    for own, _ in call.options.values():
        object.__setattr__(part, own, getattr(call, own))
    object.__setattr__(part, name, items)
    return part


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option, field))
def call_class(cls: C) -> C:
    """Make a call class: a frozen dataclass whose options are checked by their kinds."""
    made: Any = dataclass(frozen=True, slots=True, kw_only=True)(cls)
    made.options = MappingProxyType(
        {each.metadata["kind"].name: (each.name, each.metadata["kind"]) for each in fields(made) if each.metadata}
    )
    made.required = tuple(
        each.metadata["kind"].name for each in fields(made) if each.metadata and each.default is MISSING
    )
    return made
