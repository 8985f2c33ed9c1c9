"""Calls to bytes and bytes to answers. Pure. The meter is read before anything else, so no later fault can lose it.

The key is not known here: exchange.py adds it at the very last moment, and takes it out of what comes back.
"""

import gzip
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from keepahead.budget.meter import Meter
from keepahead.errors import BadAnswerError, KeepaRejected
from keepahead.keepa.calls import Call, GraphImageCall
from keepahead.keepa.times import from_unix_ms

ENVELOPE_FIELDS = frozenset(
    (
        "timestamp",
        "tokensLeft",
        "refillIn",
        "refillRate",
        "tokenFlowReduction",
        "tokensConsumed",
        "processingTimeInMs",
        "error",
        "additional",
    )
)
"""What every JSON answer carries beside its payload (protocol sheet, section 3)."""

_PNG = b"\x89PNG\r\n\x1a\n"
_GZIP = b"\x1f\x8b"
_LARGEST = 1 << 53
_MOST = 1_000_000_000
"""No count of tokens or milliseconds in a sane envelope is larger; projections stay within the calendar."""


@dataclass(frozen=True, slots=True)
class Outbound:
    """A call as HTTP, without the key and without the host."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Inbound:
    """What came back, whole. `asked_at` and `received_at` are ours."""

    status: int
    body: bytes
    asked_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Fault:
    """Keepa's `error` object: its type, message and details, all possibly empty."""

    kind: str
    message: str
    detail: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What the envelope says. No `meter`: what came is no reading of the bucket. `consumed` is in tokens."""

    meter: Meter | None = None
    consumed: int | None = None
    fault: Fault | None = None
    is_json: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One exchange that ended well. `body` is what Keepa sent, unpacked; `tokens_consumed` what it charged.

    `tokens_consumed` is None where Keepa does not say (graph images). `fault` is set on partial success. An answer that
    `is_archived` cost nothing and saved `tokens_saved`; one that `is_stale` is older than was accepted, for want of
    tokens. One that `is_share` is somebody's part of an answer to several, without an envelope.
    """

    call: Call
    status: int
    body: bytes
    reading: Reading
    received_at: datetime
    call_id: str
    is_archived: bool = False
    is_stale: bool = False
    tokens_saved: int = 0
    is_share: bool = False

    @property
    def fetched_at(self) -> datetime:
        """When Keepa gave it; long ago, if it is archived."""
        return self.received_at

    @property
    def tokens_consumed(self) -> int | None:
        """What Keepa charged, None where it does not say."""
        return self.reading.consumed

    @property
    def fault(self) -> Fault | None:
        """What Keepa complained of although it answered."""
        return self.reading.fault

    def json(self) -> Any:
        """Return the whole body decoded. Raises BadAnswerError if it is no JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise BadAnswerError("this answer is no JSON", status=self.status, body=self.body) from None


class _Envelope(msgspec.Struct, rename="camel"):
    timestamp: int = 0
    tokens_left: int | None = None
    refill_in: int = 0
    refill_rate: int = 0
    token_flow_reduction: float = 0.0
    tokens_consumed: int | None = None
    error: msgspec.Raw = msgspec.Raw()


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def outbound(call: Call) -> Outbound:
    """Return the call as HTTP."""
    return Outbound(call.method, call.path, call.query(), call.body())


def unpack(body: bytes) -> bytes:
    """Undo a gzip that no header announced; Keepa's error bodies come either way (sheet, section 1)."""
    if not body.startswith(_GZIP):
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return body


def is_picture(body: bytes) -> bool:
    """Tell whether a body is the PNG of a graph."""
    return body.startswith(_PNG)


def read(inbound: Inbound) -> Reading:
    """Read the envelope. Never raises: bytes that say nothing give an empty reading."""
    if is_picture(inbound.body):
        return Reading()
    try:
        envelope = _decode_envelope(inbound.body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _read_leniently(inbound)
    consumed = envelope.tokens_consumed
    return Reading(
        meter=_meter(envelope, inbound),
        consumed=consumed if consumed is not None and 0 <= consumed < _LARGEST else None,
        fault=_fault(envelope.error),
        is_json=True,
    )


def answer_or_error(call: Call, inbound: Inbound, reading: Reading, call_id: str, held: int = 0) -> Answer:
    """Return the answer, or raise KeepaRejected or BadAnswerError. The accounting is over when this is asked.

    `held` tokens count as charged where Keepa does not say.
    """
    charged = held if reading.consumed is None else reading.consumed
    fault = reading.fault
    is_png = is_picture(inbound.body)
    if inbound.status != 200 or (fault is not None and not _has_payload(inbound.body)):
        told = fault or Fault("", "", "")
        raise KeepaRejected(
            _rejection(inbound.status, told),
            status=inbound.status,
            kind=told.kind,
            detail=told.detail,
            body=inbound.body,
            tokens_charged=charged,
        )
    told = None
    if not (is_png or reading.is_json):
        told = "Keepa's answer is cut off or no JSON"
    elif is_png != isinstance(call, GraphImageCall):
        told = "Keepa's answer is of another kind than asked for"
    elif not is_png and reading.meter is None and reading.consumed is None:
        told = "this is no answer of Keepa's: it does not say how many tokens are left"
    if told:
        raise BadAnswerError(
            f"{told}; what it cost is counted, the bytes are kept on this error",
            status=inbound.status,
            body=inbound.body,
            tokens_charged=charged,
        )
    return Answer(call, inbound.status, inbound.body, reading, inbound.received_at, call_id)


def _meter(envelope: _Envelope, inbound: Inbound) -> Meter | None:
    """Return the bucket's state, None if the envelope is not a sane one (sheet, section 3)."""
    sane = (
        envelope.tokens_left is not None
        and 0 < envelope.refill_rate <= _MOST
        and envelope.timestamp > 0
        and abs(envelope.tokens_left) <= _MOST
        and 0 <= envelope.refill_in <= _MOST
        and 0 <= envelope.token_flow_reduction <= _MOST
    )
    if not sane or envelope.tokens_left is None:
        return None
    try:
        measured_at = from_unix_ms(envelope.timestamp)
    except ValueError:
        return None
    return Meter(
        measured_at=measured_at,
        asked_at=inbound.asked_at,
        received_at=inbound.received_at,
        tokens_left=envelope.tokens_left,
        refill_rate_per_minute=envelope.refill_rate,
        refill_in_ms=envelope.refill_in,
        flow_reduction_per_minute=math.ceil(envelope.token_flow_reduction),
    )


def _read_leniently(inbound: Inbound) -> Reading:
    """Read an envelope whose fields have other types than expected: what can be understood counts."""
    try:
        fields = _decode_fields(inbound.body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return Reading()
    envelope = _Envelope(
        timestamp=_whole(fields.get("timestamp")) or 0,
        tokens_left=_whole(fields.get("tokensLeft")),
        refill_in=_whole(fields.get("refillIn")) or 0,
        refill_rate=_whole(fields.get("refillRate")) or 0,
        token_flow_reduction=_number(fields.get("tokenFlowReduction")) or 0.0,
    )
    consumed = _whole(fields.get("tokensConsumed"))
    return Reading(
        meter=_meter(envelope, inbound),
        consumed=consumed if consumed is not None and consumed >= 0 else None,
        fault=_fault(fields.get("error")),
        is_json=True,
    )


def _number(raw: msgspec.Raw | None) -> float | None:
    try:
        value = float(msgspec.json.decode(raw or b"", type=float | str, strict=False))
    except (msgspec.DecodeError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) and abs(value) < _LARGEST else None


def _whole(raw: msgspec.Raw | None) -> int | None:
    """Round down: a fraction of a token is not there."""
    number = _number(raw)
    return None if number is None else math.floor(number)


def _fault(raw: msgspec.Raw | None) -> Fault | None:
    """Read `error`: an object in most answers, a bare string in some (open-questions 3.5)."""
    if raw is None or bytes(raw) in {b"", b"null"}:
        return None
    try:
        told = msgspec.json.decode(raw, type=dict[str, Any] | str)
    except (msgspec.DecodeError, RecursionError):
        return Fault("", "", "")
    if isinstance(told, str):
        return Fault("", told, "")
    return Fault(*(str(told.get(name) or "") for name in ("type", "message", "details")))


def _has_payload(body: bytes) -> bool:
    try:
        fields = _decode_fields(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return any(name not in ENVELOPE_FIELDS and bytes(raw) != b"null" for name, raw in fields.items())


_MEANING = {
    400: "it takes a parameter, or the key, for wrong",
    402: "the subscription does not cover this; look at it on keepa.com",
    404: "it does not know this path or object",
    405: "a parameter is out of its range",
    429: "the bucket is empty",
    500: "it failed inside; this may have been charged",
}


def _rejection(status: int, fault: Fault) -> str:
    meaning = _MEANING.get(status, "" if status == 200 else "this may have been charged")
    words = [f"Keepa refused the call (HTTP {status})"]
    if meaning:
        words.append(f": {meaning}")
    told = " ".join(part for part in (fault.message, fault.detail) if part)
    if told:
        words.append(f". Keepa says: {told[:300]}")
    return "".join(words)
