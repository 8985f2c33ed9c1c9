"""Health: alive, ready, and how; told from what is known, to everybody as much as is his business."""

import asyncio
import json

import httpx2
import structlog
from sqlalchemy import event, text
from tests.gateway_house import GatewayHouse
from tests.house import Canned, run

from keepahead.errors import KeepaheadError
from keepahead.faces.gateway.gateway import Gateway
from keepahead.faces.gateway.problems import KINDS
from keepahead.store.database import open_database

OK = {"ledger": "ok", "migrations": "ok", "draining": "ok", "upstream": "ok"}


def test_a_fresh_gateway_is_ready(tmp_path):
    """Without a key, and before anything was asked of Keepa, it is alive and ready; asking costs and sends nothing."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client(None) as client:
            found = [await client.get(f"/health{path}") for path in ("/live", "/ready", "")]
            return found, house.truth()

    (live, ready, health), truth = run(main())
    assert (live.status_code, live.json()) == (200, {"alive": True})
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "checks": OK})
    assert (health.status_code, health.json()["state"]) == (200, "unknown")
    assert truth.requests == 0


def test_numbers_are_for_those_with_a_key(tmp_path):
    """Without a key health tells the state and no number of the account; with one all of it; a wrong one is refused."""

    async def main():
        async with GatewayHouse(tmp_path, balance=33).opened() as house, house.client("read") as client:
            await client.get("/api/v1/budget")
            async with house.client(None) as stranger, house.client("kah" + "x" * 61) as wrong:
                return [await each.get("/health") for each in (client, stranger, wrong)]

    known, stranger, wrong = run(main())
    assert known.json()["account"]["balance"] == 33
    assert known.json()["ledger"]["failure"] is None
    assert known.json()["ledger"]["age_seconds"] < 2
    assert known.json()["upstream"]["answered_at"] is not None
    assert stranger.json().keys() == {"state", "version", "uptime_seconds"}
    assert stranger.json()["state"] == "low"
    assert wrong.status_code == 401


def test_one_that_goes_down_is_not_ready(tmp_path):
    """While it drains it is alive, and not ready."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client(None) as client:
            house.gateway.is_draining.set()
            return await client.get("/health/ready"), await client.get("/health/live")

    ready, live = run(main())
    assert (ready.status_code, ready.json()["ready"], live.status_code) == (503, False, 200)
    assert ready.json()["checks"] == {**OK, "draining": "the gateway is going down"}


def test_a_ledger_of_another_version_is_not_ready(tmp_path):
    """A ledger that a newer program has changed meanwhile is not ready; nothing of its place is told."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client(None) as client:
            before = await client.get("/health/ready")
            database = open_database(house.database_url)
            with database.write() as connection:
                connection.execute(text("UPDATE keepahead_version SET version_num = '9999'"))
            database.close()
            await house.clock.sleep_async(2)
            return before, await client.get("/health/ready"), house.database_url

    before, after, url = run(main())
    assert (before.status_code, after.status_code) == (200, 503)
    assert after.json()["checks"]["migrations"] != "ok"
    assert url.removeprefix("sqlite:///") not in after.text


def test_the_database_is_not_asked_each_time(tmp_path):
    """However often readiness is asked, the database is looked at once a second."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client(None) as client:
            looks: list[str] = []
            engine = house.app.state.books.ledger.database._engine
            event.listen(engine, "before_cursor_execute", lambda _, __, statement, *___: looks.append(statement))
            await asyncio.gather(*(client.get("/health/ready") for _ in range(20)))
            return [statement for statement in looks if "keepahead_version" in statement and "version_num" in statement]

    assert len(run(main())) == 1


def test_keepa_away_is_told_by_the_last_call(tmp_path):
    """After a call that did not reach Keepa it is not ready for a minute; nobody asks Keepa to find out."""

    async def main():
        away = Canned(*[httpx2.ConnectError("nobody there")] * 2)
        async with GatewayHouse(tmp_path).opened(transport=away) as house, house.client(None) as client:
            await fail(house.gateway)
            failed = await client.get("/health/ready")
            async with house.client("read") as reader:
                told = await reader.get("/health")
            await house.clock.sleep_async(61)
            return failed, told, await client.get("/health/ready"), len(away.requests)

    failed, told, later, asked = run(main())
    assert (failed.status_code, failed.json()["checks"]["upstream"]) == (503, "the last call failed")
    assert "nobody there" in told.json()["upstream"]["failure"]
    assert later.status_code == 200
    assert asked == 1


async def fail(gateway: Gateway) -> None:
    """Let a call fail as one of a route does."""

    async def work():
        await gateway._keepa.products(["B0D8W1YVBX"])

    async def receive():
        await asyncio.sleep(3600)

    try:
        await gateway._patiently(receive, work())
    except KeepaheadError:
        return
    raise AssertionError


def test_problems_are_explained(tmp_path):
    """Each type of problem leads to its meaning, without a key; what is no type is not found."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client(None) as client:
            every = await client.get("/problems")
            return every, [await client.get(kind.type) for kind in KINDS.values()], await client.get("/problems/odd")

    every, each, odd = run(main())
    assert [told["slug"] for told in every.json()["problems"]] == list(KINDS)
    assert [answer.json() for answer in each] == every.json()["problems"]
    assert (odd.status_code, odd.json()["type"]) == (404, "/problems/not-found")


def test_the_balance_is_logged_every_minute(tmp_path, capsys):
    """A structured line a minute says what is left and how that is to be taken; every line of a request has its id."""

    async def main():
        async with GatewayHouse(tmp_path, balance=15).opened() as house, house.client("read") as client:
            await client.get("/api/v1/budget", headers={"X-Request-ID": "r-1"})
            await house.clock.sleep_async(121)

    structlog.configure(processors=[structlog.contextvars.merge_contextvars, structlog.processors.JSONRenderer()])
    try:
        run(main())
    finally:
        structlog.reset_defaults()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    told = [line for line in lines if line["event"] == "balance"]
    assert [(line["balance"], line["state"]) for line in told] == [
        (None, "unknown"),
        (35, "low"),
        (55, "ok"),
    ]
    assert all("request_id" not in line for line in told)
    assert [line["request_id"] for line in lines if line["event"] == "request"] == ["r-1"]
