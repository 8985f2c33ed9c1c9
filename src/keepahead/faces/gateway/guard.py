"""The guard before all spending: below the floor a request gets what is free and what the archive has, and no more.

It marks such a request; whatever of it is not archived is refused before anything is made ready to be sent, with the
moment at which it can be had. What waits for its tokens (`deadline`) may go on.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from keepahead.faces.gateway.gateway import Gateway
from keepahead.faces.gateway.visit import visit_in


class Guard:
    """Wraps the routes, behind the entrance."""

    def __init__(self, app: ASGIApp, *, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, marked if the balance is below the floor of its visitor's lane."""
        if scope["type"] == "http":
            visit, gateway = visit_in(scope), self._gateway
            if visit.visitor is not None:
                lane = gateway.lanes[visit.visitor.lane]
                visit.is_below_floor = gateway.pulse.is_below_floor(lane, gateway.clock.now())
        await self._app(scope, receive, send)
