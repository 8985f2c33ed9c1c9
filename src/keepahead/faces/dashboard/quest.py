"""What is looked for in the ledger, and in which order: kept in the address of the page, to be shared. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Self
from urllib.parse import urlencode

from keepahead.budget.rule import is_caller_name
from keepahead.faces.gateway.wanted_entries import read_moment
from keepahead.faces.ledger_documents import ENDPOINTS
from keepahead.store.record import Filter
from keepahead.store.rows import KINDS
from keepahead.store.search import Order
from keepahead.store.stretch import Place

TEXT_MOST = 100
_PLACE_MOST = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Quest:
    """What is looked for. Empty texts mean any; `since` and `until` are as people write them.

    `place` is where the page begins, or ends if it was come to `backwards`; `call` is the call that is open.
    """

    text: str = ""
    kind: str = ""
    caller: str = ""
    endpoint: str = ""
    lane: str = ""
    since: str = ""
    until: str = ""
    order: Order = Order.NEWEST
    place: Place | None = None
    backwards: bool = False
    call: str = ""

    @property
    def is_narrow(self) -> bool:
        """Tell whether anything but the order was chosen."""
        return any((self.text, self.kind, self.caller, self.endpoint, self.lane, self.since, self.until))

    def wanted(self, now: datetime) -> Filter:
        """Return the filter. Raises ValueError for a moment that cannot be read."""
        return Filter(
            since=read_moment(self.since, now) if self.since else None,
            until=read_moment(self.until, now) if self.until else None,
            endpoint=self.endpoint or None,
            caller=self.caller or None,
            lane=self.lane or None,
            kind=self.kind or None,
        )

    def changed(self, **values: str) -> Self:
        """Return the quest for something else, from its first page on."""
        return replace(self.at_first(), **values)

    def sorted_by(self, column: str) -> Self:
        """Return the quest in the order of a column, in the other direction if it is in that order already."""
        down, up = (Order.NEWEST, Order.OLDEST) if column == "time" else (Order.MOST, Order.LEAST)
        return replace(self.at_first(), order=up if self.order is down else down)

    def at(self, place: Place, *, backwards: bool = False) -> Self:
        """Return the same quest on another page."""
        return replace(self, place=place, backwards=backwards)

    def at_first(self) -> Self:
        """Return the same quest on its first page."""
        return replace(self, place=None, backwards=False)

    @property
    def query(self) -> str:
        """Return it as the query of an address; what is as usual is left out."""
        said = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in {"place", "backwards"}}
        said = {name: value for name, value in said.items() if value and value != Order.NEWEST}
        if self.place is not None:
            said["before" if self.backwards else "after"] = "{}_{}".format(*self.place)
        return urlencode(said)


def read_quest(query: Mapping[str, str]) -> Quest:
    """Read the query of an address; what makes no sense there is left out."""

    def one_of(name: str, known: tuple[str, ...]) -> str:
        return query.get(name, "") if query.get(name) in known else ""

    back, on = _place(query.get("before", "")), _place(query.get("after", ""))
    caller, call = query.get("caller", ""), query.get("call", "")
    return Quest(
        text=" ".join(query.get("text", "")[:TEXT_MOST].split()),
        kind=one_of("kind", KINDS),
        caller=caller if is_caller_name(caller) else "",
        endpoint=one_of("endpoint", ENDPOINTS),
        lane=one_of("lane", ("live", "jobs")),
        since=query.get("since", "")[:40].strip(),
        until=query.get("until", "")[:40].strip(),
        order=Order(one_of("order", tuple(Order)) or Order.NEWEST),
        place=back or on,
        backwards=back is not None,
        call=call if call.isalnum() and len(call) <= 40 else "",
    )


def _place(text: str) -> Place | None:
    value, _, seq = text.partition("_")
    if not (value.removeprefix("-").isdecimal() and seq.isdecimal() and text.isascii()):
        return None
    place = int(value), int(seq)
    return place if max(map(abs, place)) < _PLACE_MOST else None
