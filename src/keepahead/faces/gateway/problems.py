"""Problem documents (RFC 9457): what each kind means, and how an error of ours becomes one. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, cast

import msgspec

from keepahead.budget.cost import Cost, sum_costs
from keepahead.errors import (
    BadAnswerError,
    CallerLimitError,
    FrozenError,
    InsufficientTokensError,
    InvalidCallError,
    KeepaheadError,
    KeepaRejected,
    KeepaUnreachable,
    LedgerError,
    MaxTokensError,
    OutcomeUnknown,
    PartialResultError,
    UnboundedCostError,
)
from keepahead.faces.gateway.visitor import AccessDenied, NoKeyError, TooManyWrongKeysError, WrongKeyError
from keepahead.keepa.call import BaseCall
from keepahead.keepa.calls import Call
from keepahead.keepa.costs import quote

Facts = dict[str, Any]
"""Members of a document."""

MEDIA_TYPE = "application/problem+json"
LEDGER_RETRY_SECONDS = 5.0
"""A ledger that is away is asked again after so long."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its `slug` is the end of its type, and never changes."""

    slug: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """The URI that programs compare; the gateway answers at it with the meaning."""
        return f"/problems/{self.slug}"


def _kinds(*kinds: tuple[str, int, str, str]) -> Mapping[str, Kind]:
    return MappingProxyType({slug: Kind(slug, status, title, meaning) for slug, status, title, meaning in kinds})


KINDS = _kinds(
    (
        "insufficient-tokens",
        503,
        "The tokens are not there",
        "Nothing was spent. From `retry_at` to `kept_until` the tokens are kept for whoever asks the same again.",
    ),
    (
        "never-fits",
        422,
        "This can never be paid for at once",
        "The bucket can never hold so much above the floor. Ask for less at a time, or give a `deadline`.",
    ),
    ("above-max-tokens", 422, "This may cost more than is allowed", "Raise `max_tokens`, or ask for less."),
    ("unbounded-cost", 422, "Nobody can say what this costs", "`parameter` names what would bound it."),
    ("frozen", 503, "A freeze forbids this", "Somebody has put a freeze in force: `words` say why."),
    ("caller-limit", 429, "The caller's limit is used up", "The key may spend so many tokens an hour or a day."),
    ("too-many-requests", 429, "Too many requests", "The key may ask so often a minute, or its sender guesses keys."),
    ("invalid-request", 422, "The request cannot be understood", "`errors` name each parameter that is wrong."),
    ("no-key", 401, "A gateway key is needed", "Send it as `Authorization: Bearer …` or `X-API-Key`."),
    ("wrong-key", 401, "This gateway key is not valid", "It is unknown, or was revoked."),
    ("not-allowed", 403, "This key may not do that", "Its scope is too narrow."),
    (
        "foreign-page",
        403,
        "Not from there",
        "A gateway that asks for no key answers this machine only, and no web page from elsewhere.",
    ),
    ("not-found", 404, "There is no such thing", "No such path."),
    ("unknown-product", 404, "Keepa does not know this product", "Neither its data nor that it exists."),
    ("unknown-seller", 404, "Keepa does not know this seller", "Neither its data nor that it exists."),
    ("nothing-to-draw", 404, "There is nothing to draw", "Keepa has neither a price nor a rank for this time."),
    ("method-not-allowed", 405, "Not with this method", "`Allow` names those that work."),
    ("too-slow", 408, "The request came too slowly", "Send it again."),
    ("too-large", 413, "The body is too large", "Split the request."),
    ("url-too-long", 414, "The URL is too long", "Send long selections by POST."),
    ("too-busy", 503, "Too many requests are under way", "Ask again in a moment."),
    ("shutting-down", 503, "The gateway is going down", "Ask another one, or this one in a moment."),
    (
        "took-too-long",
        504,
        "The answer did not come in time",
        "What was sent to Keepa goes on and is kept: ask again, and it comes from the archive.",
    ),
    ("ledger-unavailable", 503, "The ledger cannot be reached", "Nothing may be spent without it."),
    ("keepa-unreachable", 502, "Keepa cannot be reached", "Nothing was sent and nothing was spent."),
    ("keepa-rejected", 502, "Keepa refused the call", "`keepa` holds what it said."),
    ("bad-answer", 502, "Keepa's answer cannot be read", "What it cost is counted, and its bytes are kept."),
    (
        "outcome-unknown",
        504,
        "No answer came from Keepa",
        "It may have been charged, so it counts as charged, and is not sent again by itself.",
    ),
    ("internal", 500, "A fault of keepahead", "Please report it with the request id."),
)


class Problem(Exception):  # noqa: N818 - the standard's own word
    """A problem document, to be raised or rendered. `facts` are its further members."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        facts: Mapping[str, Any] | None = None,
        retry_seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.facts = facts or {}
        self.retry_seconds = retry_seconds
        self.headers = headers or {}

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.kind.status

    def body(self) -> bytes:
        """Return the document as JSON."""
        kind = self.kind
        told = {"type": kind.type, "title": kind.title, "status": kind.status, "detail": self.detail}
        return msgspec.json.encode({**told, **self.facts})

    def all_headers(self) -> dict[str, str]:
        """Return the headers that go with it."""
        retry = {} if self.retry_seconds is None else {"Retry-After": str(max(1, math.ceil(self.retry_seconds)))}
        return {**self.headers, **retry}


def problem(slug: str, detail: str, *, retry_seconds: float | None = None, **facts: Any) -> Problem:
    """Return a problem of one kind."""
    return Problem(KINDS[slug], detail, facts, retry_seconds)


def problem_of(error: KeepaheadError, now: datetime, cost: Cost | None = None) -> Problem:
    """Return what an error of ours is to a client. `cost` is what was asked for, where more is known than its most."""
    match error:
        case InsufficientTokensError():
            return _insufficient(error, now, cost)
        case MaxTokensError():
            limits: Facts = {"tokens_max": error.tokens_max, "max_tokens": error.max_tokens}
            return problem("above-max-tokens", str(error), **limits)
        case UnboundedCostError():
            return problem("unbounded-cost", str(error), parameter=error.parameter)
        case FrozenError():
            return problem("frozen", str(error), **_retry(error.wait_seconds, now), words=error.words)
        case CallerLimitError():
            facts: Facts = {"limit": error.limit, "spent": error.spent, "window": error.window}
            return problem("caller-limit", str(error), **_retry(error.wait_seconds, now), **facts)
        case InvalidCallError():
            return invalid(str(error), error.code, error.parameter)
        case PartialResultError():
            return problem_of(error.cause, now, cost)
        case LedgerError():
            return problem("ledger-unavailable", str(error), retry_seconds=LEDGER_RETRY_SECONDS)
        case _:
            return _of_keepa(error)


def denial(denied: AccessDenied) -> Problem:
    """Return the problem of somebody who is turned away."""
    match denied:
        case NoKeyError():
            return Problem(KINDS["no-key"], denied.reason, headers={"WWW-Authenticate": "Bearer"})
        case TooManyWrongKeysError():
            return problem("too-many-requests", denied.reason, retry_seconds=denied.wait_seconds)
        case WrongKeyError():
            return Problem(KINDS["wrong-key"], denied.reason, headers={"WWW-Authenticate": "Bearer"})
        case _:
            return problem("not-allowed", denied.reason)


def invalid(message: str, code: str, parameter: str | None) -> Problem:
    """Return the problem of a request that cannot be understood."""
    one = {"parameter": parameter, "code": code, "message": message}
    return problem("invalid-request", message, errors=[one])


def moment(at: datetime) -> str:
    """Return a moment as the documents write it: UTC, ISO 8601, with milliseconds."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def cost_of(asked: object) -> Cost | None:
    """Return the bounds of what an error was about: a call, or several; None if it does not say."""
    calls = [asked] if isinstance(asked, BaseCall) else asked
    if not isinstance(calls, Sequence) or isinstance(calls, str) or not calls:
        return None
    return sum_costs(quote(cast("Call", call)) for call in cast("Sequence[object]", calls))


def _insufficient(error: InsufficientTokensError, now: datetime, cost: Cost | None) -> Problem:
    most = error.tokens_max
    cost = cost_of(error.call) if cost is None else cost
    likely = min(cost.tokens_likely, most) if cost else most
    required = {"min": min(cost.tokens_min, most) if cost else 0, "likely": likely, "max": most}
    facts: Facts = {
        "balance": error.balance,
        "free": error.free,
        "floor": error.floor,
        "required": required,
        "missing": max(0, most + error.floor - error.free),
    }
    if error.wait_seconds is None:
        return problem("never-fits", str(error), **facts)
    kept: Facts = {} if error.kept_until is None else {"kept_until": moment(error.kept_until)}
    return problem("insufficient-tokens", str(error), **_retry(error.wait_seconds, now), **kept, **facts)


def _retry(wait_seconds: float | None, now: datetime) -> Facts:
    """Return when to ask again: never early, so rounded up to the millisecond."""
    if wait_seconds is None:
        return {}
    milliseconds = math.ceil(wait_seconds * 1000) + 1
    at = now + timedelta(milliseconds=milliseconds)
    return {"retry_seconds": milliseconds / 1000, "retry_at": moment(at)}


def _of_keepa(error: KeepaheadError) -> Problem:
    match error:
        case KeepaUnreachable():
            return problem("keepa-unreachable", str(error))
        case OutcomeUnknown():
            charged = error.tokens_charged
            return problem("outcome-unknown", str(error), call_id=error.call_id, tokens_charged=charged)
        case KeepaRejected():
            told = {"status": error.status, "type": error.kind, "details": error.detail}
            return problem("keepa-rejected", str(error), keepa=told, tokens_charged=error.tokens_charged)
        case BadAnswerError():
            return problem("bad-answer", str(error), tokens_charged=error.tokens_charged)
        case _:
            return problem("internal", "a fault of keepahead itself")
