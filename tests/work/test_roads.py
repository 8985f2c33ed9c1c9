"""The roads: what each applies itself, what it costs, when it is taken, and why not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.house import START

from keepahead import InvalidCallError
from keepahead.keepa.selections import check_deal
from keepahead.keepa.times import to_keepa_minutes
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.plan import DiscoveryPlan, plan_discovery
from keepahead.work.discovery.roads import SORTS, deal_selection

BEAUTY = 3760911
WISH = Criteria(domain=1, category=BEAUTY, rank=(1, 20_000), new_price=(1000, None))
FALLEN = Criteria(domain=1, category=BEAUTY, price_drop=(20, None), changed_within_hours=12)


def plan(criteria: Criteria, **options) -> DiscoveryPlan:
    """Plan at the start."""
    return plan_discovery(criteria, now=START, **options)


def selection(criteria: Criteria) -> dict:
    """The finder's selection."""
    return plan(criteria, road="finder").road.steps[-2].calls[0].filters


def test_the_selection():
    """Criteria become one finder page, with only the filters that were wished."""
    assert selection(WISH) == {
        "rootCategory": [BEAUTY],
        "current_SALES_gte": 1,
        "current_SALES_lte": 20_000,
        "current_NEW_gte": 1000,
        "sort": [["current_SALES", "asc"]],
        "page": 0,
        "perPage": 50,
    }


def test_every_criterion_has_a_filter():
    """The finder applies all but a branch; an upper end brings a lower one, for Keepa writes "none" as -1."""
    chosen = selection(
        Criteria(
            domain=3,
            subcategory=5,
            amazon_price=(None, 900),
            used_price=(1, 2),
            buy_box_price=(3, None),
            fba_price=(None, 4),
            rating=(42, None),
            reviews=(None, 9),
            new_offers=(2, 3),
            used_offers=(None, 1),
            fba_offers=(1, None),
            rank_drops_30=(1, None),
            rank_drops_90=(2, None),
            rank_drops_180=(3, None),
            sold=(50, None),
            price_drop=(None, 30),
            changed_within_hours=24,
            amazon_in_stock=True,
            brands=("Acme",),
            brands_excluded=("Bolt",),
            title="serum",
            sort="-price",
        )
    )
    assert chosen == {
        "categories_include": [5],
        "current_AMAZON_gte": 0,
        "current_AMAZON_lte": 900,
        "current_USED_gte": 1,
        "current_USED_lte": 2,
        "current_BUY_BOX_SHIPPING_gte": 3,
        "current_NEW_FBA_gte": 0,
        "current_NEW_FBA_lte": 4,
        "current_RATING_gte": 42,
        "current_COUNT_REVIEWS_gte": 0,
        "current_COUNT_REVIEWS_lte": 9,
        "current_COUNT_NEW_gte": 2,
        "current_COUNT_NEW_lte": 3,
        "current_COUNT_USED_gte": 0,
        "current_COUNT_USED_lte": 1,
        "offerCountFBA_gte": 1,
        "salesRankDrops30_gte": 1,
        "salesRankDrops90_gte": 2,
        "salesRankDrops180_gte": 3,
        "monthlySold_gte": 50,
        "deltaPercent90_NEW_lte": 30,
        "lastPriceChange_NEW_gte": to_keepa_minutes(START) - 24 * 60,
        "availabilityAmazon": [0],
        "title": "serum",
        "brand": ["Acme", "✜Bolt"],
        "sort": [["current_NEW", "desc"]],
        "page": 0,
        "perPage": 50,
    }


@given(most=st.integers(1, 4_000), rating=st.booleans(), sort=st.sampled_from(sorted(SORTS)))
def test_the_cost_is_the_sum_of_its_steps(most, rating, sort):
    """One token for the category, a page as large as needed, and one in ten more products than wanted."""
    planned = plan(replace(WISH, max_results=most, with_rating=rating, sort=sort), road="finder")
    lookups = most + -(-most // 10)
    page = max(50, lookups)
    assert planned.tokens_max == 1 + 10 + -(-page // 100) + lookups * (2 if rating else 1)
    assert planned.cost.tokens_min == 0  # all of it may lie in the archive
    assert planned.cost.tokens_min <= planned.cost.tokens_likely <= planned.tokens_max


@pytest.mark.parametrize(
    ("criteria", "road"),
    [
        (WISH, "finder"),
        (Criteria(domain=1, title="serum"), "finder"),
        (
            replace(WISH, new_price=(None, None), max_results=6_000),
            "best-sellers",
        ),  # a page would cost 76
        (replace(WISH, new_price=(None, None), max_results=6_000, sort="price"), "finder"),
        (Criteria(domain=1, branch=11060451), "best-sellers"),
        (FALLEN, "deals"),
        (replace(FALLEN, rank_drops_30=(5, None)), "finder"),  # deals do not show it, so ten would be looked up for one
        (replace(FALLEN, changed_within_hours=24), "finder"),
        (replace(FALLEN, price_drop=(5, None)), "finder"),
        (replace(FALLEN, sort="sold"), "finder"),
        (replace(FALLEN, domain=12), "finder"),
    ],
)
def test_the_cheapest_road_that_answers_is_taken(criteria, road):
    """A road is taken by itself only if it shows all that meets the criteria, in the order that is asked for."""
    planned = plan(criteria)
    assert planned.road.name == road
    assert planned.because[0].startswith(f"{road}: the ")


def test_the_archive_is_a_road():
    """It is taken where any order will do and enough are known to fit; it costs nothing."""
    archived = [f"B{number:09d}" for number in range(20)]
    planned = plan(replace(WISH, sort="any"), archived=archived)
    assert (planned.road.name, planned.tokens_max, planned.archived) == ("archive", 0, tuple(archived))
    assert plan(WISH, archived=archived).road.name == "finder"
    assert "not archive: it cannot know what comes first at Keepa" in plan(WISH, archived=archived).because
    short = plan(replace(WISH, sort="any"), archived=archived[:19])
    assert short.road.name == "finder"
    assert plan(WISH, archived=archived, road="archive").road.name == "archive"


def test_a_road_that_is_asked_for():
    """It is taken even if it shows less, and says so; one that cannot be taken says why."""
    planned = plan(WISH, road="deals")
    assert planned.because[0] == "deals: asked for"
    assert planned.because[-1] == "deals are only what changed within 12 hours"
    for criteria, road, why in (
        (replace(WISH, domain=12), "best-sellers", "not available"),
        (Criteria(domain=1, rank=(1, 9)), "best-sellers", "without a category"),
        (Criteria(domain=1, branch=5), "finder", "listed directly in it"),
        (WISH, "archive", "nothing in the archive"),
    ):
        with pytest.raises(InvalidCallError, match=why) as closed:
            plan(criteria, road=road)
        assert closed.value.code == "road_closed"
    with pytest.raises(InvalidCallError, match="not of price") as none:
        plan(Criteria(domain=1, branch=5, sort="price"))
    assert none.value.code == "no_road"


@pytest.mark.parametrize("road", ["finder", "best-sellers", "deals"])
def test_what_a_road_does_not_apply_the_details_decide(road):
    """Whatever a road leaves, its details carry; more is looked up then, at what the options cost."""
    criteria = replace(FALLEN, fba_price=(100, None), rating=(40, 45), buy_box_price=(100, None), with_rating=False)
    planned = plan(criteria, road=road)
    assert planned.road.carried >= set(criteria.given) - planned.road.applies
    offers = {"stats": 90, "history": True, "offers": 20, "only_live_offers": True}
    assert planned.road.options == ({"stats": 90, "history": True} if road == "finder" else offers)
    assert planned.road.lookups_max == (200 if road == "best-sellers" else 22)


def test_the_deals_selection():
    """Keepa's switches are on where they are needed, and every selection is one that Keepa takes."""
    assert deal_selection(FALLEN, 1) == {
        "page": 1,
        "domainId": 1,
        "priceTypes": [1],
        "dateRange": 3,
        "sortType": 3,
        "deltaPercentRange": [20, 100],
        "includeCategories": [BEAUTY],
        "isRangeEnabled": True,
        "isFilterEnabled": True,
    }
    every = Criteria(domain=1, subcategory=5, rank=(None, 9), new_price=(1, None), rating=(40, None), title="x",
                     brands=("A",), amazon_in_stock=False)  # fmt: skip
    chosen = deal_selection(every, 0)
    check_deal(chosen)
    assert (chosen["salesRankRange"], chosen["currentRange"], chosen["minRating"]) == ([1, 9], [1, 2**31 - 1], 40)
    assert chosen["mustNotHaveAmazonOffer"]
