"""Answers put together in Keepa's form: bytes of the payload as they came, an envelope of our own."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from tests.house import START

from keepahead.budget.account import Account
from keepahead.budget.meter import Meter
from keepahead.errors import InvalidCallError
from keepahead.keepa.calls import BestSellersCall, Call, ProductCall, SellerCall
from keepahead.keepa.rejected import status_of
from keepahead.keepa.relay import Envelope, envelope_of, has_envelope, is_whole, relayed_body, told_body
from keepahead.keepa.wire import Answer, Reading

ENVELOPE = Envelope(timestamp=5, tokens_left=-3, refill_in=7, refill_rate=20, flow_reduction=2, processing_ms=1)
OURS = b'{"timestamp":5,"tokensLeft":-3,"refillIn":7,"refillRate":20,"tokenFlowReduction":2.0,'
OURS += b'"tokensConsumed":0,"processingTimeInMs":1'
A, B, C = "B00000000A", "B00000000B", "B00000000C"


def _answer(call: Call, body: bytes, *, archived: bool = True) -> Answer:
    return Answer(call, 200, body, Reading(consumed=0), START, "c", is_archived=archived)


def _products(*asins: str) -> ProductCall:
    return ProductCall(domain=1, asins=asins)


def _one(asin: str) -> bytes:
    return b'{"asin": "%b",  "x":1.50}' % asin.encode()


def test_an_archived_product():
    """The envelope stands before the payload, of which not a byte is changed."""
    body = relayed_body(_products(A), [_answer(_products(A), b'{"products":[' + _one(A) + b"]}")], ENVELOPE)
    assert body == OURS + b',"products":[' + _one(A) + b"]}"


def test_parts_in_the_order_asked():
    """Archived products and those of a live answer stand as they were asked for; what nobody asked for comes last."""
    live = b'{"tokensLeft":9,"products":[%b,null,%b],"timestamp":1,"more":[1, 2],"error":{"type":"t"}}' % (
        _one("B00000000D"),
        _one(C),
    )
    parts = [
        _answer(_products(B), b'{"products":[' + _one(B) + b"]}"),
        _answer(_products(A, C), live, archived=False),
        _answer(_products(A), b'{"products":[' + _one(A) + b"]}"),
    ]
    body = relayed_body(_products(C, A, B), parts, ENVELOPE)
    listed = b",".join((_one(C), _one(A), _one(B), _one("B00000000D"), b"null"))
    assert body == OURS + b',"products":[' + listed + b'],"more":[1, 2],"error":{"type":"t"}}'


def test_maps_are_joined():
    """Sellers of several parts stand in one map, as they were asked for."""
    call = SellerCall(domain=1, sellers=(A, B))
    parts = [
        _answer(call, b'{"sellers":{"%b":{"a": 1}}}' % B.encode()),
        _answer(call, b'{"tokensConsumed":1,"sellers":{"%b":{"b":  2}}}' % A.encode(), archived=False),
    ]
    body = relayed_body(call, parts, ENVELOPE)
    assert body == OURS + b',"sellers":{"%b":{"b":  2},"%b":{"a": 1}}}' % (A.encode(), B.encode())


def test_an_archived_answer_has_its_envelope_replaced():
    """What was archived whole carries the numbers of then: those go, all else stays as it was."""
    old = b'{"bestSellersList":{"asinList":[ "x" ]},"timestamp":1,"tokensLeft":1,"refillIn":2,"additional":"a",'
    old += b'"tokensConsumed":50,"refillRate":5,"tokenFlowReduction":0.0,"processingTimeInMs":9}'
    call = BestSellersCall(domain=1, category="5")
    body = relayed_body(call, [_answer(call, old)], ENVELOPE)
    assert body == OURS + b',"bestSellersList":{"asinList":[ "x" ]},"additional":"a"}'


def test_what_goes_out_as_it_came():
    """One live answer is Keepa's own; what is archived, a share of a batch, or one of several is not."""
    live = _answer(_products(A), b"{}", archived=False)
    assert is_whole([live])
    assert not is_whole([live, live])
    assert not is_whole([replace(live, is_share=True)])
    assert not is_whole([replace(live, is_archived=True)])
    assert is_whole([replace(live, is_archived=True, body=b"\x89PNG\r\n\x1a\n")])


def test_the_envelope_of_an_account():
    """It tells the projected balance and the next lump, or when what was refused fits, never too early."""
    meter = Meter(
        measured_at=START,
        asked_at=START,
        received_at=START,
        tokens_left=-5,
        refill_rate_per_minute=20,
        refill_in_ms=3_000,
        flow_reduction_per_minute=2,
    )
    account = Account("f", meter=meter)
    told = envelope_of(account, START, START + timedelta(milliseconds=12), consumed=4)
    assert told == Envelope(
        timestamp=int(START.timestamp() * 1000) + 12,
        tokens_left=-5,
        refill_in=3_088,
        refill_rate=20,
        flow_reduction=2,
        tokens_consumed=4,
        processing_ms=12,
    )
    assert envelope_of(account, START, START + timedelta(seconds=4)).tokens_left == 13
    later = START + timedelta(seconds=4)
    assert envelope_of(account, START, later, refill_seconds=1).refill_in == 1_001
    assert envelope_of(account, START, later, refill_seconds=100.0001).refill_in == 100_002
    assert envelope_of(account, START, START, refill_seconds=100).refill_in == 85_001  # who sees -5 adds 15 s
    nobody_knows = envelope_of(None, START, START)
    assert (nobody_knows.refill_rate, nobody_knows.tokens_left, nobody_knows.refill_in) == (0, 0, 0)


def test_what_is_wrong_is_told():
    """An error stands beside the envelope, with type, message and details."""
    told = msgspec.json.decode(told_body(ENVELOPE, "kind", 'a "quoted" word'))
    assert told["error"] == {"type": "kind", "message": 'a "quoted" word', "details": None}
    assert has_envelope(told_body(ENVELOPE, "kind", "m"))
    assert not has_envelope(b'{"error":{}}')
    assert not has_envelope(b"<html>")


@pytest.mark.parametrize(
    ("code", "parameter", "given", "status"),
    [
        ("unknown_path", "path", {}, 404),
        ("invalid_domain", "domain", {"domain": "13"}, 405),
        ("invalid_domain", "domain", {"domain": "x"}, 400),
        ("invalid_type", "type", {"type": "5"}, 400),
        ("offers_out_of_range", "offers", {"offers": "5", "asin": A}, 200),
        ("offers_out_of_range", "offers", {"offers": "0", "code": "1"}, 400),
        ("too_many_categories", "category", {}, 405),
        ("too_many_categories", "includeCategories", {}, 400),
        ("missing_term", "term", {}, 400),
    ],
)
def test_the_status_of_a_refusal(code, parameter, given, status):
    """405 is for what is out of range, 400 for all else; a few things Keepa refuses within an answer."""
    assert status_of(InvalidCallError(code, "", parameter=parameter), given) == status
