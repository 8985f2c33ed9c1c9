"""A discovery carried out: what it sends, when it stops, what it refuses, and what it keeps when something fails."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.house import START, Canned, House, run
from tests.keepa.envelopes import answer

from keepahead import (
    FrozenError,
    InsufficientTokensError,
    InvalidCallError,
    KeepaRejected,
    MaxTokensError,
    PartialResultError,
)
from keepahead.budget.lane import LIVE
from keepahead.budget.rule import Freeze
from keepahead.budget.status import Status
from keepahead.keepa.objects import Product
from keepahead.keepa.on_behalf import OnBehalf
from keepahead.store.rulebook import Rulebook
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.filters import Rejection, details_sieve
from keepahead.work.discovery.harvest import Discovery, Rejected
from keepahead.work.discovery.plan import check_tokens, forecast, plan_discovery, seconds_until_paid
from keepahead.work.discovery.run import DETAILS_AGE, discover, gather, known_to_fit

ASINS = [f"B{number:09d}" for number in range(400)]
WISH = Criteria(domain=1, rank=(1, 20_000), new_price=(1000, None), max_results=20)
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


def plan(criteria: Criteria = WISH, **options: Any):
    """Plan at the start."""
    return plan_discovery(criteria, now=START, **options)


@pytest.mark.parametrize(
    ("free", "rate", "reduction", "seconds"),
    [(65, 20, 0, 0.0), (64, 20, 0, 30.0), (45, 20, 0, 30.0), (44, 20, 0, 90.3), (44, 20, 19, 30.0 + 20 * 60.3)],
)
def test_when_it_is_paid(free, rate, reduction, seconds):
    """55 tokens above a floor of 10: now, or after so many whole lumps."""
    account = status(free, rate=rate, reduction=reduction)
    assert seconds_until_paid(plan().tokens_max, account, START) == pytest.approx(seconds)
    ahead = forecast(plan().cost, account, START)
    assert (ahead.free, ahead.leaves_likely, ahead.leaves_least) == (free, free - 51, free - 55)
    assert ahead.paid_in_seconds == pytest.approx(seconds)


def test_what_is_refused():
    """Too dear, too late, or never: refused with the numbers; what costs nothing is always paid for."""
    with pytest.raises(MaxTokensError):
        check_tokens(plan(replace(WISH, max_tokens=54)))
    check_tokens(plan(replace(WISH, max_tokens=55)))
    assert seconds_until_paid(0, status(-5, reduction=20), START) == 0.0


def found(*asins: str) -> httpx2.Response:
    """A finder page."""
    return answer(left=900, consumed=11, asinList=list(asins), totalResults=1234)


def product(asin: str, **fields: Any) -> dict[str, Any]:
    """A product that fits the wish, but for what is said."""
    current = [-1] * 36
    current[1], current[3] = fields.pop("price", 1500), fields.pop("rank", 700)
    return {"asin": asin, "domainId": 1, "productType": 0, "stats": {"current": current}, **fields}


def details(change: Callable[[str], dict[str, Any]] = lambda _: {}) -> Callable[[httpx2.Request], httpx2.Response]:
    """The products that were asked for, in another order, changed by ASIN."""

    def respond(request: httpx2.Request) -> httpx2.Response:
        asked = request.url.params["asin"].split(",")
        return answer(left=800, consumed=len(asked), products=[product(a, **change(a)) for a in reversed(asked)])

    return respond


def discovered(folder: Path, criteria: Criteria, *answers: object, **limits: Any) -> tuple[Discovery, Canned]:
    """Run a discovery against these answers."""
    canned = Canned(TOKEN, *answers)
    house = House(folder)
    road = limits.pop("road", None)

    async def main() -> Discovery:
        async with house.keepa(transport=canned, max_concurrency=1) as keepa:
            return await discover(keepa, plan(criteria, road=road), house.clock, **limits)

    return run(main()), canned


def asked(canned: Canned) -> list[tuple[str, int]]:
    """The paths that were asked, each with the number of ASINs."""
    return [
        (request.url.path, len(request.url.params["asin"].split(",")) if "asin" in request.url.params else 0)
        for request in canned.requests
    ]


def test_it_stops_when_it_has_enough(tmp_path):
    """Of a page of 50 only the first 20 are looked up, and come in the finder's order."""
    result, canned = discovered(tmp_path, WISH, found(*ASINS[:50]), details())
    assert result.asins == tuple(ASINS[:20])
    assert (result.total, result.candidates, result.looked_up, result.unseen) == (1234, 50, 20, 30)
    assert result.ended == "enough"
    assert asked(canned) == [("/token", 0), ("/query", 0), ("/product", 20)]
    assert canned.requests[-1].url.params["history"] == "0"


def test_what_has_changed_since_is_replaced(tmp_path):
    """A product that no longer fits is left out, with its reason, and the next one is looked up instead."""
    gone = {ASINS[3]: {"price": 900}, ASINS[4]: {"price": -1}}
    result, canned = discovered(tmp_path, WISH, found(*ASINS[:50]), details(lambda asin: gone.get(asin, {})), details())
    assert result.asins == tuple(asin for asin in ASINS[:22] if asin not in gone)
    assert set(result.rejected) == {
        Rejected("new_price", lacks=False, on="details", products=1),
        Rejected("new_price", lacks=True, on="details", products=1),
    }
    assert asked(canned)[2:] == [("/product", 20), ("/product", 2)]


def test_no_more_is_looked_up_than_planned(tmp_path):
    """When hardly anything fits any more, the plan's bound ends it, and what nobody looked at is counted."""
    result, _ = discovered(
        tmp_path, WISH, found(*ASINS[:50]), details(lambda _: {"price": 1}), details(lambda _: {"price": 1})
    )
    assert (result.asins, result.looked_up, result.unseen, result.ended) == ((), 22, 28, "bound")


def test_what_keepa_does_not_deliver_is_named(tmp_path):
    """An ASIN without an answer, and one that Amazon does not know, are counted as such."""
    body = answer(left=800, consumed=3, products=[product(ASINS[0]), product(ASINS[1], productType=4)])
    result, _ = discovered(tmp_path, replace(WISH, max_results=3), found(*ASINS[:3]), body)
    assert (result.asins, result.undelivered, result.ended) == ((ASINS[0],), (ASINS[2],), "all seen")
    assert result.rejected == (Rejected("known to Amazon", lacks=False, on="details", products=1),)


def test_nothing_found_needs_no_details(tmp_path):
    """An empty page ends the discovery."""
    result, canned = discovered(tmp_path, WISH, answer(left=990, consumed=10, asinList=[], totalResults=0))
    assert (result.products, result.total, result.candidates, result.ended) == ((), 0, 0, "all seen")
    assert len(canned.requests) == 2


def category(node: int, parent: int = 0) -> httpx2.Response:
    """A category."""
    return answer(left=999, consumed=1, categories={str(node): {"catId": node, "name": "Serums", "parent": parent}})


def test_a_wrong_category_ends_it_at_once(tmp_path):
    """One token tells that a category does not exist, or is no root; nothing else is sent."""
    wish = replace(WISH, category=77)
    for number, (known, code) in enumerate([(answer(left=999, consumed=1, categories={}), "unknown_category"),
                                            (category(77, parent=5), "no_root_category")]):  # fmt: skip
        canned = Canned(TOKEN, known)
        house = House(tmp_path / str(number))
        (tmp_path / str(number)).mkdir()

        async def main(house: House = house, canned: Canned = canned) -> None:
            async with house.keepa(transport=canned) as keepa:
                await discover(keepa, plan(wish), house.clock)

        with pytest.raises(InvalidCallError) as wrong:
            run(main())
        assert (wrong.value.code, wrong.value.parameter) == (code, "category")
        assert asked(canned) == [("/token", 0), ("/category", 0)]


def test_what_is_refused_after_the_category(tmp_path):
    """A refusal says that nothing was sent; once a category was paid for, it is the cause of what is missing."""
    house = House(tmp_path)

    def freeze(_: httpx2.Request) -> httpx2.Response:
        with house.books() as (ledger, _):
            rules = Rulebook(ledger.database, ledger.fingerprint)
            rules.freeze(Freeze(freeze_id=0, words="not now", made_at=START, endpoints=("query",)))
        return category(77)

    async def main() -> None:
        async with house.keepa(transport=Canned(TOKEN, freeze)) as keepa:
            await discover(keepa, plan(replace(WISH, category=77)), house.clock)

    with pytest.raises(PartialResultError) as told:
        run(main())
    assert isinstance(told.value.cause, FrozenError)
    assert (told.value.results.candidates, told.value.results.products) == (0, ())


def test_best_sellers_are_left_beyond_the_rank(tmp_path):
    """The list is looked up from the top until 25 in a row lie beyond the rank that is wanted."""
    wish = Criteria(domain=1, category=77, rank=(None, 1000), max_results=200, with_rating=False)
    listed = answer(left=900, consumed=50, bestSellersList={"asinList": ASINS, "categoryId": 77, "domainId": 1})

    def fields(asin: str) -> dict[str, Any]:
        return {"rank": 900 if asin < ASINS[150] else 1100, "rootCategory": 77}

    answers = [category(77), listed, *[details(fields)] * 4]
    result, canned = discovered(tmp_path, wish, *answers, road="best-sellers")
    assert (len(result.asins), result.ended, result.looked_up) == (150, "beyond the rank", 200)
    assert [path for path, _ in asked(canned)] == ["/token", "/category", "/bestsellers", "/product", "/product"]
    assert result.total == 400


def deals(*each: dict[str, Any]) -> Callable[[httpx2.Request], httpx2.Response]:
    """A page of deals."""
    return lambda _: answer(left=900, consumed=5, deals={"dr": list(each)})


def test_deals_are_sifted_for_free(tmp_path):
    """What a page of deals shows not to fit is never looked up; what it does not show is."""

    def deal(asin: str, offers: int, title: str = "Face serum") -> dict[str, Any]:
        current = [-1] * 36
        current[1], current[3], current[11] = 1500, 700, offers
        return {"asin": asin, "title": title, "current": current, "currentSince": [0] * 36}

    wish = replace(WISH, new_offers=(2, 5), title="serum", max_results=3)
    page = deals(deal(ASINS[0], 9), deal(ASINS[1], 3), deal(ASINS[2], -2), deal(ASINS[3], 3, "Oil"), {"title": "?"})
    result, canned = discovered(
        tmp_path, wish, page, details(lambda asin: {"title": "Serum", "offers": [], **_offers(asin)}), road="deals"
    )
    assert asked(canned)[1:] == [("/deal", 0), ("/product", 2)]
    assert json.loads(canned.requests[1].read())["titleSearch"] == "serum"
    assert result.asins == (ASINS[1],)
    assert set(result.rejected) == {
        Rejected("new_offers", lacks=False, on="deal", products=1),
        Rejected("title", lacks=False, on="deal", products=1),
        Rejected("new_offers", lacks=True, on="details", products=1),
    }


def _offers(asin: str) -> dict[str, Any]:
    current = [-1] * 36
    current[1], current[3], current[11] = 1500, 700, 3 if asin == ASINS[1] else -1
    return {"stats": {"current": current}}


def test_nothing_is_sent_that_cannot_be_paid_for(tmp_path):
    """The finder could be paid for, all of it could not in time: only the free /token was asked."""
    with pytest.raises(InsufficientTokensError):
        discovered(tmp_path, replace(WISH, max_results=1000), max_wait_seconds=60)
    with pytest.raises(MaxTokensError):
        discovered(tmp_path, replace(WISH, max_tokens=54))


def test_what_was_found_is_kept(tmp_path):
    """When details fail, what was found and delivered comes with the error, which names what is missing."""
    with pytest.raises(PartialResultError) as none:
        discovered(tmp_path / "1", WISH, found(*ASINS[:50]), httpx2.Response(500))
    assert (none.value.results.candidates, none.value.results.products, none.value.results.ended) == (50, (), "early")
    assert none.value.results.unseen == 50
    assert none.value.missing == tuple(ASINS[:20])
    assert isinstance(none.value.cause, KeepaRejected)
    with pytest.raises(PartialResultError) as some:
        discovered(tmp_path / "2", replace(WISH, max_results=120), found(*ASINS[:132]), details(), httpx2.Response(500))
    assert some.value.results.asins == tuple(ASINS[:100])
    assert some.value.missing == tuple(ASINS[100:120])
    assert some.value.results.unseen == 32


def test_a_page_that_fails_keeps_what_came_before(tmp_path):
    """The first page of deals is kept when the second fails; a road that fails at once has nothing to keep."""
    wish = replace(WISH, max_results=200)
    page = deals(*({"asin": asin} for asin in ASINS[:150]))
    with pytest.raises(PartialResultError) as partial:
        discovered(tmp_path / "1", wish, page, details(), details(), httpx2.Response(500), road="deals")
    assert partial.value.results.asins == tuple(ASINS[:150])
    assert partial.value.missing == ()
    with pytest.raises(KeepaRejected):
        discovered(tmp_path / "2", wish, httpx2.Response(500))


def test_an_interrupted_discovery_is_gathered(tmp_path):
    """From the answers so far: nothing, what was found, or what was found and delivered."""
    planned, answers = plan(), []
    house = House(tmp_path)

    async def main() -> None:
        canned = Canned(TOKEN, found(*ASINS[:50]), details(lambda a: {"price": 1} if a == ASINS[1] else {}))
        async with house.keepa(transport=canned, watch=lambda step: _keep(step, answers)) as keepa:
            await keepa.send(planned.road.steps[0].calls[0])
            await keepa.products(ASINS[:5], history=False)

    run(main())
    assert gather(planned, []).candidates == 0
    assert gather(planned, answers[:1]).unseen == 50
    result = gather(planned, answers)
    assert result.asins == tuple(ASINS[asin] for asin in (0, 2, 3, 4))
    assert (result.unseen, result.ended, result.total) == (45, "early", 1234)


def _keep(step: Any, answers: list[Any]) -> None:
    if hasattr(step, "answer"):
        answers.append(step.answer)


def test_the_archive_is_a_road(tmp_path):
    """What a discovery has paid for answers the next one for nothing: by the same road, and by the archive alone."""
    house = House(tmp_path, balance=430)
    wish = replace(WISH, category=3760911, new_price=(None, None), max_results=5)

    async def main() -> None:
        async with house.keepa() as keepa:
            assert await known_to_fit(keepa, wish, house.clock) == []
            first = await discover(keepa, plan(wish), house.clock)
            spent = house.truth().consumed
            assert spent > 0
            again = await discover(keepa, plan(wish), house.clock)
            assert again.asins == first.asins
            assert [product.paid_now for product in again.products] == [False] * 5
            saved = (await keepa.status()).saved_today
            fitting = await known_to_fit(keepa, wish, house.clock)
            assert (await keepa.status()).saved_today == saved  # a look before the plan saves nothing
            assert set(first.asins) <= set(fitting)
            planned = plan(replace(wish, sort="any"), archived=fitting)
            assert (planned.road.name, planned.tokens_max) == ("archive", 0)
            found = await discover(keepa, planned, house.clock)
            assert (len(found.products), found.ended) == (5, "enough")
            assert house.truth().consumed == spent
            await keepa.products(ASINS, max_age=0, stats=90)  # the bucket is empty now
            paid = house.truth().consumed - spent
            poor = await discover(keepa, plan(wish), house.clock, max_wait_seconds=0)
            assert (poor.asins, house.truth().consumed) == (first.asins, spent + paid)
            with pytest.raises(InsufficientTokensError):
                await discover(keepa, plan(replace(wish, rank=(1, 9_999))), house.clock, max_wait_seconds=0)
            await house.clock.sleep_async(DETAILS_AGE.total_seconds() + 1)
            assert await known_to_fit(keepa, wish, house.clock) == []
            await discover(keepa, plan(wish), house.clock)
            assert house.truth().consumed == 2 * spent - 1 + paid  # the category is young enough

    run(main())


def test_two_come_back_when_they_were_told(tmp_path):
    """Two discoveries that do not wait are refused, and each is carried out as a whole at the moment it was told."""
    house = House(tmp_path, balance=0)
    moments: list[float] = []

    async def one(keepa: OnBehalf, worst: int) -> None:
        wish = replace(WISH, category=3760911, new_price=(None, None), max_results=5, rank=(1, worst))
        with pytest.raises(InsufficientTokensError, match="this discovery may cost up to") as told:
            await discover(keepa, plan(wish), house.clock, max_wait_seconds=0)
        assert told.value.wait_seconds is not None
        assert told.value.kept_until is not None
        moments.append(told.value.wait_seconds)
        await house.clock.sleep_async(told.value.wait_seconds)
        assert (await discover(keepa, plan(wish), house.clock, max_wait_seconds=0)).ended != "early"

    async def main() -> None:
        async with house.keepa() as client:
            keepa = client.on_behalf_of("somebody", LIVE, keeps_place_for=timedelta(hours=1))
            await asyncio.gather(one(keepa, 50_000), one(keepa, 60_000))

    run(main())
    assert len(set(moments)) == 2


@pytest.mark.parametrize(
    ("criteria", "fields", "rejection"),
    [
        ({"category": 5}, {"rootCategory": 5}, None),
        ({"category": 5}, {}, Rejection("category", lacks=True)),
        ({"subcategory": 5}, {"categories": [4]}, Rejection("subcategory")),
        ({"branch": 5}, {"categoryTree": [{"catId": 5}, {"catId": 6}]}, None),
        ({"branch": 5}, {"categoryTree": None}, Rejection("branch", lacks=True)),
        ({"brands": ("acme",)}, {"brand": "ACME"}, None),
        ({"brands": ("acme",)}, {"brand": None}, Rejection("brands", lacks=True)),
        ({"brands_excluded": ("acme",)}, {"brand": "Acme"}, Rejection("brands_excluded")),
        ({"brands_excluded": ("acme",)}, {}, None),
        ({"amazon_in_stock": True}, {"availabilityAmazon": 0}, None),
        ({"amazon_in_stock": False}, {"availabilityAmazon": -1}, None),
        ({"amazon_in_stock": False}, {"availabilityAmazon": 0}, Rejection("amazon_in_stock")),
        ({"amazon_in_stock": True}, {}, Rejection("amazon_in_stock", lacks=True)),
        ({"title": "serum"}, {"title": "Serum"}, None),
        ({"title": "serum"}, {}, Rejection("title", lacks=True)),
        ({"sold": (50, None)}, {"monthlySold": 50}, None),
        ({"sold": (None, 50)}, {"monthlySold": None}, Rejection("sold", lacks=True)),
        ({"rank_drops_90": (1, None)}, {"stats": {"salesRankDrops90": -1}}, Rejection("rank_drops_90", lacks=True)),
        ({"price_drop": (20, None)}, {"stats": {"current": [0, 80], "avg90": [0, 100]}}, None),
        ({"price_drop": (21, None)}, {"stats": {"current": [0, 80], "avg90": [0, 100]}}, Rejection("price_drop")),
        ({"price_drop": (20, None)}, {"stats": {"current": [0, 80]}}, Rejection("price_drop", lacks=True)),
        ({"changed_within_hours": 1}, {"csv": [None, [0, 5, 99_999_999, 4]]}, None),
        ({"changed_within_hours": 1}, {"csv": [None, [0, 5]]}, Rejection("changed_within_hours")),
        ({"changed_within_hours": 1}, {"csv": [None, None]}, Rejection("changed_within_hours", lacks=True)),
    ],
)
def test_what_the_details_say(criteria, fields, rejection):
    """Each criterion has its own reading of a product; what a product lacks, it does not meet."""
    wish = Criteria(domain=1, **criteria)
    bare = Product(json.dumps(fields).encode(), "B")
    assert details_sieve(wish, START, wish.given).reject(bare) == rejection
