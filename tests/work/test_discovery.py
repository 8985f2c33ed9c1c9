"""Discovery: what it plans, what that costs, what it refuses, and what it keeps when something fails."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.house import START, Canned, House, run
from tests.keepa.envelopes import answer

from keepahead import InsufficientTokensError, InvalidCallError, KeepaRejected, MaxTokensError, PartialResultError
from keepahead.budget.status import Status
from keepahead.work.discovery.plan import SORTS, Wish, check_time, check_tokens, plan_discovery, seconds_until_paid
from keepahead.work.discovery.run import Discovery, discover, gather

ASINS = [f"B{number:09d}" for number in range(120)]
WISH = Wish(domain=1, category=3760911, rank=(1, 20_000), price=(1000, None), max_results=20)
TOKEN = answer(left=1000, consumed=0)


def status(free: int, *, rate: int = 20, reduction: int = 0, next_in: float = 30.0) -> Status:
    """An account with so many free tokens."""
    return Status(
        balance=free,
        free=free,
        capacity=rate * 60,
        refill_rate_per_minute=rate,
        flow_reduction_per_minute=reduction,
        next_refill_at=START + timedelta(seconds=next_in),
        reserved=0,
        unknown=0,
        floor=10,
        full_at=None,
        waiting=0,
        measured_at=START,
    )


def test_the_selection():
    """A wish becomes one finder page, with only the filters that were wished."""
    assert plan_discovery(WISH).finder.filters == {
        "rootCategory": [3760911],
        "current_SALES_gte": 1,
        "current_SALES_lte": 20_000,
        "current_NEW_gte": 1000,
        "sort": [["current_SALES", "asc"]],
        "page": 0,
        "perPage": 50,
    }


@given(most=st.integers(1, 10_000), rating=st.booleans(), sort=st.sampled_from(sorted(SORTS)))
def test_the_cost_is_the_sum_of_its_steps(most, rating, sort):
    """One page as large as needed, at 10 and 1 for each started hundred; each product 1, with its rating 2."""
    plan = plan_discovery(replace(WISH, max_results=most, rating=rating, sort=sort))
    page = max(50, most)
    assert plan.finder.per_page == page
    assert plan.tokens_max == plan.cost.tokens_max == 10 + -(-page // 100) + most * (2 if rating else 1)
    assert plan.cost.tokens_min == 10


@pytest.mark.parametrize("wish", [Wish(domain=1), replace(WISH, max_results=0), replace(WISH, max_results=10_001)])
def test_what_is_no_wish(wish):
    """Without a filter, or with an impossible number of results, there is no plan."""
    with pytest.raises(InvalidCallError):
        plan_discovery(wish)


@pytest.mark.parametrize(
    ("free", "rate", "reduction", "seconds"),
    [(61, 20, 0, 0.0), (60, 20, 0, 30.0), (41, 20, 0, 30.0), (40, 20, 0, 90.3), (40, 20, 19, 30.0 + 20 * 60.3)],
)
def test_when_it_is_paid(free, rate, reduction, seconds):
    """51 tokens above a floor of 10: now, or after so many whole lumps."""
    plan = plan_discovery(WISH)
    assert seconds_until_paid(plan, status(free, rate=rate, reduction=reduction), START) == pytest.approx(seconds)


def test_what_is_refused():
    """Too dear, too late, or never: refused with the numbers."""
    plan = plan_discovery(WISH)
    with pytest.raises(MaxTokensError):
        check_tokens(plan, 50)
    check_tokens(plan, 51)
    check_time(plan, status(40), START, 91)
    with pytest.raises(InsufficientTokensError) as late:
        check_time(plan, status(40), START, 90)
    assert (late.value.free, late.value.tokens_max, late.value.floor) == (40, 51, 10)
    assert late.value.wait_seconds == pytest.approx(90.3)
    with pytest.raises(InsufficientTokensError, match="trackings take the whole refill"):
        check_time(plan, status(40, reduction=20), START, None)


def found(*asins: str) -> httpx2.Response:
    """A finder page."""
    return answer(left=900, consumed=11, asinList=list(asins), totalResults=1234)


def details(request: httpx2.Request) -> httpx2.Response:
    """The products that were asked for."""
    asked = request.url.params["asin"].split(",")
    return answer(left=800, consumed=len(asked), products=[{"asin": asin} for asin in reversed(asked)])


def discovered(folder: Path, wish: Wish, *answers: object, **limits: float) -> tuple[Discovery, Canned]:
    """Run a discovery against these answers."""
    canned = Canned(TOKEN, *answers)
    house = House(folder)

    async def main() -> Discovery:
        async with house.keepa(transport=canned, max_concurrency=1) as keepa:
            return await discover(keepa, plan_discovery(wish), house.clock, **limits)

    return run(main()), canned


def test_it_stops_when_it_has_enough(tmp_path):
    """Of a page of 50 only the first 20 are looked up, and come in the finder's order."""
    result, canned = discovered(tmp_path, WISH, found(*ASINS[:50]), details)
    assert result.asins == tuple(ASINS[:20])
    assert [each.asin for each in result.products] == ASINS[:20]
    assert result.total == 1234
    assert [request.url.path for request in canned.requests] == ["/token", "/query", "/product"]
    assert canned.requests[-1].url.params["history"] == "0"


def test_nothing_found_needs_no_details(tmp_path):
    """An empty page ends the discovery."""
    result, canned = discovered(tmp_path, WISH, answer(left=990, consumed=10, asinList=[], totalResults=0))
    assert result == Discovery((), 0, ())
    assert len(canned.requests) == 2


def test_nothing_is_sent_that_cannot_be_paid_for(tmp_path):
    """The finder could be paid for, all of it could not in time: only the free /token was asked."""
    with pytest.raises(InsufficientTokensError):
        discovered(tmp_path, replace(WISH, max_results=1000), max_wait_seconds=60)
    with pytest.raises(MaxTokensError):
        discovered(tmp_path, WISH, max_tokens=50)


def test_what_was_found_is_kept(tmp_path):
    """When details fail, what was found and delivered comes with the error, which names what is missing."""
    with pytest.raises(PartialResultError) as none:
        discovered(tmp_path / "1", WISH, found(*ASINS[:50]), httpx2.Response(500))
    assert none.value.results == Discovery(tuple(ASINS[:20]), 1234, ())
    assert none.value.missing == tuple(ASINS[:20])
    assert isinstance(none.value.cause, KeepaRejected)
    with pytest.raises(PartialResultError) as some:
        discovered(tmp_path / "2", replace(WISH, max_results=120), found(*ASINS), details, httpx2.Response(500))
    assert [each.asin for each in some.value.results.products] == ASINS[:100]
    assert some.value.missing == tuple(ASINS[100:])


def test_an_interrupted_discovery_is_gathered(tmp_path):
    """From the answers so far: nothing, what was found, or what was found and delivered."""
    plan, answers = plan_discovery(WISH), []
    house = House(tmp_path)

    async def main() -> None:
        canned = Canned(TOKEN, found(*ASINS[:50]), details)
        async with house.keepa(transport=canned) as keepa:
            answers.append(await keepa.send(plan.finder))
            await keepa.products(ASINS[:5], history=False)

    run(main())
    assert gather(plan, []) == Discovery((), 0, ())
    assert gather(plan, answers) == Discovery(tuple(ASINS[:20]), 1234, ())
