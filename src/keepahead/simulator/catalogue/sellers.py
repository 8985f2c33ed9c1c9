"""Who sells what. Every offer slot of a product leads to a seat, every seat to its seller, and back again.

The way back is arithmetic, so a storefront needs no table of all offers.
"""

from collections.abc import Iterator
from functools import cache

from keepahead.simulator.catalogue.noise import mix
from keepahead.simulator.catalogue.numbers import PRODUCTS, SEATS

FBA_SLOTS, FBM_SLOTS, USED_SLOTS = range(20), range(20, 50), range(50, 62)
_BIG, _MIDDLE = 40, 200


@cache
def seats_by_seller() -> tuple[tuple[int, ...], ...]:
    """Return each seller's seats: a few hold many, most hold one, the last thousands none."""
    sizes = [24] * _BIG + [6] * _MIDDLE
    sizes += [1] * (SEATS - sum(sizes))
    order = sorted(range(SEATS), key=mix)
    seats: list[tuple[int, ...]] = []
    used = 0
    for size in sizes:
        seats.append(tuple(order[used : used + size]))
        used += size
    return tuple(seats) + ((),) * (SEATS - len(seats))


@cache
def _seller_by_seat() -> tuple[int, ...]:
    sellers = [0] * SEATS
    for seller, seats in enumerate(seats_by_seller()):
        for seat in seats:
            sellers[seat] = seller
    return tuple(sellers)


@cache
def _slot(slot: int) -> tuple[int, int, int]:
    factor = 1 + mix(slot, 3) % (SEATS - 1)
    return factor, mix(slot, 4) % SEATS, pow(factor, -1, SEATS)


def seller_at(index: int, domain: int, slot: int) -> int:
    """Return the number of the seller behind one offer slot of a product."""
    factor, offset, _ = _slot(slot)
    return _seller_by_seat()[(index * factor + offset + domain * 37) % SEATS]


def products_of(seller: int, domain: int) -> Iterator[tuple[int, int]]:
    """Yield (product index, slot) of every offer slot that leads to a seller, live or not."""
    for seat in seats_by_seller()[seller]:
        for slot in (*FBA_SLOTS, *FBM_SLOTS, *USED_SLOTS):
            _, offset, back = _slot(slot)
            first = (seat - offset - domain * 37) * back % SEATS
            for index in range(first, PRODUCTS, SEATS):
                yield index, slot
