"""How the door says no: a 429 means that waiting helps and for how long; what waiting cannot help is none."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import httpx2
import pytest
from tests.faces.gateway.door_house import ENVELOPE, DoorHouse
from tests.gateway_house import GatewayHouse
from tests.house import KEY, START, Canned, run

from keepahead.budget.rule import Freeze
from keepahead.simulator import Faults
from keepahead.store.rulebook import Rulebook

METER = {"timestamp": int(START.timestamp() * 1000), "tokensLeft": 100, "refillIn": 60_000, "refillRate": 20}


@pytest.fixture
def door(tmp_path) -> Iterator[DoorHouse]:
    """A gateway with 15 tokens, 20 a minute, of which 10 must stay."""
    with DoorHouse(tmp_path, balance=15) as door:
        door.ask("/token")
        yield door


def test_a_429_is_over_when_it_says(door):
    """For want of tokens the answer is a 429 with the true balance and how long it takes; asked again then, it fits."""
    asins = ",".join(door.some(30))
    refused = door.ask("/product", domain=1, asin=asins)
    told = refused.json()
    assert refused.status_code == 429
    assert told.keys() == ENVELOPE | {"error"}
    assert (told["tokensLeft"], told["refillRate"], told["tokensConsumed"]) == (15, 20, 0)
    assert told["error"]["type"] == "insufficientTokens"
    assert "30 tokens" in told["error"]["message"]
    assert 0 <= int(refused.headers["Retry-After"]) - told["refillIn"] / 1000 <= 1
    door.pass_time(told["refillIn"] / 1000 - 1)
    assert door.ask("/product", domain=1, asin=asins).status_code == 429
    door.pass_time(1)
    answer = door.ask("/product", domain=1, asin=asins)
    assert len(answer.json()["products"]) == 30
    assert door.house.truth().lowest_balance >= 10
    assert door.house.truth().refused_429 == 0


def test_the_place_is_kept(door):
    """Others who ask all the time meanwhile take nothing of what is kept for whoever was refused before them."""
    asins = door.some(80)
    asked = ",".join(asins[:40])
    refused = door.ask("/product", domain=1, asin=asked)
    wait_ms, others = refused.json()["refillIn"], 0
    for other in asins[40:]:
        others += door.ask("/product", key="admin", domain=1, asin=other).status_code == 200
        door.pass_time(wait_ms / 1000 / 40)
    answer = door.ask("/product", domain=1, asin=asked)
    assert refused.status_code == 429
    assert answer.json()["tokensConsumed"] == 40
    assert door.house.truth().consumed == 40 + others
    assert door.house.truth().lowest_balance >= 10


@pytest.mark.parametrize("adds_the_debt", [True, False])
def test_below_zero(tmp_path, adds_the_debt):
    """With a balance below zero some clients add to `refillIn` what the debt takes, others do not: both get through."""
    with DoorHouse(tmp_path, balance=-46) as door:
        asins = ",".join(door.some(5))
        rounds, waited = 0, 0.0
        while (answer := door.ask("/product", domain=1, asin=asins)).status_code == 429:
            told = answer.json()
            debt_ms = 60_000 * max(0, -told["tokensLeft"]) / told["refillRate"]
            seconds = (told["refillIn"] + (1_000 + debt_ms if adds_the_debt else 100)) / 1000
            door.pass_time(seconds)
            waited += seconds
            rounds += 1
            assert rounds < 6
        assert len(answer.json()["products"]) == 5
        assert rounds == 1 or not adds_the_debt
        assert waited < 4 * 60.3 + 2


def test_all_or_nothing(door):
    """What does not fit is not bought in part, and what the archive has is not delivered without the rest."""
    asins = door.some(12)
    door.ask("/product", domain=1, asin=asins[0])
    refused = door.ask("/product", domain=1, asin=",".join(asins))
    assert (refused.status_code, refused.json()["tokensConsumed"]) == (429, 0)
    assert door.house.truth().consumed == 1


def test_below_the_floor_the_archive_still_answers(tmp_path):
    """When nothing can be spent, what is free and what is archived comes all the same."""
    with DoorHouse(tmp_path, balance=11) as door:
        asins = door.some(2)
        assert door.ask("/product", domain=1, asin=asins[0]).json()["tokensConsumed"] == 1
        again = door.ask("/product", domain=1, asin=asins[0])
        assert (again.status_code, again.json()["tokensConsumed"]) == (200, 0)
        assert door.ask("/tracking", type="list").json()["trackings"] == []
        refused = door.ask("/product", domain=1, asin=asins[1])
        assert refused.status_code == 429
        door.pass_time(refused.json()["refillIn"] / 1000)
        assert door.ask("/product", domain=1, asin=asins[1]).status_code == 200


def test_what_has_no_bound(door):
    """A call whose cost nobody knows is refused with the words that bound it, and is no 429."""
    told = door.ask("/product", domain=1, code="1234567890123")
    assert told.status_code == 400
    assert "code-limit" in told.json()["error"]["message"]


def test_what_never_fits(tmp_path):
    """What the bucket can never hold is no 429, for which a client would wait for ever; its words say what to do."""
    with DoorHouse(tmp_path, rate=5) as door:
        refused = door.ask("/lightningdeal", domain=1)
        assert refused.status_code == 400
        assert "no more than 290 can ever be spent" in refused.json()["error"]["message"]
        assert refused.json()["tokensConsumed"] == 0


def test_a_small_plan_gets_its_hundred(tmp_path):
    """A list that never fits at once is bought in parts, which are kept; each 429 says truly what it has spent."""
    with DoorHouse(tmp_path, rate=1) as door:
        asins = door.some(100)
        spent, rounds = 0, 0
        while (answer := door.ask("/product", domain=1, asin=",".join(asins))).status_code == 429:
            told = answer.json()
            spent += told["tokensConsumed"]
            rounds += 1
            assert rounds < 10
            assert told["tokensConsumed"] == int(answer.headers["X-Keepa-Tokens-Consumed"])
            door.pass_time(told["refillIn"] / 1000)
        told = answer.json()
        assert [product["asin"] for product in told["products"]] == asins
        assert 0 < told["tokensConsumed"] < 100
        assert rounds <= 3
        assert spent + told["tokensConsumed"] == 100 == door.house.truth().consumed
        assert door.house.truth().lowest_balance >= 10


@pytest.mark.parametrize(
    ("settings", "params"),
    [({"max_age_product": timedelta(minutes=30)}, {}), ({"archive_megabytes": 0}, {}), ({}, {"update": 0})],
)
def test_parts_that_would_not_keep_are_not_bought(tmp_path, settings, params):
    """Where the first part would be too old, or not kept at all, when the last is there, nothing is bought."""
    with DoorHouse(tmp_path, rate=1, settings=settings) as door:
        refused = door.ask("/product", domain=1, asin=",".join(door.some(100)), **params)
        assert refused.status_code == 400
        assert door.house.truth().consumed == refused.json()["tokensConsumed"] == 0


@pytest.mark.parametrize(
    "params",
    [
        {"asin": ",".join(f"B{number:09}" for number in range(100)), "update": -1},
        {"code": ",".join(str(10**11 + number) for number in range(100)), "code-limit": 1},
    ],
)
def test_parts_of_which_nothing_is_kept(tmp_path, params):
    """What brings nothing that could be kept is not asked for again and again: no 429, and hardly a call."""
    with DoorHouse(tmp_path, rate=1) as door:
        refused = door.ask("/product", domain=1, **params)
        assert refused.status_code == 400
        assert door.house.truth().requests <= 2


def test_a_key_that_may_only_read(door):
    """It gets what is archived and what is free; for the rest it has no access, as Keepa says it: 402."""
    asin, other = door.some(2)
    door.ask("/product", domain=1, asin=asin)
    assert door.ask("/product", key="read", domain=1, asin=asin).json()["tokensConsumed"] == 0
    assert door.ask("/token", key="read").status_code == 200
    assert door.ask("/tracking", key="read", type="list").status_code == 200
    for path, params in (
        ("/product", {"domain": 1, "asin": other}),
        ("/tracking", {"type": "removeAll"}),
        ("/tracking", {"type": "webhook", "url": "https://example.org/"}),
        ("/tracking", {"type": "notification"}),
    ):
        refused = door.ask(path, key="read", **params)
        assert (refused.status_code, refused.json()["error"]["type"]) == (402, "noAccess")
        assert refused.json().keys() == ENVELOPE | {"error"}
    assert door.house.truth().consumed == 1


def test_a_key_for_jobs_only(door):
    """It may not spend where somebody waits."""
    door.house.keys["jobs"] = door.house.make_key("spend", name="nightly", lane="jobs")
    told = door.ask("/product", key="jobs", domain=1, asin=door.some(1)[0], headers={"X-Keepa-Lane": "live"})
    assert told.status_code == 402


def test_a_freeze_and_a_limit(door):
    """Both are 429: the freeze until it ends, a minute if nobody knows; the limit until the next hour begins."""
    asin = door.some(1)[0]
    _freeze(door, timedelta(minutes=7))
    told = door.ask("/product", domain=1, asin=asin)
    assert told.status_code == 429
    assert 6 * 60_000 < told.json()["refillIn"] <= 7 * 60_000 + 1
    assert "stocktaking" in told.json()["error"]["message"]
    door.pass_time(7 * 60)
    _freeze(door, None)
    assert door.ask("/product", domain=1, asin=asin).json()["refillIn"] == 60_001


def _freeze(door: DoorHouse, lasts: timedelta | None) -> None:
    now = door.house.clock.now()
    with door.house.books() as (ledger, _):
        book = Rulebook(ledger.database, ledger.fingerprint)
        book.freeze(Freeze(freeze_id=0, words="stocktaking", made_at=now, until=now + lasts if lasts else None))


def test_too_often(door):
    """A key that asks too often is told when to come back in Keepa's way."""
    door.house.keys["slow"] = door.house.make_key("spend", name="slow", rpm=1)
    assert door.ask("/token", key="slow").status_code == 200
    told = door.ask("/token", key="slow")
    assert (told.status_code, told.json()["error"]["type"]) == (429, "tooManyRequests")
    door.pass_time(told.json()["refillIn"] / 1000)
    assert door.ask("/token", key="slow").status_code == 200


def test_a_lost_answer(door):
    """When no answer comes from Keepa the client hears 500, which it does not repeat, and what counts as charged."""
    door.house.simulator.faults = Faults(drop_percent=100)
    told = door.ask("/product", domain=1, asin=",".join(door.some(3)))
    assert told.status_code == 500
    assert told.json()["error"]["type"] == "outcomeUnknown"
    assert told.json()["tokensConsumed"] == 3 == door.house.truth().consumed


def test_keepa_cannot_be_reached(door):
    """Nothing was sent: 502, and nothing was spent."""
    door.house.simulator.faults = Faults(refuse_percent=100)
    told = door.ask("/product", domain=1, asin=door.some(1)[0])
    assert (told.status_code, told.json()["tokensConsumed"]) == (502, 0)


@pytest.mark.parametrize("fault", ["error_percent", "html_percent"])
def test_keepas_own_troubles(door, fault):
    """Keepa's own failures keep their status; where it says nothing readable, the envelope and the words are ours."""
    door.house.simulator.faults = Faults(**{fault: 100})
    for asin in door.some(4):
        told = door.ask("/product", domain=1, asin=asin)
        assert told.status_code in {500, 502}
        assert told.json().keys() == ENVELOPE | {"error"}


def test_keepas_own_refusal_comes_as_it_is(door):
    """An error that Keepa itself gives goes out byte for byte: here within an answer, with HTTP 200."""
    told = door.ask("/tracking", type="get", asin=door.some(1)[0])
    straight = door.straight.begin("GET", "/tracking", {"key": KEY, "type": "get", "asin": door.some(1)[0]})
    assert told.status_code == door.straight.finish(straight).status == 200
    assert told.json()["error"]["message"] == "There is no such tracking."
    assert told.json()["tokensConsumed"] == 0


def test_keepa_refuses_our_own_key(door):
    """What Keepa says of the key that the gateway uses is passed on, without that key."""
    door.house.simulator.faults = Faults(zero_envelope_percent=100)
    told = door.ask("/product", domain=1, asin=door.some(1)[0])
    assert told.status_code == 400
    assert told.json()["refillRate"] == 0
    assert KEY not in told.text


def test_the_ledger_fails(door, tmp_path):
    """Without its ledger the gateway spends nothing, and says so: 500."""
    with closing(sqlite3.connect(tmp_path / "house.db", isolation_level=None)) as other:
        other.execute("ALTER TABLE entries RENAME TO gone")
    told = door.ask("/product", domain=1, asin=door.some(1)[0], headers={"X-Keepa-Max-Age": "0"})
    assert told.status_code == 500
    assert told.json().keys() == ENVELOPE | {"error"}
    assert "ledger" in told.json()["error"]["message"]
    assert door.house.truth().consumed == 0


@pytest.mark.parametrize("status", [204, 302, 304])
def test_what_is_no_answer_is_not_passed_on(tmp_path, status):
    """Something between us and Keepa that redirects, or gives nothing, is 502: no client is sent elsewhere."""

    async def main():
        meter = httpx2.Response(200, json=METER)
        odd = httpx2.Response(status, headers={"Location": "https://elsewhere.example"})
        house = GatewayHouse(tmp_path)
        async with house.opened(transport=Canned(meter, odd)), house.client() as client:
            answer = await client.get("/keepa/search?domain=1&type=product&term=tea&page=0")
            assert (answer.status_code, "location" in answer.headers) == (502, False)
            assert answer.json()["error"]["message"].startswith(f"Keepa refused the call (HTTP {status})")

    run(main())
