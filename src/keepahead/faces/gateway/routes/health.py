"""`/health`: for whoever watches the gateway. No key is needed, and nothing is spent."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from keepahead.faces.gateway.described import Loose, Maybe, answers
from keepahead.faces.gateway.health import OK, Health
from keepahead.faces.gateway.respond import json_response
from keepahead.faces.gateway.visit import visit_of

router = APIRouter(prefix="/health", tags=["health"])

_LIVE = {"alive": True}
_CHECKS = {"ledger": "ok", "migrations": "ok", "draining": "ok", "upstream": "ok"}
_READY = {"ready": True, "checks": _CHECKS}
_NOT_READY = {"ready": False, "checks": {**_CHECKS, "draining": "the gateway is going down"}}
_HEALTH = {"state": "ok", "version": "0.1.0", "uptime_seconds": 86400.0}
_ACCOUNT = {"balance": 174, "free": 124, "capacity": 1200, "refill_rate_per_minute": 20, "reserved": 50}
_LEDGER = {
    "read_at": Maybe("2026-11-22T20:00:00Z"),
    "age_seconds": Maybe(0.2),
    "took_seconds": 0.0011,
    "failure": None,
}
_UPSTREAM = {"answered_at": Maybe("2026-11-22T19:59:59Z"), "failed_at": None, "failure": None}
_IN_FULL = Loose({**_HEALTH, "account": Maybe(_ACCOUNT), "ledger": _LEDGER, "upstream": _UPSTREAM})


async def health_of(request: Request) -> Health:
    """Return the health of the gateway that the request has come to."""
    return request.app.state.health


Well = Annotated[Health, Depends(health_of)]


@router.get("/live", responses=answers(_LIVE, "It answers."))
async def live() -> Response:
    """Say that the process answers. If it does not, start it anew."""
    return json_response(_LIVE)


@router.get(
    "/ready",
    responses={
        **answers(_READY, "Requests may be sent here."),
        **answers(_NOT_READY, "Send them elsewhere.", status=503),
    },
)
async def ready(health: Well) -> Response:
    """Say whether requests may be sent here: the ledger is there and up to date, it is not going down, Keepa answers.

    Whether Keepa answers is told by the last calls; nobody knows counts as yes, and so does a failure a minute ago.
    """
    checks = await health.checks()
    is_ready = all(each == OK for each in checks.values())
    return json_response({"ready": is_ready, "checks": checks}, 200 if is_ready else 503)


@router.get("", responses=answers(_IN_FULL, "How it is. Without a key: state, version and uptime only."))
async def health(request: Request, health: Well) -> Response:
    """Say how it is. With a gateway key also: the account, how late the ledger is read, and how Keepa answered last."""
    return json_response(health.document(in_full=visit_of(request).visitor is not None))
