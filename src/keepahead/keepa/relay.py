"""Answers in Keepa's own form: an envelope before a payload whose bytes stay as Keepa sent them. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from keepahead.budget.account import Account
from keepahead.budget.meter import Meter
from keepahead.keepa.archived import product_of
from keepahead.keepa.calls import Call, ProductCall
from keepahead.keepa.shares import items_of
from keepahead.keepa.wire import ENVELOPE_FIELDS, Answer, is_picture

_OURS = ENVELOPE_FIELDS - {"error", "additional"}
"""What an envelope of ours says anew; the rest belongs to what it was said of."""

_MILLISECOND = timedelta(milliseconds=1)
_MINUTE_MS = 60_000

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


class _Named(msgspec.Struct):
    asin: str | None = None


class _Counted(msgspec.Struct, rename="camel"):
    tokens_left: msgspec.Raw = msgspec.Raw()


_decode_name = msgspec.json.Decoder(_Named).decode
_decode_counted = msgspec.json.Decoder(_Counted).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What stands beside every payload (protocol sheet, section 3). All zero: nobody's bucket, for a wrong key."""

    timestamp: int = 0
    tokens_left: int = 0
    refill_in: int = 0
    refill_rate: int = 0
    flow_reduction: int = 0
    tokens_consumed: int = 0
    processing_ms: int = 0

    @property
    def head(self) -> bytes:
        """The beginning of an answer, without its closing brace."""
        return (
            b'{"timestamp":%d,"tokensLeft":%d,"refillIn":%d,"refillRate":%d,"tokenFlowReduction":%d.0,'
            b'"tokensConsumed":%d,"processingTimeInMs":%d'
        ) % (
            self.timestamp,
            self.tokens_left,
            self.refill_in,
            self.refill_rate,
            self.flow_reduction,
            self.tokens_consumed,
            self.processing_ms,
        )


def envelope_of(
    account: Account | None,
    began: datetime,
    now: datetime,
    *,
    consumed: int = 0,
    refill_seconds: float | None = None,
) -> Envelope:
    """Return the envelope of a request that began then and ends now; the bucket's numbers are zero if nobody knows.

    `refill_seconds` is how long something that was refused must wait: it stands in for the time to the next lump. It is
    rounded up, so that whoever comes back then is not too early.
    """
    meter = account.meter if account else None
    left = account.balance_at(now) if account else 0
    refill_ms = (meter.next_refill_at(now) - now) / _MILLISECOND if meter else 0.0
    if refill_seconds is not None:
        wait_ms = 1000 * refill_seconds + 1
        refill_ms = max(min(refill_ms, wait_ms), wait_ms - _debt_ms(meter, left))
    return Envelope(
        timestamp=int(now.timestamp() * 1000),
        tokens_left=left,
        refill_in=math.ceil(refill_ms),
        refill_rate=meter.refill_rate_per_minute if meter else 0,
        flow_reduction=meter.flow_reduction_per_minute if meter else 0,
        tokens_consumed=consumed,
        processing_ms=max(0, (now - began) // _MILLISECOND),
    )


def _debt_ms(meter: Meter | None, left: int) -> float:
    """Return what clients add to `refillIn` by themselves while the balance is below zero (the package keepa does)."""
    return -left * _MINUTE_MS / meter.refill_rate_per_minute if meter and left < 0 else 0.0


def is_whole(answers: Sequence[Answer]) -> bool:
    """Tell whether this is one answer of Keepa's just as it came: a picture, or with an envelope of its own."""
    if len(answers) != 1:
        return False
    only = answers[0]
    return not (only.is_archived or only.is_share) or is_picture(only.body)


def has_envelope(body: bytes) -> bool:
    """Tell whether a body says how many tokens are left."""
    try:
        return bool(bytes(_decode_counted(body).tokens_left))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False


def relayed_body(call: Call, answers: Sequence[Answer], envelope: Envelope) -> bytes:
    """Return the answers to the parts of a call as one answer to it; items stand in the order asked."""
    if len(answers) == 1 and product_of(answers[0]) is not None:  # it holds nothing else: not read, copied once
        return envelope.head + b"," + answers[0].body[1:]
    fields = _products(call, answers) if isinstance(call, ProductCall) and call.asins else _merged(call, answers)
    return envelope.head + b"".join(b",%b:%b" % (msgspec.json.encode(name), raw) for name, raw in fields) + b"}"


def told_body(envelope: Envelope, kind: str, message: str, details: str | None = None) -> bytes:
    """Return an answer that says what is wrong."""
    error = msgspec.json.encode({"type": kind, "message": message, "details": details})
    return envelope.head + b',"error":' + error + b"}"


Fields = list[tuple[str, bytes]]


def _products(call: ProductCall, answers: Sequence[Answer]) -> Fields:
    """Return the products of all parts, and what else stands beside them."""
    places = {asin: place for place, asin in reversed(list(enumerate(call.asins)))}
    found: list[tuple[int, msgspec.Raw]] = []
    others: dict[str, bytes] = {}
    for answer in answers:
        known = product_of(answer)
        if known is not None:
            found.append((places.get(known[0], len(places)), known[1]))
            continue
        fields = _payload(answer.body)
        for raw in _listed(fields.pop("products", msgspec.Raw(b"null"))):
            name = _decode_name(raw).asin if bytes(raw) != b"null" else None
            found.append((places.get(name or "", len(call.asins)), raw))
        others = {**{name: bytes(raw) for name, raw in fields.items()}, **others}
    found.sort(key=lambda each: each[0])
    return [("products", b"[" + b",".join(raw for _, raw in found) + b"]"), *others.items()]


def _merged(call: Call, answers: Sequence[Answer]) -> Fields:
    """Return what all parts hold: lists one after the other, maps as one, of all else the first."""
    if len(answers) == 1:
        return [(name, bytes(raw)) for name, raw in _payload(answers[0].body).items()]
    maps: dict[str, dict[str, msgspec.Raw]] = {}
    others: dict[str, bytes] = {}
    for answer in answers:
        for name, raw in _payload(answer.body).items():
            if name != "error" and bytes(raw).startswith(b"{"):
                maps.setdefault(name, {}).update(_decode_fields(raw))
            elif name not in others or others[name] == b"null":
                others[name] = bytes(raw)
    asked = items_of(call)
    ordered = {name: _in_order(items, asked) for name, items in maps.items()}
    return [*((name, msgspec.json.encode(items)) for name, items in ordered.items()), *others.items()]


def _in_order(items: Mapping[str, msgspec.Raw], asked: Sequence[str]) -> dict[str, msgspec.Raw]:
    first = {name: items[name] for name in asked if name in items}
    return {**first, **items}


def _payload(body: bytes) -> dict[str, msgspec.Raw]:
    return {name: raw for name, raw in _decode_fields(body).items() if name not in _OURS}


def _listed(raw: msgspec.Raw) -> Sequence[msgspec.Raw]:
    return () if bytes(raw) == b"null" else _decode_list(raw)
