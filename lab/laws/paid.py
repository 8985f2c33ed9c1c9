"""What of Keepa's a request asks for and an answer holds, read from the bytes on their way; no code of keepahead's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keepahead.simulator.answers import Reply
from lab.network import Exchange

_LISTS = {"/product": "asin", "/seller": "seller", "/category": "category"}
_OK = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """The same text for the same: all that a request says but its items. An answer that has none is one item, ""."""

    endpoint: str
    text: str
    items: tuple[str, ...]


def wish_of(exchange: Exchange) -> Wish:
    """Return what a request asks for."""
    url = exchange.request.url
    query = {name: value for name, value in url.params.items() if name != "key"}
    named = query.pop(_LISTS.get(url.path, ""), "")
    text = json.dumps([url.path, query, exchange.body.decode()], sort_keys=True)
    return Wish(url.path.strip("/"), text, tuple(named.split(",")))


def serves_again(exchange: Exchange, reply: Reply) -> frozenset[str]:
    """Return the items that may be served to whoever asks the same: not those whose offers Keepa could not collect."""
    items = items_in(exchange, reply)
    if not exchange.request.url.params.get("offers"):
        return frozenset(items)
    products = json.loads(reply.body).get("products") if items else None
    return frozenset(each["asin"] for each in products or () if each and each.get("offersSuccessful"))


def items_in(exchange: Exchange, reply: Reply) -> tuple[str, ...]:
    """Return the items that an answer has brought: none where something went wrong with it, or where it is free."""
    pending = exchange.pending
    if reply.status != _OK or pending is None or pending.fate.kind != "none" or pending.path.strip("/") == "token":
        return ()
    told: Mapping[str, Any] = json.loads(reply.body)
    match pending.path.strip("/"):
        case "product":
            return tuple(each["asin"] for each in told.get("products") or () if each and each.get("asin"))
        case "seller":
            return tuple(name for name, each in (told.get("sellers") or {}).items() if each)
        case "category":
            return tuple(name for name, each in (told.get("categories") or {}).items() if each)
        case _:
            return ("",)
