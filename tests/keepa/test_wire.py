"""Bytes to meters and answers: what is read, what is never trusted, and that nothing breaks it."""

import gzip
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.keepa.envelopes import ALL_ZERO, T0_MS, envelope

from keepahead.errors import BadAnswerError, KeepaError, KeepaRejected
from keepahead.keepa import wire
from keepahead.keepa.blotting import without_key
from keepahead.keepa.calls import GraphImageCall, ProductCall, TokenCall
from keepahead.keepa.wire import Fault, Inbound

RECORDINGS = Path(__file__).parent.parent / "data" / "recordings"
NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
CALL = ProductCall(asins=["B0D8W1YVBX"], domain=1)


def inbound(body: bytes | dict, status: int = 200) -> Inbound:
    """What a driver would hand over."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Inbound(status, raw, NOW, NOW + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("name", "left", "consumed", "rate", "refill_in_ms", "timestamp_ms"),
    [
        ("B0D8W1YVBX-full.json", 94, 4, 60, 53441, 1778386768884),
        ("B0F7XPYCSJ-full.json", 42, 1, 60, 18815, 1778386622667),
    ],
)
def test_recorded_meters(name, left, consumed, rate, refill_in_ms, timestamp_ms):  # noqa: PLR0917
    """The meters of the recorded bodies are read exactly."""
    body = gzip.decompress((RECORDINGS / f"{name}.gz").read_bytes())
    reading = wire.read(inbound(body))
    assert reading.meter is not None
    assert (reading.meter.tokens_left, reading.consumed) == (left, consumed)
    assert (reading.meter.refill_rate_per_minute, reading.meter.refill_in_ms) == (rate, refill_in_ms)
    assert reading.meter.measured_at == datetime.fromtimestamp(timestamp_ms / 1000, UTC)


def test_recording_without_envelope():
    """A body whose envelope was taken out has no meter, and is still an answer."""
    body = gzip.decompress((RECORDINGS / "multi-asin-full-history-sanitized.json.gz").read_bytes())
    assert wire.read(inbound(body)).meter is None


def test_insane_envelopes_are_no_meter():
    """Refill rate 0 or timestamp 0 is no reading of the bucket, whatever the balance says."""
    assert wire.read(inbound(ALL_ZERO.content, 400)).meter is None
    assert wire.read(inbound(envelope(50, rate=0))).meter is None
    assert wire.read(inbound(envelope(50, ms=0))).meter is None


@pytest.mark.parametrize("left", [-340, -1, 0])
def test_low_balances_are_balances(left):
    """-1 and 0 are balances, not signs for something else."""
    reading = wire.read(inbound(envelope(left)))
    assert reading.meter is not None
    assert reading.meter.tokens_left == left


def test_flow_reduction_is_rounded_up():
    """What trackings withhold is counted in full tokens, never too few."""
    reading = wire.read(inbound(envelope(50, tokenFlowReduction=8.75)))
    assert reading.meter is not None
    assert reading.meter.flow_reduction_per_minute == 9


@pytest.mark.parametrize(
    ("changes", "left", "consumed"),
    [
        ({"tokensLeft": 54.5}, 54, 3),
        ({"tokensLeft": "54"}, 54, 3),
        ({"tokensConsumed": None}, 54, None),
        ({"tokensConsumed": -5}, 54, None),
        ({"tokensConsumed": 3.0, "tokenFlowReduction": None}, 54, 3),
        ({"error": ["odd"]}, 54, 3),
    ],
)
def test_odd_types_are_read_all_the_same(changes, left, consumed):
    """A field of another type than expected does not cost us the meter; a fraction of a token is not there."""
    reading = wire.read(inbound(envelope(54, 3) | changes))
    assert reading.meter is not None
    assert (reading.meter.tokens_left, reading.consumed) == (left, consumed)


@pytest.mark.parametrize("field", ["tokensLeft", "refillRate", "timestamp"])
@pytest.mark.parametrize("value", [None, "", "many", {}, [], 10**400, True, float("nan")])
def test_without_its_main_fields_there_is_no_meter(field, value):
    """Nonsense in a main field makes the envelope no meter, or at least no exception."""
    body = json.dumps(envelope(50) | {field: value}).encode()
    reading = wire.read(inbound(body))
    assert reading.meter is None or field == "tokensLeft" or value is True


@given(st.binary() | st.binary().map(lambda raw: b'{"tokensLeft":' + raw))
def test_any_bytes(body):
    """No bytes whatever raise anything but our own errors."""
    got = inbound(body)
    reading = wire.read(got)
    with pytest.raises(KeepaError):
        wire.answer_or_error(CALL, Inbound(500, body, NOW, NOW), reading, "id")
    with suppress(KeepaError):
        wire.answer_or_error(CALL, got, reading, "id")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@given(
    st.dictionaries(st.sampled_from(sorted(wire.ENVELOPE_FIELDS)) | st.text(max_size=5), json_values),
    st.sampled_from((200, 400, 429, 500)),
)
def test_any_json(fields, status):
    """Envelopes with fields dropped, retyped and added are read or refused, never tripped over."""
    got = inbound(json.dumps(fields).encode(errors="surrogatepass"), status)
    reading = wire.read(got)
    assert reading.consumed is None or reading.consumed >= 0
    with suppress(KeepaError):
        wire.answer_or_error(CALL, got, reading, "id")


def test_deep_nesting():
    """A body nested deeper than any parser likes is refused, not crashed on."""
    body = b'{"error":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert wire.read(inbound(body)).meter is None


def test_unannounced_gzip():
    """A gzip that no header announced is unpacked; a broken one is left as it is."""
    packed = gzip.compress(b"{}")
    assert wire.unpack(packed) == b"{}"
    assert wire.unpack(packed[:-4]) == packed[:-4]
    assert wire.unpack(b"plain") == b"plain"


def test_error_inside_a_200():
    """An error object without a payload is a refusal, at status 200 too; what it cost is on the error."""
    body = envelope(59, 0, error={"type": "invalidParameter", "message": "offers", "details": None})
    got = inbound(body)
    with pytest.raises(KeepaRejected, match="offers") as caught:
        wire.answer_or_error(CALL, got, wire.read(got), "id")
    assert (caught.value.status, caught.value.kind, caught.value.tokens_charged) == (200, "invalidParameter", 0)


def test_partial_success():
    """An error beside a payload is an answer with a fault: something was delivered."""
    body = envelope(59, 2, sellers={"A1": {}}, error="A2")
    got = inbound(body)
    answer = wire.answer_or_error(CALL, got, wire.read(got), "id")
    assert answer.fault == Fault("", "A2", "")
    assert answer.tokens_consumed == 2
    assert answer.json()["sellers"] == {"A1": {}}


def test_cut_off_body():
    """A cut-off body is an error that keeps the bytes."""
    got = inbound(json.dumps(envelope(5, products=[])).encode()[:-20])
    with pytest.raises(BadAnswerError) as caught:
        wire.answer_or_error(CALL, got, wire.read(got), "id")
    assert caught.value.body == got.body


def test_a_picture():
    """A PNG is the answer to a graph image, and to nothing else."""
    got = inbound(b"\x89PNG\r\n\x1a\n....")
    graph = GraphImageCall(asin="B0D8W1YVBX", domain=1)
    answer = wire.answer_or_error(graph, got, wire.read(got), "id")
    assert answer.tokens_consumed is None
    with pytest.raises(BadAnswerError):
        answer.json()
    with pytest.raises(BadAnswerError):
        wire.answer_or_error(TokenCall(), got, wire.read(got), "id")


def test_the_key_is_blotted_out():
    """Should Keepa repeat the key in an answer, it does not get past the wire."""
    key = "abcdefgh" * 8
    assert without_key(f"bad key {key}!".encode(), key) == b"bad key ***!"
    assert without_key(b"as it is", "") == b"as it is"


def test_a_word_is_no_key():
    """A key so short that any body may hold it by chance ("1", the simulator's own) is not looked for."""
    body = b'{"tokensLeft":1,"title":"Flight simulator"}'
    assert without_key(body, "1") == without_key(body, "simulator") == body


def test_outbound_has_no_key():
    """A call as HTTP: path and parameters as Keepa spells them, and no key."""
    out = wire.outbound(ProductCall(asins=["B0D8W1YVBX"], domain=1, only_live_offers=True, offers=20))
    assert (out.method, out.path, out.body) == ("GET", "/product", None)
    assert out.query == {"domain": "1", "asin": "B0D8W1YVBX", "offers": "20", "only-live-offers": "1"}


def test_meter_first():
    """The timestamp is Keepa's, the moments of asking and receiving are ours."""
    reading = wire.read(inbound(msgspec.json.encode(envelope(7))))
    assert reading.meter is not None
    assert reading.meter.measured_at == datetime.fromtimestamp(T0_MS / 1000, UTC)
    assert (reading.meter.asked_at, reading.meter.received_at) == (NOW, NOW + timedelta(seconds=1))
