"""What the gateway tells of the budget: now, and what is to come."""

import asyncio

from tests.gateway_house import GatewayHouse
from tests.house import run

from keepahead.budget.lane import JOBS, LIVE

ASINS = [f"B00000{number:04}" for number in range(60)]


def test_the_budget_is_told_without_spending(tmp_path):
    """A gateway that knows nothing yet asks once for free, then tells what is there, for whom, and when more comes."""

    async def main():
        async with GatewayHouse(tmp_path, balance=174).opened() as house, house.client("read") as client:
            first, second = await client.get("/api/v1/budget"), await client.get("/api/v1/budget")
            return first, second, house.truth()

    first, second, truth = run(main())
    assert first.status_code == 200
    told = first.json()
    assert (told["balance"], told["capacity"], told["refill_rate_per_minute"], told["state"]) == (174, 1200, 20, "ok")
    assert told["lanes"] == {"live": {"floor": 10, "spendable": 164}, "jobs": {"floor": 100, "spendable": 74}}
    assert 0 < told["next_refill_in_seconds"] <= 60.3
    assert told["full_in_seconds"] > 3000
    assert (told["reserved"], told["unknown"], told["spent_today"], told["waiting_calls"]) == (0, 0, 0, [])
    assert second.headers["X-Keepa-Tokens-Left"] == str(second.json()["balance"])
    assert (truth.requests, truth.consumed) == (1, 0)


def test_the_state_is_judged_by_the_settings(tmp_path):
    """Low, critical, below the floor and negative: the marks of the settings, the worst one wins."""

    async def state(balance: int, **settings: int) -> str:
        folder = tmp_path / f"{balance}"
        folder.mkdir()
        async with GatewayHouse(folder, balance=balance).opened(**settings) as house, house.client() as client:
            return (await client.get("/api/v1/budget")).json()["state"]

    assert run(state(50)) == "ok"
    assert run(state(49)) == "low"
    assert run(state(19)) == "critical"
    assert run(state(10)) == "below_floor"
    assert run(state(-3)) == "negative"
    assert run(state(75, low=100, critical=80)) == "critical"


def test_who_waits_is_told(tmp_path):
    """A call that waits for tokens is in the budget with its lane, its tokens, since when, and when they are there."""

    async def main():
        async with GatewayHouse(tmp_path, balance=20).opened() as house, house.client() as client:
            keepa = house.gateway._keepa
            waits = asyncio.create_task(keepa.on_behalf_of("nightly", LIVE).products(ASINS[:30]))
            await asyncio.sleep(2)
            asked_at = house.clock.now()
            told = (await client.get("/api/v1/budget")).json()
            await waits
            return told, asked_at, house.clock.now()

    told, asked_at, came_at = run(main())
    assert told["waiting"] == 1
    waiting = told["waiting_calls"][0]
    assert (waiting["lane"], waiting["tokens"]) == ("live", 30)
    assert waiting["since"][:19] <= asked_at.isoformat()[:19] < waiting["expected_at"][:19] <= came_at.isoformat()[:19]


def test_the_forecast_comes_true(tmp_path):
    """At the moment that is told the wanted amount is there, and not a lump earlier; so it is with the full bucket."""

    async def main():
        async with GatewayHouse(tmp_path, balance=40).opened() as house, house.client() as client:
            told = (await client.get("/api/v1/budget/forecast", params={"hours": 2, "tokens": 90})).json()
            await house.clock.sleep_async(told["wanted"]["in_seconds"] - 1)
            before = (await client.get("/api/v1/budget")).json()
            await house.clock.sleep_async(1.2)
            after = (await client.get("/api/v1/budget")).json()
            later = (await client.get("/api/v1/budget/forecast", params={"tokens": 5000})).json()
            await house.clock.sleep_async(later["full_in_seconds"] + 0.1)
            return told, before, after, later, (await client.get("/api/v1/budget")).json()

    told, before, after, later, full = run(main())
    assert before["lanes"]["live"]["spendable"] == 70
    assert after["lanes"]["live"]["spendable"] == 90
    assert (later["wanted"]["tokens"], later["wanted"]["at"]) == (5000, None)
    assert full["balance"] == full["capacity"]
    assert told["points"][0]["balance"] == 40
    assert [point["balance"] for point in told["points"]] == sorted(point["balance"] for point in told["points"])
    assert len(told["points"]) == 61


def test_the_pace_leads_to_the_floor(tmp_path):
    """At the pace of the last hour, refill counted in, the floor is reached; never where refill keeps up with it."""

    async def main():
        async with GatewayHouse(tmp_path, rate=5, balance=290).opened() as house, house.client() as client:
            calm = (await client.get("/api/v1/budget/forecast")).json()
            for _ in range(12):  # 120 tokens in 12 minutes, where 60 come
                await house.gateway._keepa.on_behalf_of("busy", LIVE).products(ASINS[:10], max_age=0)
                await house.clock.sleep_async(60)
            await house.clock.sleep_async(48 * 60)  # the hour is not over: it is 2 tokens a minute then
            quiet = (await client.get("/api/v1/budget/forecast")).json()
            await house.gateway._keepa.on_behalf_of("busy", JOBS).products(ASINS, max_age=0)
            for _ in range(4):
                await house.gateway._keepa.on_behalf_of("busy", LIVE).products([*ASINS, *ASINS], max_age=0)
            return calm, quiet, (await client.get("/api/v1/budget/forecast")).json()

    calm, quiet, hot = run(main())
    assert (calm["pace"]["tokens_per_minute"], calm["pace"]["floor_at"]) == (0, None)
    assert quiet["pace"]["tokens_per_minute"] <= 2
    assert quiet["pace"]["floor_at"] is None
    assert hot["pace"]["refill_per_minute"] == 5
    pace = hot["pace"]["tokens_per_minute"]
    minutes = (hot["balance"] - hot["floor"]) / (pace - 5)
    assert abs(hot["pace"]["floor_in_seconds"] - minutes * 60) < 1
    assert hot["points"][5]["at_pace"] < hot["points"][5]["balance"]


def test_bad_parameters_are_refused(tmp_path):
    """What is out of range is refused by name, and nothing is asked of Keepa for it."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client:
            bad = ("hours=0", "hours=73", "tokens=-1", "tokens=x", "lane=fast")
            return [await client.get(f"/api/v1/budget/forecast?{text}") for text in bad], house.truth()

    answers, truth = run(main())
    assert [answer.status_code for answer in answers] == [422] * 5
    assert answers[0].json()["errors"][0]["parameter"] == "hours"
    assert truth.requests == 0
