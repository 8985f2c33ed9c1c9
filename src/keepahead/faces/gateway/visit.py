"""What is known of one request while it is under way: who asks, under which id, and what it has cost so far."""

from dataclasses import dataclass, field

from starlette.requests import HTTPConnection
from starlette.types import Scope

from keepahead.faces.gateway.visitor import Visitor
from keepahead.keepa.tally import Tally

_KEY = "keepahead.visit"


@dataclass(slots=True)
class Visit:
    """One request. `visitor` is None where no key is needed; guard.py says whether it came below the floor."""

    request_id: str
    visitor: Visitor | None = None
    is_below_floor: bool = False
    tally: Tally = field(default_factory=Tally)


def begin(scope: Scope, visit: Visit) -> None:
    """Attach a visit to the request."""
    scope[_KEY] = visit


def visit_of(request: HTTPConnection) -> Visit:
    """Return the visit of a request."""
    return visit_in(request.scope)


def visit_in(scope: Scope) -> Visit:
    """Return the visit of a request that has not been made an object yet."""
    return scope[_KEY]
