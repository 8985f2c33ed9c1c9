"""How a call divides into parts that cost their share, and how it is named in words."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from keepahead.keepa.call import narrowed_to
from keepahead.keepa.calls import Call, CategoryCall, ProductCall, SellerCall, TrackingAddCall

_NOUNS = {"product": "products", "seller": "sellers", "category": "categories", "tracking": "trackings"}
_HELD_IN: Mapping[type[Call], str] = {ProductCall: "asins", SellerCall: "sellers", CategoryCall: "categories"}
_LISTS = frozenset(("asin", "code", "category", "seller", "tracking"))
_LONGEST = 160


def shares_of(call: Call, tokens: int) -> int:
    """Return into how many parts of equal cost the call can be divided; 1 if it cannot be."""
    match call:
        case ProductCall() | SellerCall() | TrackingAddCall():
            return len(call.items) if tokens % len(call.items) == 0 else 1
        case _:
            return 1


def first_of(call: Call, items: int, of_items: int) -> Call:
    """Return the part of the call that holds its first `items`."""
    if items == of_items:
        return call
    assert isinstance(call, ProductCall | SellerCall | TrackingAddCall)  # noqa: S101 - shares_of said so
    return call.narrowed(call.items[:items])


def rest_of(call: Call, part: Call) -> Call | None:
    """Return what is left of the call after its first `part`; None if nothing is."""
    if call is part:
        return None
    assert isinstance(call, ProductCall | SellerCall | TrackingAddCall)  # noqa: S101 - as above
    assert isinstance(part, ProductCall | SellerCall | TrackingAddCall)  # noqa: S101 - as above
    return call.narrowed(call.items[len(part.items) :])


def part_of(call: Call, items: Collection[str]) -> Call | None:
    """Return the part of the call that asks for these of its items, in its order; None for none of them.

    A call without items is one item, whatever its name.
    """
    if not items:
        return None
    name = _divided_by(call)
    if name is None:
        return call
    held = items_of(call)
    chosen = tuple(item for item in held if item in items)
    if len(chosen) == len(held):
        return call
    return narrowed_to(call, name, chosen) if chosen else None


def each_of(call: Call, items: Iterable[str]) -> Iterator[tuple[str, Call]]:
    """Yield these of the call's items, each with its own part of the call."""
    name = _divided_by(call)
    is_whole = name is None or len(items_of(call)) == 1
    for item in items:
        yield item, call if is_whole or name is None else narrowed_to(call, name, (item,))


def _divided_by(call: Call) -> str | None:
    """Return the option that holds what the archive keeps one by one; None where it keeps the answer as a whole."""
    name = _HELD_IN.get(type(call))
    return name if name is not None and getattr(call, name) else None


def both_of(first: Call | None, second: Call | None) -> Call | None:
    """Return two parts of one call as one."""
    if first is None or second is None:
        return first or second
    assert isinstance(first, ProductCall | SellerCall | CategoryCall)  # noqa: S101 - it has parts
    return first.narrowed((*first.items, *items_of(second)))


def items_of(call: Call) -> tuple[str, ...]:
    """Return the ids that the call asks for, empty for a call without any."""
    match call:
        case ProductCall() | SellerCall() | CategoryCall() | TrackingAddCall():
            return call.items
        case _:
            return ()


def shape_of(call: Call) -> str:
    """Say in a few words what the call asks, for the ledger, the log and people: no key, no long lists."""
    query = call.query()
    words = [call.endpoint]
    items = items_of(call)
    if len(items) == 1 and not isinstance(call, TrackingAddCall):
        words.append(items[0])
    elif items:
        words.append(f"{len(items)} {_NOUNS[call.endpoint]}")
    words.extend(f"{name}={value}" for name, value in query.items() if not (items and name in _LISTS))
    body = call.body()
    if body is not None and not items:
        words.append(body.decode())
    text = " ".join(words)
    return short(text)


def short(text: str) -> str:
    """Return as much of it as the ledger and people need."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
