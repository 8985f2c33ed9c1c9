"""Finder, best sellers, deals and searches truly filter and sort."""

from typing import Any

import pytest
from tests.simulator.house import House

from keepahead.simulator.catalogue.taxonomy import id_in

DOMAIN = 9
GAMES = id_in(DOMAIN, 468642)


def stored(house: House, asins: list[str], **options: object) -> list[dict[str, Any]]:
    """Return products as the database holds them, in the order asked."""
    found: dict[str, dict[str, Any]] = {}
    for first in range(0, len(asins), 100):
        asked: dict[str, Any] = {
            "asin": ",".join(asins[first : first + 100]),
            "domain": DOMAIN,
            "update": -1,
            "stats": 90,
        }
        for body in house.ask("/product", **asked, rating=1, buybox=1, **options)["products"]:
            found[body["asin"]] = body
    return [found[asin] for asin in asins]


def find(house: House, **selection: Any) -> list[dict[str, Any]]:
    """Run the finder in Video Games and return the stored products that it names."""
    asked = {"rootCategory": [GAMES], "perPage": 50} | selection
    return stored(house, house.ask("/query", asked, domain=DOMAIN)["asinList"][:8], history=0)


CHECKS: list[tuple[dict[str, Any], Any]] = [
    ({"current_NEW_gte": 2000, "current_NEW_lte": 4000}, lambda p: 2000 <= p["stats"]["current"][1] <= 4000),
    ({"current_SALES_gte": 500, "current_SALES_lte": 9000}, lambda p: 500 <= p["stats"]["current"][3] <= 9000),
    ({"avg90_SALES_lte": 3000}, lambda p: p["stats"]["avg90"][3] <= 3000),
    ({"avg30_NEW_gte": 5000}, lambda p: p["stats"]["avg30"][1] >= 5000),
    ({"avg365_BUY_BOX_SHIPPING_lte": 3000, "current_SALES_lte": 5000}, lambda p: 0 <= p["stats"]["avg365"][18] <= 3000),
    (
        {"deltaPercent90_NEW_gte": 10},
        lambda p: p["stats"]["avg90"][1] - p["stats"]["current"][1] >= 0.095 * p["stats"]["avg90"][1],
    ),
    ({"salesRankDrops90_gte": 20}, lambda p: p["stats"]["salesRankDrops90"] >= 20),
    ({"current_RATING_gte": 42}, lambda p: p["stats"]["current"][16] >= 42),
    ({"current_COUNT_REVIEWS_gte": 100}, lambda p: p["stats"]["current"][17] >= 100),
    ({"current_COUNT_NEW_lte": 3}, lambda p: 0 <= p["stats"]["current"][11] <= 3),
    ({"isLowest90_NEW": True}, lambda p: p["stats"]["isLowest90"][1]),
    ({"isLowest_NEW": True}, lambda p: p["stats"]["isLowest"][1]),
    ({"monthlySold_gte": 300}, lambda p: p["monthlySold"] >= 300),
    ({"availabilityAmazon": [0]}, lambda p: p["stats"]["current"][0] >= 0),
    ({"availabilityAmazon": -1}, lambda p: p["stats"]["current"][0] == -1),
    ({"hasParentASIN": True}, lambda p: p["parentAsin"] is not None),
    ({"hasParentASIN": False}, lambda p: p["parentAsin"] is None),
    (
        {"packageWeight_lte": 500, "packageLength_gte": 100},
        lambda p: p["packageWeight"] <= 500 <= 5 * p["packageLength"],
    ),
    ({"title": "game -racing"}, lambda p: "game" in p["title"].lower() and "racing" not in p["title"].lower()),
    ({"color": ["red", "Blue"]}, lambda p: p["color"] in {"Red", "Blue"}),
    ({"color": ["✜Red"]}, lambda p: p["color"] != "Red"),
    ({"buyBoxIsAmazon": True}, lambda p: p["stats"]["buyBoxIsAmazon"]),
    ({"buyBoxIsUnqualified": True}, lambda p: p["stats"]["buyBoxSellerId"] == "-1"),
    ({"outOfStockPercentage90_gte": 20}, lambda p: p["stats"]["outOfStockPercentage90"][0] >= 20),
    ({"productType": [0]}, lambda p: p["productType"] == 0),
    ({"fbaFees_lte": 700}, lambda p: p["fbaFees"]["pickAndPackFee"] <= 700),
    ({"totalOfferCount_gte": 15}, lambda p: p["stats"]["totalOfferCount"] >= 15),
]


@pytest.mark.parametrize(("selection", "holds"), CHECKS, ids=[",".join(check[0]) for check in CHECKS])
def test_filters(house: House, selection: dict[str, Any], holds: Any) -> None:
    """Each product that a filter lets through carries, in its own object, what the filter asks; some are left out."""
    body = house.ask("/query", {"rootCategory": [GAMES]} | selection, domain=DOMAIN)
    assert 0 < body["totalResults"] < len(house.simulator.catalogue.index(DOMAIN)[11])
    assert all(holds(product) for product in stored(house, body["asinList"][:8], history=0))


def test_filter_leaves_out_only_the_others(house: House) -> None:
    """Nothing that fits is missed: the finder agrees with a look at every product of a category."""
    asins = house.ask("/bestsellers", domain=DOMAIN, category=GAMES, variations=1)["bestSellersList"]["asinList"][:200]
    prices = {body["asin"]: body["stats"]["current"] for body in stored(house, asins, history=0)}
    fitting = {asin for asin, now in prices.items() if 0 <= now[1] <= 3000 and 0 < now[3] <= 5000}
    asked = {"rootCategory": [GAMES], "current_NEW_lte": 3000, "current_SALES_lte": 5000, "perPage": 10_000}
    found = set(house.ask("/query", asked, domain=DOMAIN)["asinList"])
    assert fitting == found & set(prices)
    assert len(fitting) > 10


def test_unknown_filter(house: House) -> None:
    """A filter that Keepa does not know changes nothing."""
    asked = {"rootCategory": [GAMES]}
    plain = house.ask("/query", asked, domain=DOMAIN)
    assert house.ask("/query", asked | {"shinyness_gte": 3}, domain=DOMAIN)["totalResults"] == plain["totalResults"]


def test_sorting_and_pages(house: House) -> None:
    """Results are sorted as asked, by rank when nothing is asked, and pages follow each other without a gap."""
    ranks = [product["stats"]["current"][3] for product in find(house)]
    assert ranks == sorted(ranks)
    prices = [p["stats"]["current"][1] for p in find(house, sort=[["current_NEW", "desc"]])]
    assert prices == sorted(prices, reverse=True)
    asked = {"rootCategory": [GAMES], "perPage": 50}
    pages = [house.ask("/query", asked | {"page": page}, domain=DOMAIN)["asinList"] for page in (0, 1)]
    both = house.ask("/query", asked | {"perPage": 100}, domain=DOMAIN)["asinList"]
    assert pages[0] + pages[1] == both


def test_seller_filter(house: House) -> None:
    """BuyBoxSellerId names the products whose Buy Box a seller holds."""
    seller = find(house, buyBoxIsUnqualified=False)[0]["stats"]["buyBoxSellerId"]
    chosen = find(house, buyBoxSellerId=[seller])
    assert {product["stats"]["buyBoxSellerId"] for product in chosen} == {seller}


def test_insights(house: House) -> None:
    """stats=1 tells what the matches have in common."""
    body = house.ask("/query", {"rootCategory": [GAMES], "current_SALES_lte": 3000}, domain=DOMAIN, stats=1)
    insights = body["searchInsights"]
    assert 0 < insights["lowestRank"] <= insights["highestRank"] <= 3000
    assert 0 <= insights["soldByAmazonPercent"] <= 100


def test_bestsellers(house: House) -> None:
    """Best sellers are ordered by rank; a sub-category's list is part of its root's; one per family by default."""
    body = house.ask("/bestsellers", domain=DOMAIN, category=GAMES)["bestSellersList"]
    every = house.ask("/bestsellers", domain=DOMAIN, category=GAMES, variations=1)["bestSellersList"]["asinList"]
    assert set(body["asinList"]) < set(every)
    child = house.ask("/category", domain=DOMAIN, category=GAMES)["categories"][str(GAMES)]["children"][0]
    below = house.ask("/bestsellers", domain=DOMAIN, category=child, variations=1)["bestSellersList"]["asinList"]
    assert set(below) < set(every)
    ranks = [
        house.ask("/product", asin=asin, domain=DOMAIN, stats=1, update=0)["products"][0]["stats"]["current"][3]
        for asin in every[:30]
    ]
    assert ranks == sorted(ranks)


def test_deals(house: House) -> None:
    """Deals are price drops of the last 12 hours that pass ranges and filters, in the order asked."""
    asked = {
        "domainId": DOMAIN,
        "priceTypes": [1],
        "page": 0,
        "dateRange": 2,
        "isRangeEnabled": True,
        "currentRange": [1000, 9000],
        "deltaPercentRange": [10, 80],
        "isFilterEnabled": True,
        "hasReviews": True,
        "sortType": 4,
    }
    body = house.ask("/deal", asked)
    deals = body["deals"]["dr"]
    assert 5 < len(deals) <= 150
    now = body["timestamp"] // 60_000 - 21_564_000
    percents = [deal["deltaPercent"][2][1] for deal in deals]
    assert percents == sorted(percents, reverse=True)
    for deal in deals:
        assert 1000 <= deal["current"][1] <= 9000
        assert 10 <= deal["deltaPercent"][2][1] <= 80
        assert deal["delta"][2][1] == deal["avg"][2][1] - deal["current"][1]
        assert now - deal["currentSince"][1] <= 13 * 60
    assert sum(body["deals"]["categoryCount"]) >= len(deals)


def test_words(house: House) -> None:
    """A product search finds titles that hold every word; pages do not overlap."""
    body = house.ask("/search", domain=12, type="product", term="instant coffee", page=0, history=0)
    assert len(body["products"]) == 10
    assert all("instant coffee" in product["title"].lower() for product in body["products"])
    second = house.ask("/search", domain=12, type="product", term="instant coffee", page=1, asins_only=1)
    assert not {product["asin"] for product in body["products"]} & set(second["asinList"])
    assert house.ask("/search", domain=12, type="product", term="xyzzy")["products"] == []


def test_lightning(house: House) -> None:
    """A product's lightning deal is the one in the full list, and its price is below the usual one."""
    every = house.ask("/lightningdeal", domain=12)["lightningDeals"]
    assert every
    one = house.ask("/lightningdeal", domain=12, asin=every[0]["asin"])["lightningDeals"]
    assert one[0]["dealId"] == every[0]["dealId"]
    expired = house.ask("/lightningdeal", domain=12, state="EXPIRED")["lightningDeals"]
    assert {deal["dealState"] for deal in expired} <= {"EXPIRED"}


def test_trackings(house: House) -> None:
    """Trackings are stored by list, read back, notified when the price is reached, and removed."""
    asin = find(house, current_NEW_gte=1000)[0]["asin"]
    wanted = {
        "asin": asin,
        "mainDomainId": DOMAIN,
        "ttl": 0,
        "updateInterval": 12,
        "metaData": "mine",
        "thresholdValues": [{"thresholdValue": 10**7, "domain": DOMAIN, "csvType": 1, "isDrop": True}],
    }
    house.ask("/tracking", wanted, type="add", list="watch")
    assert house.ask("/tracking", type="listNames")["trackingListNames"] == ["watch"]
    assert house.ask("/tracking", type="get", asin=asin, list="watch")["trackings"][0]["metaData"] == "mine"
    assert house.ask("/tracking", type="list", list="watch", asins_only=1)["asinList"] == [asin]
    note = house.ask("/tracking", type="notification", since=0)["notifications"][0]
    assert (note["asin"], note["csvType"], note["trackingListName"]) == (asin, 1, "watch")
    assert house.ask("/tracking", type="notification", since=0)["notifications"] == []
    assert len(house.ask("/tracking", type="notification", since=0, revise=1)["notifications"]) == 1
    house.ask("/tracking", type="remove", asin=asin, list="watch")
    assert "error" in house.ask("/tracking", type="get", asin=asin, list="watch")
    assert "error" in house.ask("/tracking", type="webhook", url="nowhere")


def test_sellers(house: House) -> None:
    """Top sellers have the most ratings; the seller finder keeps to its ranges."""
    top = house.ask("/topseller", domain=DOMAIN)["sellerIdList"][:5]
    bodies = house.ask("/seller", domain=DOMAIN, seller=",".join(top))["sellers"]
    counts = [bodies[seller]["currentRatingCount"] for seller in top]
    assert counts == sorted(counts, reverse=True)
    found = house.ask("/sellerquery", {"currentRatingCount_gte": 50_000, "perPage": 20}, domain=DOMAIN)["sellerIdList"]
    bodies = house.ask("/seller", domain=DOMAIN, seller=",".join(found))["sellers"]
    assert all(body["currentRatingCount"] >= 50_000 for body in bodies.values())
