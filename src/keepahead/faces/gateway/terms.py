"""The parameters that every spending route takes, and what they mean."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import Depends, Query
from starlette.requests import Request

from keepahead.faces.gateway.gateway import Gateway, Wish
from keepahead.faces.gateway.problems import invalid
from keepahead.faces.settings import read_age
from keepahead.keepa.terms import MOST_TOKENS, OnRefusal

MaxAge = Annotated[
    str | None,
    Query(
        max_length=30,
        description="How old an archived answer may be: seconds, or 90s, 30m, 6h, 30d. 0 always asks Keepa. "
        "Without it: the settings.",
        examples=["6h"],
        json_schema_extra={"pattern": r"^[0-9]{1,6}[smhd]?$"},
    ),
]
MaxTokens = Annotated[
    int | None,
    Query(
        ge=0,
        le=MOST_TOKENS,
        description="Refuse if this may cost more tokens. 0: only from the archive.",
        examples=[50],
    ),
]
Deadline = Annotated[
    str | None,
    Query(
        max_length=40,
        description="How long to wait for tokens: seconds, 30s, 2m, or a moment (ISO 8601 with its offset). "
        "Without it the answer is 503 at once if they are not there.",
        examples=["30s"],
        json_schema_extra={
            "pattern": r"^([0-9]{1,3}s?|20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T[0-2][0-9]:[0-5][0-9]Z)$"
        },
    ),
]
LaneName = Literal["live", "jobs"]
Lane = Annotated[
    LaneName | None,
    Query(description="live: somebody waits; jobs: background, leaves more tokens. Without it: the key's own."),
]
WhenRefused = Annotated[
    OnRefusal,
    Query(description="stale: for want of tokens take an archived answer of any age; the answer says so."),
]


async def gateway_of(request: Request) -> Gateway:
    """Return the gateway that the request has come to."""
    return request.app.state.gateway


Here = Annotated[Gateway, Depends(gateway_of)]


async def wish(  # noqa: PLR0917 - by name; what is not async runs in a thread
    gateway: Here,
    max_age: MaxAge = None,
    max_tokens: MaxTokens = None,
    deadline: Deadline = None,
    lane: Lane = None,
    on_refusal: WhenRefused = "raise",
) -> Wish:
    """Return the terms that the query names. Raises Problem."""
    return wish_of(gateway, max_age, max_tokens, deadline, lane, on_refusal)


def wish_of(  # noqa: PLR0917 - as above
    gateway: Gateway,
    max_age: str | None,
    max_tokens: int | None,
    deadline: str | None,
    lane: LaneName | None,
    on_refusal: OnRefusal = "raise",
) -> Wish:
    """Return terms as a request writes them. Raises Problem."""
    now = gateway.clock.now()
    seconds = 0.0 if deadline is None else seconds_until(deadline, now)
    limit = gateway.patience.request_seconds
    if seconds > limit:
        message = f"deadline: this gateway waits at most {limit:.0f} s for one answer"
        raise invalid(message, "deadline_too_far", "deadline")
    return Wish(
        lane=lane,
        max_age=None if max_age is None else age("max_age", max_age),
        max_tokens=max_tokens,
        deadline_seconds=seconds,
        on_refusal=on_refusal,
    )


Wishes = Annotated[Wish, Depends(wish)]


def age(name: str, text: str) -> timedelta:
    """Return a length of time. Raises Problem."""
    try:
        return read_age(text)
    except ValueError as error:
        raise invalid(f"{name}: {error}", f"invalid_{name}", name) from None


def seconds_until(text: str, now: datetime) -> float:
    """Return how long it is to a moment, or the length of time that is written there. Raises Problem."""
    if "-" not in text and ":" not in text:
        return age("deadline", text).total_seconds()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise invalid("deadline: write seconds, 30s, 2m, or a moment with its offset", "invalid_deadline", "deadline")
    return max(0.0, (at - now).total_seconds())
