"""Answers to archived items and back. Nothing of an item is decoded but its id: what cannot be split is kept whole."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from keepahead.keepa.calls import Call, CategoryCall, ProductCall, ProductSearchCall, SellerCall
from keepahead.keepa.contents import ProductContents, contents_of, found_contents, wanted
from keepahead.keepa.costs import quote
from keepahead.keepa.wire import Answer, Reading
from keepahead.store.archive import UNREAD
from keepahead.store.wanted import Item, Wanted

_FREE = Reading(consumed=0, is_json=True)
_NULL = msgspec.Raw(b"null")
_ALL_ROOTS = "0"
_BEFORE, _AFTER = b'{"products":[', b"]}"
_NO_PRODUCTS = _BEFORE + _AFTER


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be kept of an answer under one endpoint and domain."""

    wanted: Wanted
    items: tuple[Item, ...]


class _Products(msgspec.Struct):
    products: list[msgspec.Raw] | None = None


class _Product(msgspec.Struct, rename="camel"):
    asin: str | None = None
    offers_successful: msgspec.Raw = msgspec.Raw()


class _Sellers(msgspec.Struct):
    sellers: dict[str, msgspec.Raw] | None = None


class _Categories(msgspec.Struct, rename="camel"):
    categories: dict[str, msgspec.Raw] | None = None
    category_parents: msgspec.Raw = msgspec.Raw()


def parcels(answer: Answer) -> Sequence[Parcel]:
    """Return what to keep of an answer; nothing of one that carries an error, or that is never archived."""
    call = answer.call
    of = wanted(call)
    if of is None or answer.fault is not None:
        return ()
    try:
        split = split_items(answer)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return (Parcel(of, (unread(answer),)),)
    if contents_of(call) is not None:
        return (Parcel(of, _items(answer, split)),) if split else ()
    whole = Parcel(of, (_item(answer, of.items[0], of.contents, answer.body, charged(answer)),))
    if split and isinstance(call, ProductCall | ProductSearchCall):  # each is worth having by its ASIN as well
        by_asin = wanted(ProductCall(asins=("B000000000",), domain=call.domain))
        return (whole, Parcel(by_asin, _items(answer, split))) if by_asin else (whole,)
    return (whole,)


def unread(answer: Answer) -> Item:
    """Return a whole answer as an item that serves nobody: it was paid for, so its bytes are not thrown away."""
    return _item(answer, f"call {answer.call_id}", UNREAD, answer.body, charged(answer))


def split_items(answer: Answer) -> Mapping[str, tuple[str, bytes]]:
    """Return each item's contents, and its bytes as an answer of its own; empty for what has no items.

    Raises msgspec.DecodeError where the answer is not what it should be.
    """
    call = answer.call
    match call:
        case ProductCall() | ProductSearchCall():
            return dict(_products(answer.body, found_contents(call)))
        case SellerCall():
            told = msgspec.json.decode(answer.body, type=_Sellers).sellers or {}
            return {name: (_text(call), _wrapped("sellers", name, raw)) for name, raw in told.items() if raw != _NULL}
        case CategoryCall(categories=("0",)):
            return {_ALL_ROOTS: (_text(call), answer.body)}
        case CategoryCall():
            return _categories(call, answer.body)
        case _:
            return {}


def answer_of(call: Call, item: Item, *, is_stale: bool, saved: int = 0) -> Answer:
    """Return an archived item as the answer to its part of the call, which saved so many tokens."""
    return Answer(
        call,
        200,
        item.body,
        _FREE,
        item.fetched_at,
        item.call_id,
        is_archived=True,
        is_stale=is_stale,
        tokens_saved=saved,
    )


def product_of(answer: Answer) -> tuple[str, msgspec.Raw] | None:
    """Return the ASIN and the bytes of an archived product, neither read nor copied; None for any other answer."""
    call, body = answer.call, answer.body
    if not (answer.is_archived and isinstance(call, ProductCall) and len(call.asins) == 1 and body.startswith(_BEFORE)):
        return None
    return call.asins[0], msgspec.Raw(memoryview(body)[len(_BEFORE) : -len(_AFTER)])


def joined(call: Call, items: Sequence[Item], *, is_stale: bool, saved: int = 0) -> Answer:
    """Return archived items as one answer to the whole call, as old as the oldest of them."""
    if len(items) == 1:
        return answer_of(call, items[0], is_stale=is_stale, saved=saved)
    lists: dict[str, list[msgspec.Raw]] = {}
    maps: dict[str, dict[str, msgspec.Raw]] = {}
    for item in items:
        for name, raw in msgspec.json.decode(item.body, type=dict[str, msgspec.Raw]).items():
            if bytes(raw).startswith(b"["):
                lists.setdefault(name, []).extend(msgspec.json.decode(raw, type=list[msgspec.Raw]))
            elif bytes(raw).startswith(b"{"):
                maps.setdefault(name, {}).update(msgspec.json.decode(raw, type=dict[str, msgspec.Raw]))
    oldest = min(items, key=lambda item: item.fetched_at)
    whole = replace(oldest, body=msgspec.json.encode({**maps, **lists}))
    return answer_of(call, whole, is_stale=is_stale, saved=saved)


def apart(answer: Answer) -> Sequence[Answer]:
    """Return a live answer to many products as an answer for each; as it is where it cannot be split."""
    call = answer.call
    if answer.is_archived or not isinstance(call, ProductCall) or len(call.items) == 1:
        return (answer,)
    try:
        split = split_items(answer)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return (answer,)
    if not split:
        split = dict.fromkeys(call.items, ("", _NO_PRODUCTS))
    tokens = {item.item: item.tokens for item in _items(answer, split)}
    return tuple(
        replace(
            answer,
            call=call.narrowed((name,)),
            body=split[name][1] if name in split else _NO_PRODUCTS,
            reading=replace(answer.reading, consumed=tokens.get(name, 0)),
            is_share=True,
        )
        for name in call.items
    )


def _products(body: bytes, contents: ProductContents) -> Iterable[tuple[str, tuple[str, bytes]]]:
    full, bare = contents.text, contents.without_offers().text
    for raw in msgspec.json.decode(body, type=_Products).products or ():
        if raw == _NULL:
            continue
        product = msgspec.json.decode(raw, type=_Product)
        if product.asin:
            has_all = not contents.offers or bytes(product.offers_successful) == b"true"
            yield product.asin, (full if has_all else bare, _BEFORE + bytes(raw) + _AFTER)


def _categories(call: CategoryCall, body: bytes) -> Mapping[str, tuple[str, bytes]]:
    told = msgspec.json.decode(body, type=_Categories)
    parents = bytes(told.category_parents)
    after = b',"categoryParents":' + parents if call.parents and parents not in {b"", b"null"} else b""
    return {
        number: (_text(call), b'{"categories":{"%b":%b}%b}' % (number.encode(), bytes(raw), after))
        for number, raw in (told.categories or {}).items()
        if raw != _NULL
    }


def _wrapped(field: str, name: str, raw: msgspec.Raw) -> bytes:
    return msgspec.json.encode({field: {name: raw}})


def _text(call: Call) -> str:
    contents = contents_of(call)
    return contents.text if contents else ""


def _items(answer: Answer, split: Mapping[str, tuple[str, bytes]]) -> tuple[Item, ...]:
    """Share out what the answer cost; a category costs the same alone as with nine others."""
    paid, number = charged(answer), max(1, len(split))
    base, more = (paid, 0) if isinstance(answer.call, CategoryCall) else divmod(paid, number)
    return tuple(
        _item(answer, name, contents, body, base + (place < more))
        for place, (name, (contents, body)) in enumerate(split.items())
    )


def _item(answer: Answer, name: str, contents: str, body: bytes, tokens: int) -> Item:
    return Item(name, contents, answer.fetched_at, tokens, answer.call_id, body)


def charged(answer: Answer) -> int:
    """Return what Keepa charged for an answer; where it does not say, what it is known to cost."""
    return quote(answer.call).tokens_likely if answer.tokens_consumed is None else answer.tokens_consumed
