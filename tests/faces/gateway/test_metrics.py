"""/metrics over HTTP: it says what the ledger says, to those with a key, from every gateway alike."""

import asyncio
import itertools

import pytest
from sqlalchemy import text
from tests.faces.gateway.scraped import Scraped, scrape
from tests.gateway_house import GatewayHouse
from tests.house import run

from keepahead.budget.ask import Ask
from keepahead.budget.entry import Label
from keepahead.budget.lane import JOBS, LIVE
from keepahead.budget.meter import Meter
from keepahead.budget.rule import Freeze
from keepahead.errors import FrozenError, InsufficientTokensError, KeepaError
from keepahead.faces.gateway.counts import ENDPOINTS
from keepahead.faces.gateway.follower import BEAT_SECONDS, PAGE
from keepahead.faces.gateway.gateway import Patience
from keepahead.simulator import Faults, Outsider
from keepahead.store.audit import Audit
from keepahead.store.database import open_database
from keepahead.store.record import Filter, GroupBy
from keepahead.store.rulebook import Rulebook


def spender(house: GatewayHouse, name: str, lane=LIVE, **terms):
    """Return a client of the gateway's own that spends in somebody's name."""
    return house.gateway._keepa.on_behalf_of(name, lane, **{"max_wait_seconds": 0, **terms})


async def counted(house: GatewayHouse) -> None:
    """Let all that has happened be written and counted."""
    await asyncio.to_thread(house.gateway._keepa.ledger.flush)
    await house.clock.sleep_async(2 * BEAT_SECONDS)


def test_the_counters_say_what_the_ledger_says(tmp_path):
    """Tokens by endpoint, caller and lane, calls, refusals and hits are those of the ledger; asking costs nothing."""

    async def main():
        async with GatewayHouse(tmp_path, balance=130).opened() as house, house.client("read") as client:
            await spender(house, "person").products(["B0D8W1YVBX", "B0F7XPYCSJ"])
            await spender(house, "person").products(["B0D8W1YVBX"])
            await spender(house, "nightly", JOBS).search_categories("coffee")
            with pytest.raises(InsufficientTokensError):
                await spender(house, "nightly", JOBS).best_sellers(283155)
            await counted(house)
            before = house.truth().requests
            found = await scrape(client)
            with house.books() as (_, record):
                sums = {each.group: each for each in record.sums(GroupBy.CALLER, Filter())}
            return found, sums, house.truth().requests - before

    found, sums, requests = run(main())
    assert requests == 0
    for caller in ("person", "nightly"):
        assert found.sum("keepahead_tokens_consumed_total", caller=caller) == sums[caller].charged > 0
        assert found.sum("keepahead_tokens_saved_total", caller=caller) == sums[caller].saved
    assert found.values("keepahead_tokens_consumed_total", endpoint="product", caller="person", lane="live") == [2]
    assert found.values("keepahead_archive_hits_total", endpoint="product", caller="person", lane="live") == [1]
    assert found.values("keepahead_refusals_total", endpoint="bestsellers", lane="jobs", reason="not_in_time") == [1]
    assert found.values("keepahead_calls_total", endpoint="product", outcome="settled") == [1]
    assert found.values("keepahead_charged_ratio_count", endpoint="product") == [1]
    assert found.values("keepahead_call_duration_seconds_count", endpoint="search") == [1]


def test_the_gauges_say_how_the_account_stands(tmp_path):
    """Gauges are what the budget says at the same moment, per lane where lanes differ."""

    async def main():
        async with GatewayHouse(tmp_path, balance=220).opened() as house, house.client("read") as client:
            budget = (await client.get("/api/v1/budget")).json()
            return await scrape(client), budget

    found, budget = run(main())
    for name in ("balance", "free", "capacity"):
        assert found.values(f"keepahead_tokens_{name}") == [budget[name]]
    for lane, of in budget["lanes"].items():
        assert found.values("keepahead_tokens_floor", lane=lane) == [of["floor"]]
        assert found.values("keepahead_tokens_spendable", lane=lane) == [of["spendable"]]
    assert found.values("keepahead_refill_rate_per_minute") == [20]
    assert found.values("keepahead_flow_reduction_per_minute") == [0]
    assert found.values("keepahead_time_to_full_seconds") == [pytest.approx(budget["full_in_seconds"], abs=0.01)]
    assert found.values("keepahead_time_to_floor_seconds") == []  # nothing is spent: never
    assert found.values("keepahead_tokens_held") == [0, 0]
    assert found.values("keepahead_ledger_age_seconds")[0] < 1


def test_the_pace_is_that_of_the_alerts(tmp_path):
    """What is spent of late shows as a pace, and as the time until it leads to the floor, as the alerts reckon it."""

    async def main():
        async with GatewayHouse(tmp_path, balance=500).opened() as house, house.client("read") as client:
            for _ in range(5):
                await spender(house, "person").best_sellers(283155, max_age=0)
            await counted(house)
            return await scrape(client)

    found = run(main())
    assert found.values("keepahead_pace_per_minute") == [50]  # 250 in five minutes, where 20 a minute come
    assert found.values("keepahead_time_to_floor_seconds") == [pytest.approx(60 * (250 - 10) / (50 - 20), abs=60)]


def test_nobody_knows_is_not_zero(tmp_path):
    """As long as nobody has seen the bucket there is no balance: a zero would wake somebody up."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client("read") as client:
            return await scrape(client)

    found = run(main())
    assert found.values("keepahead_tokens_balance") == []
    assert found.values("keepahead_tokens_external_total") == [0]
    assert found.values("keepahead_calls_waiting") == [0, 0]


def test_a_key_that_reads_opens_it(tmp_path):
    """It needs a key, as Authorization: Bearer too; one that only reads will do; an open gateway asks for none."""

    async def main():
        async with GatewayHouse(tmp_path / "a").opened() as house, house.client(None) as client:
            bearer = {"Authorization": f"Bearer {house.keys['read']}"}
            told = [(await client.get("/metrics", headers=each)).status_code for each in ({}, bearer)]
        async with GatewayHouse(tmp_path / "b").opened(is_open=True) as house, house.client(None) as client:
            return [*told, (await client.get("/metrics")).status_code]

    for name in "ab":
        (tmp_path / name).mkdir()
    assert run(main()) == [401, 200, 200]


def test_it_answers_below_the_floor_and_when_there_is_no_room(tmp_path):
    """What is wrong can be seen while it is wrong: below the floor, and with as many requests as may be under way."""

    async def main():
        patience = Patience(max_requests=0)
        async with GatewayHouse(tmp_path, balance=-31).opened(patience=patience) as house, house.client() as client:
            busy = (await client.get("/api/v1/budget")).status_code
            await house.gateway._keepa.status()
            return busy, await scrape(client)

    busy, found = run(main())
    assert busy == 503
    assert found.values("keepahead_tokens_balance") == [-31]
    assert found.values("keepahead_tokens_spendable") == [0, 0]
    assert found.values("keepahead_time_to_floor_seconds") == [0]


def test_scrapers_get_the_form_that_they_take(tmp_path):
    """Prometheus asks for OpenMetrics and is given it; whoever says nothing gets text; HEAD has no body."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client("read") as client:
            accept = {"Accept": "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.5"}
            return [
                await client.get("/metrics", headers=accept),
                await client.get("/metrics"),
                await client.head("/metrics"),
                await client.get("/metrics?name=x"),
            ]

    openmetrics, plain, head, unknown = run(main())
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert (head.status_code, head.content) == (200, b"")
    assert unknown.status_code == 422


def test_many_scrapers_hold_nobody_up(tmp_path):
    """However many scrape at once, each gets all of it, and what else works in threads is not kept waiting by them."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client("read") as client:
            await house.gateway._keepa.status()
            scrapes = [asyncio.create_task(client.get("/metrics")) for _ in range(40)]
            budget = await client.get("/api/v1/budget")
            unfinished = sum(not each.done() for each in scrapes)
            return budget.status_code, unfinished, await asyncio.gather(*scrapes)

    status, unfinished, answers = run(main())
    assert status == 200
    assert unfinished > 0  # it did not wait for all of them
    assert {(each.status_code, each.text.count("keepahead_tokens_balance ")) for each in answers} == {(200, 1 + 2)}


def test_waiting_is_measured_from_its_beginning(tmp_path):
    """A call that waits for its refill is in the queue, and then in the histogram with the time that it waited."""

    async def main():
        async with GatewayHouse(tmp_path, balance=30).opened() as house, house.client("read") as client:
            await house.gateway._keepa.status()
            began = house.clock.now()
            work = asyncio.create_task(spender(house, "patient", max_wait_seconds=600).best_sellers(283155))
            await house.clock.sleep_async(5)
            during = await scrape(client)
            await work
            waited = (house.clock.now() - began).total_seconds()
            await counted(house)
            return during, waited, await scrape(client)

    during, waited, after = run(main())
    assert waited > 20
    assert during.values("keepahead_calls_waiting", lane="live") == [1]
    assert after.values("keepahead_calls_waiting", lane="live") == [0]
    assert after.values("keepahead_wait_seconds_count", lane="live") == [1]
    assert after.values("keepahead_wait_seconds_sum", lane="live") == [pytest.approx(waited, abs=1)]


def test_lost_calls_and_strangers_show(tmp_path):
    """A lost answer is an outcome and is held as unknown; what somebody else spends on the key is counted."""

    async def lost():
        house = GatewayHouse(tmp_path / "lost", balance=500, faults=Faults(drop_percent=100))
        async with house.opened() as opened, opened.client("read") as client:
            opened.simulator.faults = Faults()
            await opened.gateway._keepa.status()
            opened.simulator.faults = Faults(drop_percent=100)
            with pytest.raises(KeepaError):
                await spender(opened, "person").best_sellers(283155)
            await counted(opened)
            return await scrape(client)

    async def external():
        house = GatewayHouse(tmp_path / "external", balance=500, outsider=Outsider(60))
        async with house.opened() as opened, opened.client("read") as client:
            for number in range(6):
                await spender(opened, "person").products([f"B0{number:08d}"], max_age=0)
                await opened.clock.sleep_async(120)
            await counted(opened)
            with opened.books() as (_, record):
                return await scrape(client), record.today(opened.clock.now()).external

    for name in ("lost", "external"):
        (tmp_path / name).mkdir()
    found = run(lost())
    assert found.values("keepahead_calls_total", outcome="lost", endpoint="bestsellers") == [1]
    assert found.values("keepahead_tokens_held", state="unknown") == [50]
    found, spent = run(external())
    assert found.values("keepahead_tokens_external_total") == [spent]
    assert spent > 0


def test_what_a_person_wrote_is_no_label(tmp_path):
    """A freeze's words are the reason of a refusal in the ledger; as a label they are not."""

    async def main():
        async with GatewayHouse(tmp_path, balance=500).opened() as house, house.client("read") as client:
            with house.books() as (ledger, _):
                freeze = Freeze(
                    freeze_id=0, words="until Monday, says Ann", made_at=house.clock.now(), endpoints=("bestsellers",)
                )
                Rulebook(ledger.database, ledger.fingerprint).freeze(freeze)
            with pytest.raises(FrozenError):
                await spender(house, "person").best_sellers(283155)
            await counted(house)
            return await client.get("/metrics")

    answer = run(main())
    assert "Ann" not in answer.text
    assert Scraped(answer.text).values("keepahead_refusals_total", reason="frozen") == [1]


def test_two_gateways_on_one_ledger_say_the_same(tmp_path):
    """Each counts what all of them spent, once; and they share no state in one process."""

    async def main():
        first, second = (GatewayHouse(tmp_path, balance=500) for _ in range(2))
        second.simulator = first.simulator
        async with first.opened() as one, second.opened() as two:
            two.keys = one.keys
            async with one.client("read") as client, two.client("read") as other:
                await spender(one, "person").products(["B0D8W1YVBX"])
                await spender(two, "nightly", JOBS).products(["B0F7XPYCSJ"])
                await counted(one)
                await counted(two)
                return await scrape(client), await scrape(other)

    ours, theirs = run(main())
    for name in ("keepahead_tokens_consumed_total", "keepahead_calls_total", "keepahead_tokens_balance"):
        assert sorted(ours.values(name)) == sorted(theirs.values(name))
    assert ours.values("keepahead_tokens_consumed_total", caller="nightly") == [1]
    assert ours.sum("http_server_request_duration_seconds_count") == 0  # of the other one's requests none


def test_counters_never_fall(tmp_path):
    """Whatever happens, entries put away included, no later scrape shows less than one before."""

    async def main():
        scrapes: list[Scraped] = []
        async with GatewayHouse(tmp_path, rate=5, balance=100).opened() as house, house.client("read") as client:
            for number in range(8):
                await spender(house, f"program-{number % 3}").products([f"B0{number:08d}"], max_age=0)
                with pytest.raises(InsufficientTokensError):
                    await spender(house, "nightly", JOBS).lightning_deals(None, max_age=0)
                await house.clock.sleep_async(600)
                if number == 6:
                    with house.books() as (ledger, _):
                        assert Audit(ledger.database, ledger.fingerprint).fold(house.clock.now()) > 0
                await counted(house)
                scrapes.append(await scrape(client))
        return scrapes

    scrapes = run(main())
    for before, after in itertools.pairwise(scrapes):
        later = after.counters()
        assert all(later[key] >= value for key, value in before.counters().items())
    assert scrapes[-1].sum("keepahead_tokens_consumed_total", endpoint="product") == 8


def test_many_entries_are_counted_with_one_look(tmp_path):
    """More entries than are read at a time are all counted by the next look, each once."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client("read") as client:
            with house.books() as (ledger, _):
                now = house.clock.now()
                ledger.observe(Meter(now, now, now, 100_000, 10_000, 30_000), now)
                for number in range(PAGE):
                    label = Label(f"call{number}", "product", "live", "person")
                    ask = Ask(label=label, lane=LIVE, shape="", tokens_max=2, items=1, opened_at=now)
                    ledger.reserve(ask, now)
                    ledger.settle(label.call_id, 1, Meter(now, now, now, 100_000, 10_000, 30_000), now)
            await counted(house)
            return await scrape(client)

    found = run(main())
    assert found.values("keepahead_tokens_reserved_total") == [2 * PAGE]
    assert found.values("keepahead_tokens_consumed_total") == [PAGE]
    assert found.values("keepahead_calls_total", outcome="settled") == [PAGE]


def test_who_has_spent_before_begins_at_zero(tmp_path):
    """After a restart counters begin anew, at zero for who spent yesterday: his next token is seen to be one more."""

    async def main():
        async with GatewayHouse(tmp_path, balance=500).opened() as house:
            await spender(house, "person").products(["B0D8W1YVBX"])
            keys = house.keys
        async with GatewayHouse(tmp_path, balance=500).opened() as house:
            house.keys = keys
            async with house.client("read") as client:
                before = await scrape(client)
                await spender(house, "person").products(["B0F7XPYCSJ"])
                await counted(house)
                return before, await scrape(client)

    before, after = run(main())
    labels = {"endpoint": "product", "caller": "person", "lane": "live"}
    assert before.values("keepahead_tokens_consumed_total", **labels) == [0]
    assert after.values("keepahead_tokens_consumed_total", **labels) == [1]


def test_the_last_entries_are_counted_before_it_ends(tmp_path):
    """Whoever is sent the metrics at the end is sent all: what was written since the last look is counted first."""

    async def main():
        async with GatewayHouse(tmp_path, balance=500).opened() as house:
            await spender(house, "person").products(["B0D8W1YVBX"])
        return house.app.state.metrics

    metrics = run(main())
    assert sum(sums["consumed"] for sums in metrics._counts.groups.values()) == 1


def test_labels_are_few_whatever_is_asked(tmp_path):
    """Made-up paths, methods and callers in numbers make no labels in numbers, and no key gets into any."""

    async def main():
        async with GatewayHouse(tmp_path, balance=500).opened() as house, house.client("spend") as client:
            for number in range(40):
                await client.get(f"/no/{number}?key={'q' * 64}")
                await client.get(f"/keepa/nothing{number}")
                await client.request(f"GET{number}", "/metrics")
                await client.get(f"/api/v1/products/B0{number:08d}")
            await counted(house)
            return await client.get("/metrics")

    answer = run(main())
    found = Scraped(answer.text)
    assert "qqqq" not in answer.text
    assert len(found.values("http_server_request_duration_seconds_count")) <= 6
    assert found.sum("http_server_request_duration_seconds_count", http_route="/api/v1/products/{asin}") == 40
    assert found.sum("http_server_request_duration_seconds_count", http_route="none") == 40
    assert {sample.labels["endpoint"] for sample in found.samples if "endpoint" in sample.labels} <= ENDPOINTS


def test_a_ledger_that_is_away_is_told(tmp_path):
    """While the ledger cannot be read the scrape still answers, and says since when; nothing is counted twice."""

    async def main():
        async with GatewayHouse(tmp_path, balance=500).opened() as house, house.client("read") as client:
            await spender(house, "person").products(["B0D8W1YVBX"])
            await counted(house)
            database = open_database(house.database_url)
            with database.write() as connection:
                connection.execute(text("ALTER TABLE entries RENAME TO gone"))
            with database.write() as connection:
                connection.execute(text("ALTER TABLE accounts RENAME TO gone_too"))
            await house.clock.sleep_async(40)
            body, _ = await house.app.state.metrics.scrape("")
            away = Scraped(body.decode())
            with database.write() as connection:
                connection.execute(text("ALTER TABLE gone RENAME TO entries"))
            with database.write() as connection:
                connection.execute(text("ALTER TABLE gone_too RENAME TO accounts"))
            database.close()
            await counted(house)
            return away, await scrape(client)

    away, back = run(main())
    assert away.values("keepahead_ledger_age_seconds")[0] > 30
    assert away.values("keepahead_tokens_consumed_total", endpoint="product") == [1]
    assert back.values("keepahead_ledger_age_seconds")[0] < 2
    assert back.values("keepahead_tokens_consumed_total", endpoint="product") == [1]
