"""The bytes that leave Keepa: envelope, error bodies, compression. Source: protocol sheet sections 3 and 4."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from keepahead.simulator.bucket import Bucket

_HTML = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"


def _no_headers() -> dict[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back over the wire. `body` is already compressed when the headers say so.

    dropped: the charge is booked, the connection dies without an answer. delay_seconds: the answer is ready and
    charged but arrives so much later.
    """

    status: int
    headers: dict[str, str] = field(default_factory=_no_headers)
    body: bytes = b""
    dropped: bool = False
    delay_seconds: float = 0.0


def envelope(bucket: Bucket, now_ms: int, consumed: int, processing_ms: int) -> dict[str, Any]:
    """Describe a bucket as every JSON answer does."""
    return {
        "timestamp": now_ms,
        "tokensLeft": bucket.balance,
        "refillIn": bucket.next_tick_ms - now_ms,
        "refillRate": bucket.rate,
        "tokenFlowReduction": float(bucket.flow_reduction),
        "tokensConsumed": consumed,
        "processingTimeInMs": processing_ms,
    }


def zero_envelope() -> dict[str, Any]:
    """Describe nobody's bucket: what a bad key gets."""
    return {
        "timestamp": 0,
        "tokensLeft": 0,
        "refillIn": 0,
        "refillRate": 0,
        "tokenFlowReduction": 0.0,
        "tokensConsumed": 0,
        "processingTimeInMs": 0,
    }


def json_reply(status: int, body: Mapping[str, Any], *, compressed: bool) -> Reply:
    """Encode a JSON answer."""
    raw = msgspec.json.encode(body)
    headers = {"content-type": "application/json;charset=UTF-8"}
    if compressed:
        raw = gzip.compress(raw, compresslevel=1, mtime=0)
        headers["content-encoding"] = "gzip"
    headers["content-length"] = str(len(raw))
    return Reply(status, headers, raw)


def image_reply(image: bytes) -> Reply:
    """Answer with a picture: no envelope, no token numbers."""
    return Reply(200, {"content-type": "image/png", "content-length": str(len(image))}, image)


def html_reply() -> Reply:
    """Answer like a front end that cannot reach what is behind it."""
    return Reply(502, {"content-type": "text/html", "content-length": str(len(_HTML))}, _HTML)


def empty_reply(status: int) -> Reply:
    """Answer with a status and nothing else."""
    return Reply(status, {"content-length": "0"})
