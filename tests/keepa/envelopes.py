"""Answers by hand: an envelope with a payload, as Keepa would send it."""

from typing import Any

import httpx2
import msgspec

T0_MS = 1_795_377_600_000  # 2026-11-22 20:00 UTC


def envelope(left: int = 1000, consumed: int = 1, *, ms: int = T0_MS, rate: int = 20, **payload: Any) -> dict[str, Any]:
    """Return the fields of one answer."""
    return {
        "timestamp": ms,
        "tokensLeft": left,
        "refillIn": 30_000,
        "refillRate": rate,
        "tokenFlowReduction": 0.0,
        "tokensConsumed": consumed,
        "processingTimeInMs": 3,
        **payload,
    }


def answer(status: int = 200, **fields: Any) -> httpx2.Response:
    """Return an answer with an envelope."""
    return httpx2.Response(status, content=msgspec.json.encode(envelope(**fields)))


ALL_ZERO = httpx2.Response(
    400,
    content=msgspec.json.encode(
        envelope(
            0, 0, ms=0, rate=0, refillIn=0, error={"type": "invalidParameter", "message": "bad key", "details": ""}
        )
    ),
)
