"""From a raw Keepa request to a call. Only names and text are looked at here: every rule is the call's own.

Raises nothing but `InvalidCallError`, whatever comes in. The key is dropped, and no value is repeated that could be it.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from keepahead.errors import InvalidCallError
from keepahead.keepa.call import BaseCall
from keepahead.keepa.filters import nearest_name
from keepahead.keepa.graph_calls import GraphImageCall
from keepahead.keepa.lookup_calls import (
    BestSellersCall,
    CategoryCall,
    CategorySearchCall,
    LightningDealCall,
    ProductCall,
    ProductSearchCall,
    SellerCall,
    TokenCall,
    TopSellersCall,
)
from keepahead.keepa.parameters import shown
from keepahead.keepa.selection_calls import DealCall, FinderCall, SellerFinderCall
from keepahead.keepa.tracking_calls import TRACKING_OPTIONS, TrackingAddCall, TrackingCall

Call = (
    TokenCall
    | ProductCall
    | ProductSearchCall
    | CategorySearchCall
    | CategoryCall
    | FinderCall
    | DealCall
    | BestSellersCall
    | SellerCall
    | SellerFinderCall
    | TopSellersCall
    | LightningDealCall
    | TrackingAddCall
    | TrackingCall
    | GraphImageCall
)

_BY_PATH: dict[str, type[Call]] = {
    call.endpoint: call
    for call in (
        TokenCall,
        ProductCall,
        CategoryCall,
        FinderCall,
        DealCall,
        BestSellersCall,
        SellerCall,
        SellerFinderCall,
        TopSellersCall,
        LightningDealCall,
        GraphImageCall,
    )
}
_BY_TYPE: dict[str, dict[str, type[Call]]] = {
    "search": {"product": ProductSearchCall, "category": CategorySearchCall},
    "tracking": {"add": TrackingAddCall, **dict.fromkeys(TRACKING_OPTIONS, TrackingCall)},
}
_JSON_PARAMETER: dict[type[BaseCall], str] = {
    DealCall: "selection",
    FinderCall: "selection",
    TrackingAddCall: "tracking",
}
_PATHS = (*_BY_PATH, *_BY_TYPE)
_USUAL_WRONG_PATHS = {
    "finder": "query",
    "productfinder": "query",
    "product_finder": "query",
    "sellerfinder": "sellerquery",
    "seller_finder": "sellerquery",
    "status": "token",
    "best_sellers": "bestsellers",
    "lightning": "lightningdeal",
    "graph": "graphimage",
}


def parse_call(
    method: str, path: str, params: Mapping[str, str | int], body: object = None, *, today: date | None = None
) -> Call:
    """Build the call from a raw Keepa request. `path` may lack its slash, `body` is bytes, text or decoded JSON.

    `today` (UTC) decides which months have best-seller lists. Raises `InvalidCallError` and nothing else.
    """
    endpoint = _endpoint(path)
    given: dict[str, object] = {_name(name): value for name, value in params.items()}
    given.pop("key", None)
    call_type = _call_type(endpoint, given)
    _check_method(method, call_type, body)
    if not _is_empty(body):
        _add_body(given, _JSON_PARAMETER[call_type], body)
    return _made(call_type, given, method, today)


def parse_as_keepa(
    method: str, path: str, params: Mapping[str, str], body: bytes = b"", *, today: date | None = None
) -> tuple[Call, tuple[str, ...]]:
    """Build the call as Keepa itself reads a request, and return the names of the parameters that it ignores.

    Those are what the call does not know; what is empty and could be left out counts as left out. A body is looked at
    only in a POST that takes JSON. Raises `InvalidCallError` and nothing else.
    """
    endpoint = _endpoint(path)
    given: dict[str, object] = {name: value for name, value in params.items() if name != "key"}
    call_type = _call_type(endpoint, given)
    known = _known(call_type, given)
    ignored = tuple(name for name in given if name not in known)
    for name in ignored:
        del given[name]
    for name in [name for name, value in given.items() if _is_left_out(call_type, name, value)]:
        del given[name]
    json_name = "selection" if call_type is SellerFinderCall else _JSON_PARAMETER.get(call_type)
    if json_name and method == "POST" and not _is_empty(body):
        _add_body(given, json_name, body)
    return _made(call_type, given, method, today), ignored


def _known(call_type: type[Call], given: Mapping[str, object]) -> Collection[str]:
    if call_type is TrackingCall:
        return ("type", *TRACKING_OPTIONS[str(given["type"]).strip()])
    return (*call_type.fixed, *call_type.options)


def _is_left_out(call_type: type[Call], name: str, value: object) -> bool:
    """Tell whether an empty parameter is as good as none. Not where that would ask for much more than is meant."""
    is_for_all = call_type is LightningDealCall and name == "asin"
    return _is_empty(value) and name not in call_type.required and not is_for_all


def _add_body(given: dict[str, object], name: str, body: object) -> None:
    if name in given:
        message = f"{name} stands in the query and in the body: give it once."
        raise InvalidCallError(f"invalid_{name}", message, parameter=name)
    given[name] = body


def _made(call_type: type[Call], given: Mapping[str, object], method: str, today: date | None) -> Call:
    values = _values(call_type, given)
    if call_type is BestSellersCall:
        values["today"] = today
    if call_type is FinderCall:
        values["post"] = method.upper() == "POST"
    make: Any = call_type
    return make(**values)


def _endpoint(path: object) -> str:
    name, question_mark, _ = (path if isinstance(path, str) else shown(path)).removeprefix("/").partition("?")
    if question_mark:
        message = "The path must end before the question mark: give what follows it as parameters."
        raise InvalidCallError("unknown_path", message, parameter="path")
    if name in _PATHS:
        return name
    nearest = _USUAL_WRONG_PATHS.get(name.lower()) or nearest_name(name, _PATHS)
    hint = f": did you mean /{nearest}?" if nearest else "."
    message = f"Keepa has no such path, {shown(name)}{hint}"
    raise InvalidCallError("unknown_path", message, parameter="path", nearest=f"/{nearest}" if nearest else None)


def _name(name: object) -> str:
    if isinstance(name, str):
        return name
    raise InvalidCallError("unknown_parameter", f"A parameter name must be a text, not {shown(name)}.")


def _call_type(endpoint: str, given: Mapping[str, object]) -> type[Call]:
    if endpoint in _BY_PATH:
        return _BY_PATH[endpoint]
    types = _BY_TYPE[endpoint]
    chosen = given.get("type", "")
    name = chosen.strip() if isinstance(chosen, str) else ""
    right = ", ".join(types)
    if not name and isinstance(chosen, str):
        raise InvalidCallError("missing_type", f"type is missing: give one of {right}.", parameter="type")
    if name not in types:
        message = f"type must be one of {right}, not {shown(chosen)}."
        raise InvalidCallError("invalid_type", message, parameter="type")
    return types[name]


def _check_method(method: object, call_type: type[Call], body: object) -> None:
    name = method.upper() if isinstance(method, str) else shown(method)
    if name not in ("GET", "POST") or (name == "POST" and call_type not in _JSON_PARAMETER):
        message = f"/{call_type.endpoint} takes GET, not {shown(name)}."
        raise InvalidCallError("method_not_allowed", message, parameter="method")
    if name == "GET" and not _is_empty(body):
        raise InvalidCallError("unexpected_body", "A GET carries no body: send it with POST.", parameter="body")


def _is_empty(body: object) -> bool:
    return body is None or (isinstance(body, str | bytes) and not body.strip())


def _values(call_type: type[Call], given: Mapping[str, object]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, raw in given.items():
        if name in call_type.fixed:
            continue
        if name not in call_type.options:
            raise _unknown(name, call_type)
        field, kind = call_type.options[name]
        values[field] = kind.read(raw)
    for name in call_type.required:
        field, kind = call_type.options[name]
        if field not in values:
            values[field] = kind.read("")  # the call says what is missing
    return values


def _unknown(name: str, call_type: type[Call]) -> InvalidCallError:
    nearest = nearest_name(name, tuple(call_type.options))
    quoted = f'"{name}"' if len(name) <= 40 and name.isprintable() else shown(name)
    message = f"unknown parameter {quoted}" + (f': did you mean "{nearest}"?' if nearest else ".")
    if call_type is DealCall and name == "domain":
        message = 'unknown parameter "domain": the deal request names it inside its JSON, as domainId.'
    message += " Keepa ignores unknown parameters and charges all the same."
    return InvalidCallError("unknown_parameter", message, parameter=name, nearest=nearest)
