"""Niches: planned first, from the category down to where products are listed, ranked by four scores."""

import json
from typing import Any

import httpx2
import pytest
from tests.house import START, Canned, House, run
from tests.keepa.envelopes import answer
from tests.work.wishes import open_house

from keepahead import InsufficientTokensError, InvalidCallError, MaxTokensError, PartialResultError
from keepahead.keepa.objects import Product
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.niche_scores import NicheMarks, niche_scores, share_left
from keepahead.work.discovery.niches import NichePlan, Niches, gather_niches, niches, plan_niches

BEAUTY = 3760911
WISH = Criteria(domain=1, category=BEAUTY, rank=(None, 20_000), new_price=(1000, 6000))


def plan(criteria: Criteria = WISH, **options: Any) -> NichePlan:
    """Plan at the start."""
    return plan_niches(criteria, now=START, **options)


@pytest.mark.parametrize(
    ("criteria", "options", "code"),
    [
        (Criteria(domain=1, rank=(1, 5)), {}, "one_category"),
        (Criteria(domain=1, subcategory=5), {}, "one_category"),
        (Criteria(domain=1, category=5, branch=6), {}, "one_category"),
        (Criteria(domain=12, category=5), {}, "domain_without_categories"),
        (WISH, {"max_niches": 0}, "out_of_range"),
        (WISH, {"sample": 51}, "out_of_range"),
    ],
)
def test_what_is_refused(criteria, options, code):
    """Niches need one category to look below, where Keepa knows categories, and numbers that can be."""
    with pytest.raises(InvalidCallError) as refused:
        plan(criteria, **options)
    assert refused.value.code == code


def test_the_cost_is_planned():
    """11 calls for categories; 41 and up to 10 for the insights into each niche; 1 for each product of the sample."""
    planned = plan(max_niches=4, sample=3)
    assert planned.tokens_max == 11 + 4 * 51 + 12
    assert planned.insights_tokens_max == 51
    assert planned.cost.tokens_likely == 6 + 4 * 42 + 12


@pytest.mark.parametrize("seed", range(3))
def test_a_plan_holds(tmp_path, seed):
    """Tokens stay within the plan; niches come best first, hold what matches, and what was left out has a reason."""
    house = open_house(tmp_path)
    root = (BEAUTY, 468642, 16310091)[seed % 3]
    criteria = Criteria(domain=1, category=root, rank=(None, 3000), new_price=(500 * seed, None))
    planned = plan(criteria, max_niches=2 + seed, sample=3)

    async def main() -> Niches:
        async with house.keepa() as keepa:
            return await niches(keepa, planned, house.clock)

    found = run(main())
    assert 0 < house.truth().consumed <= planned.tokens_max
    assert 0 < len(found.niches) <= 2 + seed
    totals = [each.scores.total for each in found.niches]
    assert totals == sorted(totals, reverse=True)
    for each in found.niches:
        assert each.name
        assert each.category not in found.skipped
        assert 0 < len(each.sample) <= 3
        assert all(each.category in product["categories"] for product in each.sample)
        assert all(0 <= score <= 100 for score in (each.scores.demand, each.scores.margin, each.scores.stability))


def category(node: int, *children: int, products: int = 100) -> dict[str, Any]:
    """A category."""
    return {"catId": node, "name": f"N{node}", "children": list(children) or None, "productCount": products}


def told(*each: dict[str, Any]) -> httpx2.Response:
    """Categories."""
    return answer(left=900, consumed=1, categories={str(one["catId"]): one for one in each})


def page(*asins: str, **insights: Any) -> httpx2.Response:
    """A finder page with insights."""
    return answer(left=800, consumed=42, asinList=list(asins), totalResults=len(asins), searchInsights=insights)


def looked_for(folder: Any, planned: NichePlan, *answers: object, **limits: Any) -> tuple[Niches, Canned]:
    """Look for niches against these answers."""
    canned = Canned(answer(left=1000, consumed=0), *answers)
    house = House(folder)

    async def main() -> Niches:
        async with house.keepa(transport=canned) as keepa:
            return await niches(keepa, planned, house.clock, **limits)

    return run(main()), canned


SOME = answer(left=700, consumed=1, products=[{"asin": "B000000001", "monthlySold": 100}])


def test_the_way_down(tmp_path):
    """The biggest leaves are looked into; the others are named with their reason, and one too big costs nothing."""
    leaves = [category(21, products=50), category(22, products=11_000_000), category(23, products=40)]
    found, canned = looked_for(
        tmp_path,
        plan(max_niches=1, sample=1),
        told(category(BEAUTY, 20, 23)),
        told(category(20, 21, 22), category(23, products=40)),
        told(*leaves[:2]),
        page("B000000001", avgBuyBox=1000),
        SOME,
    )
    assert [each.category for each in found.niches] == [21]
    assert found.skipped == {22: "too big", 23: "not looked at"}
    selection = json.loads(canned.requests[4].url.params["selection"])
    assert selection["categories_include"] == [21]
    assert "rootCategory" not in selection
    assert canned.requests[4].url.params["stats"] == "1"


def test_what_goes_wrong(tmp_path):
    """A category that does not exist ends it; what cannot be paid for is not begun; what was found is kept."""
    folders = iter(range(9))

    def folder() -> Any:
        path = tmp_path / str(next(folders))
        path.mkdir()
        return path

    with pytest.raises(InvalidCallError, match="there is no category 3760911"):
        looked_for(folder(), plan(), told())
    with pytest.raises(MaxTokensError):
        looked_for(folder(), plan(Criteria(domain=1, category=BEAUTY, max_tokens=290)))
    with pytest.raises(InsufficientTokensError, match="looking for these niches"):
        looked_for(folder(), plan(max_niches=50), max_wait_seconds=5)
    two = told(category(BEAUTY, 21, 22)), told(category(21), category(22))
    with pytest.raises(PartialResultError) as partial:
        looked_for(folder(), plan(sample=1), *two, page("B000000001"), SOME, httpx2.Response(500))
    assert [each.category for each in partial.value.results.niches] == [21]
    found, _ = looked_for(folder(), plan(sample=1), *two, page(), page())
    assert (found.niches, found.skipped) == ((), {21: "nothing fits", 22: "nothing fits"})


def test_an_interrupted_search_is_gathered(tmp_path):
    """From the answers so far the niches are made that were looked into."""
    answers: list[Any] = []
    planned = plan(sample=1)
    house = House(tmp_path)
    canned = Canned(answer(left=1000, consumed=0), told(category(21)), page("B000000001", avgBuyBox=10), SOME)

    async def main() -> None:
        watch = lambda step: answers.append(step.answer) if hasattr(step, "answer") else None  # noqa: E731
        async with house.keepa(transport=canned, watch=watch) as keepa:
            await keepa.categories([21])
            await keepa.find(planned.finder(21).filters, stats=True, allow_unbounded=True, max_tokens=51)
            await keepa.products(["B000000001"])

    run(main())
    (only,) = gather_niches(planned, answers).niches
    assert (only.category, only.name, len(only.sample)) == (21, "N21", 1)
    assert gather_niches(planned, []).niches == ()


def product(**fields: Any) -> Product:
    """A product with a price."""
    current = [-1] * 36
    current[1] = fields.pop("price", 2000)
    return Product(json.dumps({"stats": {"current": current, **fields.pop("stats", {})}, **fields}).encode(), "B")


def test_what_is_left_after_fees():
    """Price less referral and fulfilment, in percent of the price; the referral has a fallback, the rest has none."""
    assert share_left(product(fbaFees={"pickAndPackFee": 400}, referralFeePercentage=8.0)) == 72.0
    assert share_left(product(fbaFees={"pickAndPackFee": 400})) == 65.0
    assert share_left(product(fbaFees=None)) is None
    assert share_left(product(price=-1, fbaFees={"pickAndPackFee": 400})) is None


def test_the_scores():
    """Each score is full or empty at its marks, in between it is in proportion; the total is their weighted mean."""
    insights = {
        "avgOfferCountNew": 10.0,
        "avgReviewCount": 500,
        "soldByAmazonPercent": 50.0,
        "avgBuyBox": 2000,
        "avgBuyBoxDeviation": 300,
        "avgDeltaPercent90BuyBox": -15.0,
    }
    sample = [product(monthlySold=1000, fbaFees={"pickAndPackFee": 700}, referralFeePercentage=20.0)]
    scores = niche_scores(insights, sample, NicheMarks())
    assert (scores.demand, scores.competition, scores.margin, scores.stability) == (100.0, 50.0, 75.0, 50.0)
    assert scores.total == round(100 * 0.35 + 50 * 0.25 + 75 * 0.25 + 50 * 0.15, 1)
    drops = niche_scores({}, [product(stats={"salesRankDrops30": 0})], NicheMarks())
    assert (drops.demand, drops.competition, drops.margin, drops.stability, drops.total) == (0.0, None, None, None, 0.0)
    assert niche_scores({}, [], NicheMarks()).total is None
    worst = niche_scores({"avgOfferCountNew": 99.0, "avgDeltaPercent90BuyBox": 80}, [], NicheMarks())
    assert (worst.competition, worst.stability) == (0.0, 0.0)
