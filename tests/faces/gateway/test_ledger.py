"""The record over HTTP: pages, filters, sums, streams, one call's life; and callers and archive beside it."""

import json

import pytest
from tests.gateway_house import GatewayHouse
from tests.house import run

from keepahead.budget.lane import JOBS, LIVE
from keepahead.errors import InsufficientTokensError
from keepahead.store.record import Filter

NDJSON = {"Accept": "application/x-ndjson"}


async def spend_a_little(house: GatewayHouse) -> None:
    """Make entries of all the common kinds: paid, saved, refused; by two callers in two lanes."""
    nightly = house.gateway._keepa.on_behalf_of("nightly", JOBS, max_wait_seconds=0)
    person = house.gateway._keepa.on_behalf_of("person", LIVE, max_wait_seconds=0)
    await person.products(["B0D8W1YVBX", "B0F7XPYCSJ"])
    await person.products(["B0D8W1YVBX"])
    await nightly.search_categories("coffee")
    with pytest.raises(InsufficientTokensError):
        await nightly.best_sellers(283155)
    house.gateway._keepa.ledger.flush()


def ask(tmp_path, *paths: str, balance: int = 130, headers=None):
    """Return what the gateway answers to each path, and all entries of its ledger."""

    async def main():
        async with GatewayHouse(tmp_path, balance=balance).opened() as house, house.client("read") as client:
            await spend_a_little(house)
            found = [await client.get(path, headers=headers) for path in paths]
            with house.books() as (_, record):
                return found, list(record.lines(Filter(), limit=1000))

    return run(main())


def test_pages_hold_every_entry_once(tmp_path):
    """Following next_cursor, or the Link header, gives all entries, newest first, each once; the last page has none."""

    async def main():
        async with GatewayHouse(tmp_path, balance=130).opened() as house, house.client("read") as client:
            await spend_a_little(house)
            seqs, links = [], 0
            url: str | None = "/api/v1/ledger?limit=3"
            while url is not None:
                page = await client.get(url)
                seqs += [entry["seq"] for entry in page.json()["entries"]]
                link = page.links.get("next", {}).get("url")
                cursor = page.json()["next_cursor"]
                assert (link is None) == (cursor is None)
                assert link is None or f"cursor={cursor}" in link
                await house.gateway._keepa.on_behalf_of("late", LIVE).products(["B0D8W1YVBX"], max_age=0)  # newer ones
                url, links = link, links + 1
            with house.books() as (_, record):
                return seqs, links, [line.seq for line in record.lines(Filter(), limit=1000)]

    seqs, links, every = run(main())
    assert links > 2
    assert seqs == [seq for seq in every if seq <= seqs[0]]


def test_filters_leave_what_is_asked_for(tmp_path):
    """Endpoint, caller, lane, kind, call and time each leave the entries that they name, and no others."""
    (paid, saved, jobs, refused, late, none), every = ask(
        tmp_path,
        "/api/v1/ledger?endpoint=product&kind=settled",
        "/api/v1/ledger?kind=served_from_archive",
        "/api/v1/ledger?lane=jobs&caller=nightly",
        "/api/v1/ledger?kind=refusal",
        "/api/v1/ledger?since=1h",
        "/api/v1/ledger?until=2026-11-22T20:00:00Z",
    )
    assert [(entry["caller"], entry["tokens"]) for entry in paid.json()["entries"]] == [("person", 2)]
    assert paid.json()["entries"][0]["shape"] == "product 2 products domain=1"
    assert [entry["tokens"] for entry in saved.json()["entries"]] == [1]
    assert {entry["caller"] for entry in jobs.json()["entries"]} == {"nightly"}
    assert [entry["tokens"] for entry in refused.json()["entries"]] == [50]
    assert len(late.json()["entries"]) == len(every)
    assert none.json() == {"entries": [], "next_cursor": None}


def test_sums_say_who_spent_what(tmp_path):
    """Sums by endpoint, caller, lane and hour add up to the same."""
    found, _ = ask(tmp_path, *(f"/api/v1/ledger/sums?by={by}" for by in ("endpoint", "caller", "lane", "hour")))
    for answer in found:
        totals = answer.json()["totals"]
        assert sum(each["charged"] for each in totals) == 3
        assert sum(each["saved"] for each in totals) == 1
        assert sum(each["refused"] for each in totals) == 1
    assert {each["group"]: each["charged"] for each in found[1].json()["totals"]} == {"person": 2, "nightly": 1}


def test_a_stream_holds_the_matching_entries(tmp_path):
    """With Accept: application/x-ndjson all matching entries come, oldest first, a document a line."""
    (stream, filtered, page), every = ask(
        tmp_path, "/api/v1/ledger", "/api/v1/ledger?caller=nightly", "/api/v1/ledger?caller=nightly", headers=NDJSON
    )
    assert stream.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in stream.text.splitlines()]
    assert [line["seq"] for line in lines] == sorted(line.seq for line in every)
    assert {json.loads(line)["caller"] for line in filtered.text.splitlines()} == {"nightly"}
    assert page.text == filtered.text


def test_a_long_stream_is_read_page_by_page(tmp_path):
    """Thousands of entries come whole and in order, though only some hundred are in memory at a time."""

    async def main():
        async with GatewayHouse(tmp_path, balance=130).opened() as house, house.client("read") as client:
            keepa = house.gateway._keepa.on_behalf_of("person", LIVE)
            await keepa.products(["B0D8W1YVBX"])
            for _ in range(1200):
                await keepa.products(["B0D8W1YVBX"])
            house.gateway._keepa.ledger.flush()
            answer = await client.get("/api/v1/ledger?kind=served_from_archive", headers=NDJSON)
            return [json.loads(line)["seq"] for line in answer.text.splitlines()]

    seqs = run(main())
    assert len(seqs) == 1200
    assert seqs == sorted(seqs)


def test_the_life_of_a_call(tmp_path):
    """A call is told from its reservation to its end, with what it was held for and what it cost."""

    async def main():
        async with GatewayHouse(tmp_path, balance=130).opened() as house, house.client("read") as client:
            await spend_a_little(house)
            paid = (await client.get("/api/v1/ledger?kind=settled&endpoint=product")).json()["entries"][0]
            refused = (await client.get("/api/v1/ledger?kind=refusal")).json()["entries"][0]
            ids = (paid["call_id"], refused["call_id"], "nobody", paid["call_id"][:-1])
            return [await client.get(f"/api/v1/calls/{each}") for each in ids]

    paid, refused, unknown, beginning = run(main())
    told = paid.json()
    assert (told["state"], told["tokens_reserved"], told["tokens_charged"]) == ("settled", 2, 2)
    assert [entry["kind"] for entry in told["entries"]] == ["reserved", "settled"]
    assert told["began_at"] <= told["ended_at"]
    assert (refused.json()["state"], refused.json()["tokens_charged"]) == ("refusal", 0)
    assert unknown.status_code == beginning.status_code == 404
    assert unknown.json()["type"] == "/problems/not-found"


BAD = {
    "cursor=nonsense": "cursor",
    "cursor=YmVmb3JlIC0x": "cursor",
    "limit=0": "limit",
    "limit=1001": "limit",
    "endpoint=produkt": "endpoint",
    "kind=paid": "kind",
    "lane=fast": "lane",
    "since=yesterday": "since",
    "until=2026-13-01": "until",
    "since=99999999999d": "since",
    "caller=%20": "caller",
    "call=%25": "call",
}


def test_bad_filters_are_named(tmp_path):
    """A filter that cannot be meant is refused by its name, with what would be right where that can be known."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client("read") as client:
            return [await client.get(f"/api/v1/ledger?{query}") for query in BAD]

    found = run(main())
    assert [answer.status_code for answer in found] == [422] * len(BAD)
    assert [answer.json()["errors"][0]["parameter"] for answer in found] == list(BAD.values())
    assert "did you mean product?" in found[4].json()["detail"]


def test_callers_and_archive(tmp_path):
    """Callers are told with what they spent and may spend, the archive with what it holds and saved."""
    (callers, archive), _ = ask(tmp_path, "/api/v1/callers", "/api/v1/archive")
    spent = {each["caller"]: each["spent_hour"] for each in callers.json()["callers"]}
    assert spent == {"nightly": 1, "person": 2}
    assert callers.json()["hour_ends_at"] == "2026-11-22T21:00:00Z"
    told = archive.json()
    assert {part["endpoint"]: part["items"] for part in told["archive"]["parts"]}["product"] == 2
    assert told["saved_today"] == 1
