"""Requests that come from within the gateway: from its pages, and from the programs that it plays."""

from starlette.requests import Request
from starlette.types import Receive

from keepahead.faces.gateway.gateway import Gateway
from keepahead.faces.gateway.visit import Visit, begin
from keepahead.faces.gateway.visitor import Visitor


def request_of(gateway: Gateway, visitor: Visitor, receive: Receive) -> Request:
    """Return a request as the visitor would have sent it: Gateway.spend and spend_whole work with it.

    `receive` returns when nobody waits for the answer any more.
    """
    scope = {"type": "http", "method": "POST", "path": "/", "headers": (), "query_string": b""}
    visit = Visit("", visitor)
    visit.is_below_floor = gateway.pulse.is_below_floor(gateway.lanes[visitor.lane], gateway.clock.now())
    begin(scope, visit)
    return Request(scope, receive)
