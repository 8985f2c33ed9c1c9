"""What the archive has of a call, and what is left to be paid for. Looks only: nothing is served, nobody is charged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from keepahead.keepa.calls import Call
from keepahead.keepa.contents import demanded_age, wanted
from keepahead.keepa.shares import part_of
from keepahead.store.archive import Archive


@dataclass(frozen=True, slots=True)
class Holding:
    """`held` of `items` would come from the archive, the `oldest` from then; `rest` is what would be sent."""

    items: int
    held: int
    oldest: datetime | None
    rest: Call | None


def holding(call: Call, archive: Archive, ages: Mapping[str, timedelta], now: datetime) -> Holding:
    """Return what the archive has of the call that is not older than `ages` of its endpoint, and than it says itself.

    Blocks. Raises LedgerError.
    """
    of, age, demanded = wanted(call), ages.get(call.endpoint, timedelta()), demanded_age(call)
    age = age if demanded is None else min(age, demanded)
    if of is None or age <= timedelta() or not archive.is_on:
        return Holding(len(of.items) if of else 0, 0, None, call)
    found = archive.look(of, now - age, now)
    oldest = min((item.fetched_at for item in found.values()), default=None)
    return Holding(len(of.items), len(found), oldest, part_of(call, [name for name in of.items if name not in found]))
