"""Token physics: sections 4 and 5 of the protocol sheet."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulator.house import START, decode, open_house

from keepahead.simulator import SIMULATOR_KEY, Faults, Outsider, Simulator

TRACKING = {
    "mainDomainId": 1,
    "ttl": 0,
    "updateInterval": 1,
    "thresholdValues": [{"thresholdValue": 999, "domain": 1, "csvType": 0, "isDrop": True}],
}


def test_lumps() -> None:
    """Refill comes in whole lumps of the rate, one every 60.2 s."""
    house = open_house(refill_rate=20, balance=5)
    first = house.ask("/token")["refillIn"]
    house.clock.sleep(first / 1000 - 0.001)
    assert house.ask("/token")["tokensLeft"] == 5
    house.clock.sleep(0.001)
    after = house.ask("/token")
    assert (after["tokensLeft"], after["refillIn"]) == (25, 60_200)
    house.clock.sleep(10 * 60.2)
    assert house.ask("/token")["tokensLeft"] == 225


def test_phase() -> None:
    """Every account has a tick of its own."""
    house = open_house()
    phases = {house.ask("/token", key=letter * 64)["refillIn"] for letter in "abcdefgh"}
    assert len(phases) > 5


def test_capacity() -> None:
    """The bucket holds sixty minutes' worth; what comes on top is lost, and counted as expired."""
    house = open_house(refill_rate=20)
    house.clock.sleep(602)
    truth = house.simulator.truth()
    assert (truth.balance, truth.capacity, truth.expired, truth.refilled) == (1200, 1200, 200, 200)


def test_positive_balance_admits_anything() -> None:
    """One token is enough for a call of any price, and the balance goes below zero without a floor."""
    house = open_house(balance=1)
    body = house.ask("/bestsellers", domain=1, category=283155)
    assert (body["tokensConsumed"], body["tokensLeft"]) == (50, -49)
    assert len(body["bestSellersList"]["asinList"]) > 1000


@pytest.mark.parametrize("balance", [0, -1, -46])
def test_429(balance: int) -> None:
    """At zero or below a paid call gets 429 with the true numbers of the bucket, and costs nothing."""
    house = open_house(balance=balance)
    reply = house.reply("/product", asin="B000000001", domain=1)
    body = decode(reply)
    assert reply.status == 429
    assert (body["tokensLeft"], body["tokensConsumed"], body["refillRate"]) == (balance, 0, 20)
    assert 0 < body["refillIn"] <= 60_200
    assert "products" not in body
    truth = house.simulator.truth()
    assert (truth.refused_429, truth.requests_at_or_below_zero, truth.consumed) == (1, 1, 0)


def test_429_shapes() -> None:
    """A 429 comes with and without an error object, packed and plain."""
    house = open_house(balance=0)
    replies = [house.reply("/product", asin="B000000001", domain=1) for _ in range(40)]
    assert {"error" in decode(reply) for reply in replies} == {True, False}
    assert {"content-encoding" in reply.headers for reply in replies} == {True, False}


def test_free_calls_at_any_balance() -> None:
    """The token status and trackings (but not adding one) run at a negative balance."""
    house = open_house(balance=-100)
    assert house.ask("/token")["tokensLeft"] == -100
    assert house.reply("/tracking", type="list").status == 200
    assert house.reply("/tracking", {"asin": "B000000001", **TRACKING}, type="add").status == 429


def test_together_on_one_balance() -> None:
    """Calls that arrive while the balance is positive are all admitted and all charged when they finish."""
    house = open_house(balance=10)
    query = {"key": SIMULATOR_KEY, "domain": "1", "category": "283155"}
    pending = [house.simulator.begin("GET", "/bestsellers", query) for _ in range(4)]
    assert house.simulator.truth().balance == 10
    left = [decode(house.simulator.finish(each))["tokensLeft"] for each in pending]
    assert left == [-40, -90, -140, -190]


def test_bad_key() -> None:
    """A key that Keepa does not know gets 400 and an envelope of zeros, which is nobody's balance."""
    house = open_house()
    for key in ("", "x", "A" * 64, "a" * 63):
        reply = house.reply("/token", key=key)
        body = decode(reply)
        assert reply.status == 400
        assert body["error"]["type"] == "invalidParameter"
        assert {value for name, value in body.items() if name != "error"} == {0}


def test_keys_are_accounts() -> None:
    """Each key has a bucket of its own."""
    house = open_house(balance=100)
    house.ask("/bestsellers", domain=1, category=283155, key="a" * 64)
    assert house.simulator.truth("a" * 64).balance == 50
    assert house.simulator.truth().balance == 100


def test_flow_reduction() -> None:
    """Trackings slow the refill: the sum is rounded up, and recomputed only every five minutes."""
    house = open_house(refill_rate=20, balance=300)
    trackings = [{"asin": f"B0000{n:05d}", **TRACKING} for n in range(100)]
    added = house.ask("/tracking", trackings, type="add")
    assert (added["tokensConsumed"], added["tokenFlowReduction"]) == (100, 0.0)
    house.clock.sleep(301)
    assert house.ask("/token")["tokenFlowReduction"] == 2.0  # 100 * 0.9 / 60 = 1.5
    before = house.ask("/token")
    house.clock.sleep(before["refillIn"] / 1000)
    assert house.ask("/token")["tokensLeft"] == before["tokensLeft"] + 18
    house.ask("/tracking", type="removeAll")
    assert house.ask("/token")["tokenFlowReduction"] == 2.0
    house.clock.sleep(301)
    assert house.ask("/token")["tokenFlowReduction"] == 0.0


def test_flow_eats_everything() -> None:
    """When trackings take the whole rate, none can be added and no paid call runs, whatever the balance."""
    house = open_house(refill_rate=1)
    greedy = {**TRACKING, "thresholdValues": [{"thresholdValue": 1, "domain": 1, "csvType": 18, "isDrop": True}]}
    body = house.ask("/tracking", [{"asin": f"B0000{n:05d}", **greedy} for n in range(8)], type="add")
    assert len(body["trackings"]) == 6  # 9 / 60 each: six fit into one a minute
    assert body["error"]["details"] == "B000000006,B000000007"
    house.clock.sleep(301)
    assert house.reply("/product", asin="B000000001", domain=1).status == 429
    assert house.reply("/token").status == 200


def test_tracking_ends() -> None:
    """A tracking whose time to live is over takes nothing any more."""
    house = open_house(refill_rate=20)
    house.ask("/tracking", [{"asin": f"B0000{n:05d}", **TRACKING, "ttl": 1} for n in range(100)], type="add")
    house.clock.sleep(1800)
    assert house.ask("/token")["tokenFlowReduction"] == 2.0
    house.clock.sleep(2200)
    assert house.ask("/token")["tokenFlowReduction"] == 0.0


def test_rate_change() -> None:
    """A smaller plan holds less: what no longer fits is lost at once, and lumps shrink."""
    house = open_house(refill_rate=60)
    house.simulator.set_refill_rate(5)
    body = house.ask("/token")
    assert (body["tokensLeft"], body["refillRate"]) == (300, 5)
    assert house.simulator.truth().expired == 3300


def test_left_client_is_charged() -> None:
    """A client that goes away is charged at the moment at which its request would have finished."""
    house = open_house(balance=100)
    house.simulator.faults = Faults(latency_seconds=(5, 5))
    query = {"key": SIMULATOR_KEY, "domain": "1", "category": "283155"}
    house.simulator.leave(house.simulator.begin("GET", "/bestsellers", query))
    assert house.simulator.truth().consumed == 0
    house.clock.sleep(5)
    assert house.simulator.truth().consumed == 50


def test_outsider() -> None:
    """Somebody else on the key spends about his rate, counted apart and never in our answers' tokensConsumed."""
    house = open_house(refill_rate=60, outsider=Outsider(tokens_per_minute=30))
    house.ask("/token")
    house.clock.sleep(3600)
    truth = house.simulator.truth()
    assert 1500 < truth.consumed_by_outsider < 2100
    assert truth.consumed == 0


def test_clock_going_back() -> None:
    """A clock that jumps back gives no tokens twice and takes none."""
    minutes = iter([0, 0, 10, 0, 10])
    simulator = Simulator(now=lambda: START + timedelta(minutes=next(minutes)), refill_rate=20, balance=0)
    seen = [simulator.truth().balance for _ in range(4)]
    assert seen[1] == seen[2] == seen[3] in {180, 200}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sleep"), st.floats(0, 4000)),
        st.tuples(st.just("product"), st.integers(1, 100)),
        st.tuples(st.just("bestsellers"), st.just(0)),
        st.tuples(st.just("leave"), st.integers(1, 60)),
        st.tuples(st.just("rate"), st.integers(1, 60)),
        st.tuples(st.just("tracking"), st.integers(1, 200)),
        st.tuples(st.just("outsider"), st.integers(0, 40)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, rate=st.integers(1, 60), balance=st.integers(-50, 400))
def test_conservation(steps: list[tuple[str, float]], rate: int, balance: int) -> None:
    """Nothing is lost in the books: opening + refilled - expired - consumed - outsider is the balance, always."""
    house = open_house(refill_rate=rate, balance=min(balance, rate * 60))
    charged = 0
    for kind, amount in steps:
        if kind == "sleep":
            house.clock.sleep(amount)
        elif kind == "product":
            charged += house.cost("/product", asin=",".join(f"B0000{n:05d}" for n in range(int(amount))), domain=1)
        elif kind == "bestsellers":
            charged += house.cost("/bestsellers", domain=1, category=283155)
        elif kind == "rate":
            house.simulator.set_refill_rate(int(amount))
        elif kind == "outsider":
            house.simulator.outsider = Outsider(amount) if amount else None
        elif kind == "tracking":
            wanted = [{"asin": f"B0000{n:05d}", **TRACKING} for n in range(int(amount))]
            charged += house.cost("/tracking", wanted, type="add")
        else:
            house.simulator.faults = Faults(latency_seconds=(amount, amount))
            query = {"key": SIMULATOR_KEY, "domain": "1", "asin": "B000000001"}
            pending = house.simulator.begin("GET", "/product", query)
            charged += pending.execute is not None
            house.simulator.leave(pending)
            house.simulator.faults = Faults()
        truth = house.simulator.truth()
        left = truth.opening + truth.refilled - truth.expired - truth.consumed - truth.consumed_by_outsider
        assert left == truth.balance <= truth.capacity
        assert truth.lowest_balance <= truth.balance
    house.clock.sleep(60)
    assert house.simulator.truth().consumed == charged


def test_bucket_numbers_are_whole() -> None:
    """tokensLeft, refillIn, refillRate and tokensConsumed are integers, tokenFlowReduction is a float."""
    raw = open_house().reply("/token")
    body = decode(raw)
    assert {type(body[name]) for name in ("timestamp", "tokensLeft", "refillIn", "refillRate", "tokensConsumed")} == {
        int
    }
    assert b'"tokenFlowReduction":0.0' in json.dumps(body, separators=(",", ":")).encode()
