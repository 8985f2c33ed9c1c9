"""How the Keepa-compatible door says no: every error and every problem as Keepa would put it. Pure.

429 means that the same request succeeds after `refillIn`: clients wait and ask again by themselves. What waiting cannot
help must never be a 429.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from keepahead.errors import (
    BadAnswerError,
    CallerLimitError,
    FrozenError,
    InsufficientTokensError,
    KeepaError,
    KeepaheadError,
    KeepaRejected,
    KeepaUnreachable,
    LedgerError,
    MaxTokensError,
    PartialResultError,
    UnboundedCostError,
)
from keepahead.faces.gateway.problems import Problem
from keepahead.keepa.relay import has_envelope

SOME_SECONDS: Final = 60.0
"""When to ask again where nobody knows better: Keepa's own refill comes about so often."""

EMPTY = 429
INVALID = "invalidParameter"
NO_ACCESS = "noAccess"
NO_TOKENS = "insufficientTokens"
FAILED = "internalError"


@dataclass(frozen=True, slots=True)
class KeepaRefusal:
    """An answer that says no. `refill_seconds` from now it would fit; `body` is Keepa's own, to be sent as it is.

    `is_nobodys` wants an envelope that is all zero. `charged` tokens count as spent although nothing came of them.
    """

    status: int
    kind: str
    message: str
    details: str | None = None
    refill_seconds: float | None = None
    body: bytes | None = None
    is_nobodys: bool = False
    charged: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def refusal_of(error: KeepaheadError) -> KeepaRefusal:
    """Return how the door puts an error of ours."""
    match error:
        case PartialResultError():
            return refusal_of(error.cause)
        case InsufficientTokensError():
            return _later(error, error.wait_seconds, NO_TOKENS)
        case CallerLimitError():
            return _later(error, error.wait_seconds, "callerLimit")
        case FrozenError():
            seconds = SOME_SECONDS if error.wait_seconds is None else error.wait_seconds
            return _later(error, seconds, "frozen")
        case UnboundedCostError():
            bound = error.parameter
            advice = f"add {bound}" if bound == "code-limit" else f"leave out {bound}" if bound else "ask for less"
            message = f"nobody can say what this costs, so it was not sent: {advice}"
            return KeepaRefusal(400, "unboundedCost", message)
        case MaxTokensError():
            return KeepaRefusal(400, "aboveMaxTokens", str(error))
        case LedgerError():
            return KeepaRefusal(500, FAILED, f"{error}; nothing may be spent without it")
        case KeepaError():
            return _of_keepa(error)
        case _:
            return KeepaRefusal(400, INVALID, str(error))


def refusal_of_problem(told: Problem) -> KeepaRefusal:
    """Return how the door puts what the layers around it refuse."""
    slug = told.kind.slug
    if slug in _NO_KEY:
        return KeepaRefusal(400, INVALID, told.detail, "key", is_nobodys=True)
    if slug == "not-allowed":
        return KeepaRefusal(402, NO_ACCESS, told.detail)
    if slug in _LATER:
        seconds = SOME_SECONDS if told.retry_seconds is None else told.retry_seconds
        return KeepaRefusal(EMPTY, "tooManyRequests", told.detail, refill_seconds=seconds)
    if slug == "invalid-request":
        return KeepaRefusal(400, INVALID, told.detail)
    status = 500 if slug == "ledger-unavailable" else told.status
    return KeepaRefusal(status, FAILED if status >= 500 else INVALID, told.detail, headers=told.headers)


_NO_KEY = frozenset(("no-key", "wrong-key"))
_LATER = frozenset(("too-many-requests", "too-busy", "shutting-down"))


def _later(error: KeepaheadError, seconds: float | None, kind: str) -> KeepaRefusal:
    """Return a 429; a 400 where no waiting helps, because nobody would ever stop waiting."""
    if seconds is None:
        return KeepaRefusal(400, kind, str(error))
    return KeepaRefusal(EMPTY, kind, str(error), refill_seconds=seconds)


def _of_keepa(error: KeepaError) -> KeepaRefusal:
    match error:
        case KeepaRejected():
            kind = error.kind or (FAILED if error.status >= 500 else INVALID)
            body = error.body if has_envelope(error.body) else None
            # A redirect, or that nothing follows, is no answer of Keepa's, and would send clients astray.
            status = error.status if error.status == 200 or error.status >= 400 else 502
            return KeepaRefusal(status, kind, str(error), error.detail, body=body, charged=error.tokens_charged)
        case KeepaUnreachable():
            return KeepaRefusal(502, "unreachable", str(error))
        case BadAnswerError():
            return KeepaRefusal(500, "badAnswer", str(error), charged=error.tokens_charged)
        case _:
            return KeepaRefusal(500, "outcomeUnknown", str(error), charged=error.tokens_charged)
