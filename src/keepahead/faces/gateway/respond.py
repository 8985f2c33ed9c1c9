"""Answers as bytes: JSON that is made already, and problem documents."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from keepahead.errors import PartialResultError
from keepahead.faces.gateway.problems import MEDIA_TYPE, Problem, moment, problem_of
from keepahead.faces.gateway.visit import visit_of

Refuse = Callable[[Scope, Problem], ASGIApp]
"""Turns a refusal into an answer in the language of the request's path."""


def json_response(value: Any, status: int = 200) -> Response:
    """Return anything that msgspec can encode, raw bytes of Keepa's within it untouched."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def origin_of(request: Request) -> Mapping[str, Any]:
    """Return where the answer comes from, for a JSON document: when the oldest part was fetched, and from where."""
    tally = visit_of(request).tally
    at = tally.oldest
    return {
        "fetched_at": None if at is None else moment(at),
        "archived": tally.answers > 0 and tally.consumed == 0,
        "stale": tally.is_stale,
    }


def partial_json(failed: PartialResultError | None, now: datetime) -> Mapping[str, Any]:
    """Return whether a result is complete; if not, what is missing and why, for a JSON document."""
    if failed is None:
        return {"complete": True}
    return {"complete": False, "missing": failed.missing, "problem": msgspec.Raw(problem_of(failed, now).body())}


def problem_response(told: Problem) -> Response:
    """Return a problem document."""
    return Response(told.body(), told.status, told.all_headers(), media_type=MEDIA_TYPE)


async def handle_problem(_: Request, error: Exception) -> Response:
    """Answer a raised Problem."""
    assert isinstance(error, Problem)  # noqa: S101 - it is registered for these
    return problem_response(error)
