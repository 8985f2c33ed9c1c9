"""The tracking calls: adding costs tokens and lowers the refill rate, the rest is free. Source: sheet section 10.11."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar, cast

from keepahead.errors import InvalidCallError
from keepahead.keepa.call import BaseCall, call_class, option, query_of
from keepahead.keepa.json_text import JsonText
from keepahead.keepa.lookup_calls import ITEM_LIMITS
from keepahead.keepa.parameters import Asin, Choice, Kind, Maybe, Text, flag, whole
from keepahead.keepa.selections import check_tracking

TRACKING_OPTIONS = MappingProxyType(
    {
        "remove": ("asin", "list"),
        "removeAll": ("list",),
        "get": ("asin", "list"),
        "list": ("asins-only", "page", "perPage", "list"),
        "notification": ("since", "revise", "readOnly", "all", "list"),
        "listNames": ("list",),
        "webhook": ("url",),
    }
)


class ListName(Text):
    """The name of a tracking list: up to 64 characters."""

    def check(self, value: str | int) -> str:
        """Return the name without blanks around it."""
        name = super().check(value)
        if len(name) > 64:
            message = "The name of a tracking list has at most 64 characters."
            raise InvalidCallError("list_name_too_long", message, parameter="list")
        return name


TrackingsIn = Iterable[Mapping[str, Any] | str] | str


class Trackings(Kind[TrackingsIn, tuple[str, ...]]):
    """Tracking creation objects: mappings, or their JSON texts; kept as canonical JSON texts."""

    def check(self, value: TrackingsIn) -> tuple[str, ...]:
        """Return each tracking as canonical JSON."""
        json_text = JsonText(self.name)
        listed: Any = json_text.decode(value) if isinstance(value, str) else value
        listed = [cast("object", listed)] if isinstance(listed, Mapping) else listed
        if isinstance(listed, str) or not isinstance(listed, Iterable):
            raise self.invalid("must be a JSON object or a list of them", listed)
        trackings = tuple(cast("Iterable[Any]", listed))
        if not trackings:
            raise self.missing("at least one tracking")
        if len(trackings) > ITEM_LIMITS["trackings_hard"]:
            message = f"One call adds at most 1,000 trackings (Keepa's limit is 3,000), not {len(trackings)}."
            raise InvalidCallError("too_many_trackings", message, parameter=self.name)
        return tuple(self._canonical(json_text, tracking) for tracking in trackings)

    def read(self, raw: object) -> TrackingsIn:
        """Read a JSON text, or take what is already decoded."""
        return cast("TrackingsIn", JsonText(self.name).read(raw))

    def _canonical(self, json_text: JsonText, tracking: object) -> str:
        decoded = json_text.decode(tracking) if isinstance(tracking, str) else tracking
        text = json_text.encode(decoded)
        check_tracking(json_text.decode(text))
        return text


@call_class
class TrackingAddCall(BaseCall):
    """Add trackings, or overwrite those of the same ASIN; always posted. Split above ITEM_LIMITS["trackings"]."""

    endpoint: ClassVar[str] = "tracking"
    fixed = MappingProxyType({"type": "add"})
    trackings: tuple[str, ...] = option(converter=Trackings("tracking"))
    list_name: str | None = option(converter=Maybe(ListName("list", "a name")), default=None)

    @property
    def items(self) -> tuple[str, ...]:
        """Return the trackings, each as JSON text."""
        return self.trackings

    @property
    def item_limit(self) -> int:
        """Return how many items one call should have."""
        return ITEM_LIMITS["trackings"]

    def narrowed(self, items: Iterable[str]) -> "TrackingAddCall":
        """Return the same call for other trackings, each as JSON text."""
        return replace(self, trackings=items)

    @property
    def method(self) -> str:
        """Return POST."""
        return "POST"

    def query(self) -> dict[str, str]:
        """Return the type and the list; the trackings are in the body."""
        query = query_of(self)
        del query["tracking"]
        return query

    def body(self) -> bytes | None:
        """Return the trackings as a JSON array."""
        return f"[{','.join(self.trackings)}]".encode()


@call_class
class TrackingCall(BaseCall):
    """Everything on trackings but adding them; `type` says what: a key of TRACKING_OPTIONS, which lists its options.

    `since` counts Keepa minutes (0: all). `page` counts from 0, `per_page` is at most 100,000.
    """

    endpoint: ClassVar[str] = "tracking"
    type: str = option(converter=Choice("type", tuple(TRACKING_OPTIONS)))
    asin: str | None = option(converter=Maybe(Asin()), default=None)
    list_name: str | None = option(converter=Maybe(ListName("list", "a name")), default=None)
    asins_only: bool | None = option(converter=flag("asins-only"), default=None)
    page: int | None = option(converter=whole("page", 0, outside_code="page_out_of_range"), default=None)
    per_page: int | None = option(
        converter=whole("perPage", 1, 100_000, outside_code="perPage_out_of_range"), default=None
    )
    since: int | None = option(converter=whole("since", 0), default=None)
    revise: bool | None = option(converter=flag("revise"), default=None)
    read_only: bool | None = option(converter=flag("readOnly"), default=None)
    all_notifications: bool | None = option(converter=flag("all"), default=None)
    url: str | None = option(
        converter=Maybe(Text("url", "an http or https address", r"https?://[^\s/?#]+[^\s]*")), default=None
    )

    def __post_init__(self) -> None:
        self._convert()
        for name in ("asin", "url"):
            if name in TRACKING_OPTIONS[self.type] and getattr(self, name) is None:
                message = f"type={self.type} needs {name}."
                raise InvalidCallError(f"missing_{name}", message, parameter=name)
        if self.type == "webhook" and self.list_name is not None:
            message = "type=webhook takes no list: there is one webhook for the account."
            raise InvalidCallError("list_not_supported", message, parameter="list")
        for wire_name in query_of(self):
            if wire_name != "type" and wire_name not in TRACKING_OPTIONS[self.type]:
                message = f'type={self.type} does not take "{wire_name}".'
                raise InvalidCallError("unknown_parameter", message, parameter=wire_name)
