"""The virtual day of the bench, in small: it is always the same, and every way answers all of it."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from bench.day import spend_day
from bench.ways import seconds_to_refill
from bench.workday import Request, Sizes, workday
from tests.house import START

SMALL = Sizes(watched=8, analyses=6, pool=6, details=5, clicks=12, seller_looks=12, shared=2)


FEW = {"best sellers": 1, "same moment": 8, "watch list": 1}


def excerpt() -> Sequence[Request]:
    """Return the first few requests of each kind from nine o'clock on."""
    kinds: Counter[str] = Counter()
    chosen: list[Request] = []
    for request in workday(SMALL):
        if request.at >= timedelta(hours=9) and kinds[request.kind] < FEW.get(request.kind, 2):
            kinds[request.kind] += 1
            chosen.append(request)
    return chosen


def test_the_day_is_always_the_same() -> None:
    """The same sizes give the same requests in the same order, within one day."""
    day = workday(SMALL)
    assert day == workday(SMALL)
    assert [each.at for each in day] == sorted(each.at for each in day)
    assert all(timedelta() <= each.at < timedelta(days=1) for each in day)
    assert {each.kind for each in day} == {each.kind for each in excerpt()}


def test_each_program_asks_for_one_kind() -> None:
    """What a program spent can be told by what it asked for."""
    day = workday(SMALL)
    assert len({(each.who, each.kind) for each in day}) == len({each.who for each in day})


def test_every_way_answers_every_request(tmp_path: Path) -> None:
    """All comes in full, whichever way it is sent; ours pays for less of it, the package keepa for each category."""
    day = excerpt()
    spent = {way: spend_day(way, day, tmp_path) for way in ("ours", "plainly", "keepa")}
    assert {way: each.answered for way, each in spent.items()} == dict.fromkeys(spent, len(day))
    assert all(sum(each.by_kind.values()) == each.tokens for each in spent.values())
    tokens = {way: each.tokens for way, each in spent.items()}
    assert tokens["ours"] < tokens["plainly"] < tokens["keepa"]


def test_the_package_waits_a_minute_for_each_lump_that_is_lacking() -> None:
    """It waits to the next refill and a second, and longer below zero."""
    told = {"timestamp": START.timestamp() * 1000, "refillIn": 30_000, "refillRate": 20, "tokensLeft": 0}
    assert seconds_to_refill(told, START) == pytest.approx(31)
    assert seconds_to_refill({**told, "tokensLeft": -50}, START) == pytest.approx(31 + 150)
    assert seconds_to_refill(told, START + timedelta(minutes=5)) == 0
