"""Answers as bytes: JSON that is made already, and problem documents."""

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from keepahead.faces.gateway.problems import MEDIA_TYPE, Problem

Refuse = Callable[[Scope, Problem], Response]
"""Turns a refusal into an answer in the language of the request's path."""


def json_response(value: Any, status: int = 200) -> Response:
    """Return anything that msgspec can encode, raw bytes of Keepa's within it untouched."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def problem_response(told: Problem) -> Response:
    """Return a problem document."""
    return Response(told.body(), told.status, told.all_headers(), media_type=MEDIA_TYPE)


async def handle_problem(_: Request, error: Exception) -> Response:
    """Answer a raised Problem."""
    assert isinstance(error, Problem)  # noqa: S101 - it is registered for these
    return problem_response(error)
