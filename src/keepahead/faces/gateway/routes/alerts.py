"""`/api/v1/alerts`: what is watched, what fires, who was told; silences, and a test of every channel."""

import asyncio
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from keepahead.budget.scope import Scope
from keepahead.faces.alert_documents import Standing, silence_json, standing_json
from keepahead.faces.gateway import terms
from keepahead.faces.gateway.alerting import Alerts
from keepahead.faces.gateway.described import Maybe, answers
from keepahead.faces.gateway.problems import invalid, problem
from keepahead.faces.gateway.respond import json_response
from keepahead.faces.gateway.terms import Here
from keepahead.faces.gateway.visit import visit_of
from keepahead.faces.gateway.visitor import NoKeyError
from keepahead.faces.words import meant
from keepahead.work.alerts.rules import NAMES
from keepahead.work.alerts.trial import try_out

router = APIRouter(prefix="/api/v1", tags=["alerts"])

_LONGEST = timedelta(days=366)
_SILENCE = {
    "silence_id": 3,
    "rule": Maybe("low"),
    "subject": Maybe("nightly"),
    "words": "the nightly import",
    "made_at": "2026-11-22T20:00:00Z",
    "until": "2026-11-22T22:00:00Z",
    "ends_in_seconds": 7200.0,
}
_ALARM = {
    "rule": "low",
    "subject": "",
    "severity": "warning",
    "is_firing": True,
    "is_told": True,
    "began_at": "2026-11-22T19:58:12Z",
    "changed_at": "2026-11-22T19:58:12Z",
    "told_at": Maybe("2026-11-22T19:58:12Z"),
    "headline": "49 tokens are left; low is below 50",
}
_RULE = {
    "rule": "low",
    "state": "firing",
    "severity": "warning",
    "to": "warning",
    "threshold": 50.0,
    "unit": "tokens",
    "over": 60.0,
    "over_unit": "tokens",
    "cool_down_seconds": 900.0,
    "silenced_until": Maybe("2026-11-22T22:00:00Z"),
    "alarms": [_ALARM],
}
_DELIVERY = {
    "state": "delivered",
    "delivery_id": 12,
    "channel": "mail:ann@example.com",
    "rule": "critical",
    "subject": "",
    "is_over": False,
    "headline": "18 tokens are left; critical is below 20",
    "made_at": "2026-11-22T19:59:02Z",
    "due_at": "2026-11-22T19:59:02Z",
    "attempts": 1,
    "delivered_at": Maybe("2026-11-22T19:59:03Z"),
    "failure": Maybe("Connection refused"),
    "given_up_at": Maybe("2026-11-23T19:59:02Z"),
}
_STANDING = {
    "rules": [_RULE],
    "silences": [_SILENCE],
    "deliveries": [_DELIVERY],
    "waiting": 0,
    "channels": ["log", "mail:ann@example.com"],
}
_TRIED = {"channels": [{"channel": "mail:ann@example.com", "is_delivered": True, "failure": ""}]}


class SilenceWish(BaseModel):
    """Of what nobody is to be told, and for how long."""

    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"examples": [{"rule": "low", "lasts": "2h", "words": "import"}]}
    )

    rule: Annotated[str | None, Field(max_length=32, description="One rule; without it all.", examples=["low"])] = None
    subject: Annotated[
        str | None, Field(max_length=200, description="Only if it fires for this, such as a caller.", examples=["web"])
    ] = None
    lasts: Annotated[
        str,
        Field(
            max_length=30,
            description="How long: 90s, 30m, 2h, 1d.",
            examples=["2h"],
            json_schema_extra={"pattern": r"^[1-9][0-9]{0,3}[smh]$"},
        ),
    ]
    words: Annotated[str, Field(max_length=500, description="Why, for whoever sees it.", examples=["import"])] = ""


@router.get("/alerts", responses=answers(_STANDING, "`to` says who hears of it; `alarms` are what it fired for."))
async def alerts(gateway: Here, alerting: Alerts) -> Response:
    """Show every rule and how it stands, the silences in force, and the last deliveries."""
    now = gateway.clock.now()
    standing = await asyncio.to_thread(Standing.read, alerting.rules, alerting.alarms, alerting.outbox, now)
    channels = [channel.name for channel in alerting.channels.every()]
    return json_response({**standing_json(standing, now), "channels": channels})


@router.post("/alerts/silences", status_code=201, responses=answers({"silence": _SILENCE}, "It holds.", status=201))
async def silence(request: Request, gateway: Here, alerting: Alerts, wish: SilenceWish) -> Response:
    """Have nobody told that a rule fires, for some time. What still fires at its end is told then."""
    _demand_admin(request)
    lasts = terms.age("lasts", wish.lasts)
    if not timedelta() < lasts <= _LONGEST:
        raise invalid("lasts: more than nothing, and at most a year", "invalid_lasts", "lasts")
    if wish.rule is not None and wish.rule not in NAMES:
        raise invalid(f"rule: {wish.rule} is not known; {meant(wish.rule, NAMES)}", "unknown_rule", "rule")
    for name, words in (("subject", wish.subject or ""), ("words", wish.words)):
        if not words.isprintable():
            raise invalid(f"{name}: one line of printable characters", f"invalid_{name}", name)
    now = gateway.clock.now()
    made = await asyncio.to_thread(
        lambda: alerting.alarms.silence(
            rule=wish.rule, subject=wish.subject, words=wish.words, until=now + lasts, now=now
        )
    )
    return json_response({"silence": silence_json(made, now)}, 201)


@router.delete("/alerts/silences/{silence_id}", responses=answers({"removed": 3}, "It holds no more."))
async def unsilence(
    request: Request,
    alerting: Alerts,
    silence_id: Annotated[int, Path(ge=1, le=2**53, description="Its number.", examples=[3])],
) -> Response:
    """Take a silence back."""
    _demand_admin(request)
    if not await asyncio.to_thread(alerting.alarms.unsilence, silence_id):
        raise problem("not-found", f"there is no silence {silence_id}")
    return json_response({"removed": silence_id})


@router.post("/alerts/test", responses=answers(_TRIED, "`failure` says why a channel did not take it."))
async def test(request: Request, gateway: Here, alerting: Alerts) -> Response:
    """Send a test message to every channel now, and say how it went with each."""
    _demand_admin(request)
    tried = await asyncio.to_thread(try_out, alerting.channels.every(), gateway.clock.now())
    return json_response({"channels": [_tried_json(each.channel, each.failure) for each in tried]})


def _tried_json(channel: str, failure: str) -> dict[str, Any]:
    return {"channel": channel, "is_delivered": not failure, "failure": failure}


def _demand_admin(request: Request) -> None:
    visitor = visit_of(request).visitor
    if visitor is None:
        raise NoKeyError
    visitor.demand(Scope.ADMIN)
