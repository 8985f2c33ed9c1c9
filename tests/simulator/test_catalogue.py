"""What is for sale: products, their series, offers and sellers agree with each other."""

import gzip
import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.simulator.house import START, House, open_house

from keepahead.simulator.catalogue.catalogue import Catalogue
from keepahead.simulator.catalogue.numbers import PRODUCTS
from keepahead.simulator.catalogue.recorded import RECORDED
from keepahead.simulator.catalogue.series import TRIPLES

DAY = 1440
NOW = int(START.timestamp()) // 60 - 21_564_000


def rows(body: dict[str, Any], series: int) -> list[tuple[int, int]]:
    """Read a series out of a product object: (moment, landed value)."""
    numbers = body["csv"][series] or []
    width = 3 if series in TRIPLES else 2
    cut = [numbers[i : i + width] for i in range(0, len(numbers), width)]
    return [(row[0], row[1] + row[2] if width == 3 and row[1] >= 0 else row[1]) for row in cut]


@pytest.mark.parametrize("asin", RECORDED)
def test_recordings(house: House, asin: str) -> None:
    """The two recorded products answer with every value as it was recorded, and have not been touched."""
    packed = files("keepahead.simulator").joinpath("recordings", f"{asin}.json.gz").read_bytes()
    recorded = json.loads(gzip.decompress(packed))["products"][0]
    assert house.ask("/product", asin=asin, domain=1)["products"] == [recorded]
    assert house.ask("/product", asin=asin, domain=2)["products"][0]["productType"] == 4
    bare = house.ask("/product", asin=asin, domain=1, history=0)["products"][0]
    assert "csv" not in bare
    assert bare["stats"] == recorded["stats"]
    short = house.ask("/product", asin=asin, domain=1, days=30)["products"][0]
    assert len(short["csv"][3]) < len(recorded["csv"][3])
    assert short["csv"][3] == recorded["csv"][3][-len(short["csv"][3]) :]


def test_recorded_are_found(house: House) -> None:
    """The recorded products are in the lists of their categories, in searches and under their codes."""
    asked = {"rootCategory": [3760911], "brand": ["eqqualberry"]}
    assert house.ask("/query", asked, domain=1)["asinList"] == ["B0D8W1YVBX"]
    best = house.ask("/bestsellers", domain=1, category=7792528011)["bestSellersList"]["asinList"]
    assert "B0D8W1YVBX" in best
    found = house.ask("/search", domain=1, type="product", term="borosilicate test funnels", asins_only=1)
    assert found["asinList"] == []
    found = house.ask("/search", domain=1, type="product", term="borosilicate funnels", asins_only=1)
    assert found["asinList"] == ["B0F7XPYCSJ"]


def test_recorded_statistics(house: House) -> None:
    """The statistics engine comes to the same means and extremes as the real Keepa, within rounding."""
    recorded = house.ask("/product", asin="B0D8W1YVBX", domain=1)["products"][0]
    ours = house.ask("/product", asin="B0D8W1YVBX", domain=1, stats=180)["products"][0]["stats"]
    for series in (1, 3, 4, 11, 16, 18):
        assert abs(ours["avg"][series] - recorded["stats"]["avg180"][series]) <= 1
    assert ours["minInInterval"][3] == recorded["stats"]["minInInterval"][3]


@given(index=st.integers(0, PRODUCTS - 1), seed=st.integers(1, 5))
def test_numbers_lead_back(index: int, seed: int) -> None:
    """An ASIN, an EAN and a seller id lead straight back to their number."""
    numbers = Catalogue(seed).numbers
    assert numbers.index_of_asin(numbers.asin(index)) == index
    assert numbers.index_of_code(numbers.ean(index)) == index
    assert numbers.index_of_code(numbers.ean(index)[1:]) == index
    assert numbers.seller_of_id(numbers.seller_id(index % 4093)) == index % 4093


def test_size_and_seed(house: House) -> None:
    """There are more than 100,000 products in twelve root categories; another seed makes other ones."""
    index = house.simulator.catalogue.index(1)
    assert len(index) == 12
    assert sum(map(len, index.values())) > 70_000
    assert PRODUCTS > 100_000
    assert open_house(seed=2).simulator.catalogue.asin(5) != house.simulator.catalogue.asin(5)


def test_same_again(house: House) -> None:
    """Two catalogues of one seed are equal, value for value."""
    asin = ",".join(house.some(10))
    other = open_house(refill_rate=1000)
    other.simulator.catalogue = Catalogue(1)
    asked: dict[str, Any] = {"asin": asin, "domain": 1, "stats": 90, "offers": 20, "stock": 1}
    assert house.ask("/product", **asked)["products"] == other.ask("/product", **asked)["products"]


def test_series_grow(house: House) -> None:
    """What was told of the past stays: a series read today is the beginning of the series read next month."""
    asin = ",".join(house.some(15))
    asked: dict[str, Any] = {"asin": asin, "domain": 1, "offers": 20}
    before = {body["asin"]: body for body in house.ask("/product", **asked)["products"]}
    house.clock.sleep(31 * 86_400)
    for body in house.ask("/product", **asked)["products"]:
        for series in range(36):
            old, new = before[body["asin"]]["csv"][series], body["csv"][series]
            assert new[: len(old)] == old if old else True, (body["asin"], series)


def test_series_are_sound(house: House) -> None:
    """Times rise, values change, nothing lies in the future or before tracking, and only -1 is negative."""
    asked: dict[str, Any] = {"asin": ",".join(house.some(60)), "domain": 1, "offers": 20}
    seen: set[int] = set()
    for body in house.ask("/product", **asked)["products"]:
        assert len(body["csv"]) == 36
        for series in range(36):
            points = rows(body, series)
            moments = [moment for moment, _ in points]
            assert moments == sorted(set(moments)), (body["asin"], series)
            if points:
                seen.add(series)
                assert body["trackingSince"] <= moments[0]
                assert moments[-1] <= body["lastUpdate"] <= NOW
                assert series == 15 or min(value for _, value in points) >= -1
    assert seen >= {0, 1, 2, 3, 4, 7, 8, 10, 11, 12, 16, 17, 18, 34, 35}


def test_what_options_add(house: House) -> None:
    """rating, buybox and offers add their own series; history=0 takes all away."""
    asin = house.some(1)[0]

    def given(**options: object) -> set[int]:
        body = house.ask("/product", asin=asin, domain=1, **options)["products"][0]
        return {n for n, series in enumerate(body["csv"]) if series}

    plain = given()
    assert {0, 1, 3} <= plain <= {0, 1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14, 28, 29, 30, 33, 34, 35}
    assert given(rating=1) - plain <= {16, 17}
    assert given(buybox=1) - plain <= {15, 18, 32}
    assert 18 in given(buybox=1)
    assert given(offers=20) >= given(rating=1, buybox=1)
    assert "csv" not in house.ask("/product", asin=asin, domain=1, history=0)["products"][0]


def test_statistics(house: House) -> None:
    """Every statistic follows from the delivered series, worked out here minute by minute span."""
    asked: dict[str, Any] = {"asin": ",".join(house.some(20)), "domain": 1, "stats": 45, "offers": 20}
    for body in house.ask("/product", **asked)["products"]:
        at, stats = body["lastUpdate"], body["stats"]
        for series in (0, 1, 3, 7, 10, 11, 18):
            points = rows(body, series)
            if not points:
                assert stats["current"][series] == -1
                continue
            assert stats["current"][series] == points[-1][1]
            offered = [(value, moment) for moment, value in points if value >= 0]
            lowest = min(offered)[::-1] if offered else None
            assert stats["min"][series] == (list(lowest) if lowest else None)
            for name, days in (("avg", 45), ("avg90", 90), ("avg365", 365)):
                start = max(at - days * DAY, 0)
                ends = [moment for moment, _ in points[1:]] + [at]
                spans = [
                    (max(0, end - max(moment, start)), value)
                    for (moment, value), end in zip(points, ends, strict=True)
                    if value >= 0
                ]
                minutes = sum(span for span, _ in spans)
                mean = sum(span * value for span, value in spans) // minutes if minutes else -1
                assert stats[name][series] == mean, (body["asin"], series, name)


def test_offers_agree(house: House) -> None:
    """Live offers and series tell one story: lowest prices, counts, Amazon, and who holds the Buy Box."""
    asked: dict[str, Any] = {"asin": ",".join(house.some(80)), "domain": 1, "stats": 30, "offers": 100}
    boxes = 0
    for body in house.ask("/product", **asked)["products"]:
        if not body["offersSuccessful"]:
            continue
        now, live = body["stats"]["current"], [body["offers"][n] for n in body["liveOffersOrder"]]
        new = [offer for offer in live if offer["condition"] == 1]
        fba = [offer["offerCSV"][-2] for offer in new if offer["isFBA"] and not offer["isAmazon"]]
        fbm = [sum(offer["offerCSV"][-2:]) for offer in new if not offer["isFBA"]]
        amazon = [offer["offerCSV"][-2] for offer in new if offer["isAmazon"]]
        assert min(fba, default=-1) == now[10]
        assert min(fbm, default=-1) == now[7]
        assert (amazon or [-1]) == [now[0]]
        assert min(fba + fbm + amazon, default=-1) == now[1]
        assert len(new) == now[11] == now[34] + now[35]
        used = [
            offer["offerCSV"][-2] for offer in live if 2 <= offer["condition"] <= 5 and not offer["isWarehouseDeal"]
        ]
        assert len(used) == max(0, now[12])
        assert min(used, default=-1) == now[2]
        assert body["stats"]["totalOfferCount"] == len(live)
        seller = body["stats"]["buyBoxSellerId"]
        assert body["buyBoxSellerIdHistory"][-1] == seller
        if seller != "-1":
            boxes += 1
            held = [sum(offer["offerCSV"][-2:]) for offer in new if offer["sellerId"] == seller]
            assert now[18] in held
    assert boxes > 40


def test_dead_offers(house: House) -> None:
    """Former offers come with the live ones unless only live ones are asked."""
    asked: dict[str, Any] = {"asin": ",".join(house.some(30)), "domain": 1, "offers": 20}
    every = sum(len(body["offers"]) for body in house.ask("/product", **asked)["products"])
    live = house.ask("/product", **asked, only_live_offers=1)["products"]
    assert sum(len(body["offers"]) for body in live) < every


def test_storefronts_agree(house: House) -> None:
    """A storefront lists exactly the products on which the seller has a live offer."""
    numbers = house.simulator.catalogue.numbers
    seller = numbers.seller_id(1234)
    body = house.ask("/seller", domain=1, seller=seller, storefront=1)["sellers"][seller]
    assert len(body["asinList"]) == len(body["asinListLastSeen"]) == body["totalStorefrontAsins"][1] > 20
    assert body["asinListLastSeen"] == sorted(body["asinListLastSeen"], reverse=True)
    asked: dict[str, Any] = {"asin": ",".join(body["asinList"][:40]), "domain": 1, "offers": 100, "only_live_offers": 1}
    for product in house.ask("/product", **asked)["products"]:
        assert seller in {offer["sellerId"] for offer in product["offers"]}


def test_domains(house: House) -> None:
    """The same product is sold in several domains, in local money; yen have no cents."""
    catalogue = house.simulator.catalogue
    both = next(asin for asin in house.some(300) if catalogue.find(asin, 5) is not None)
    body = house.ask("/product", asin=both, domain=5, stats=30)["products"][0]
    assert body["domainId"] == 5
    assert body["productType"] == 0
    assert all(value % 10 == 0 for _, value in rows(body, 1) if value > 0)
    assert body["rootCategory"] != house.ask("/product", asin=both, domain=1)["products"][0]["rootCategory"]


def test_families(house: House) -> None:
    """A variation names its parent, and the parent, which nobody sells, names the variation."""
    catalogue = house.simulator.catalogue
    child = next(
        asin
        for asin in house.some(400)
        if house.ask("/product", asin=asin, domain=1, history=0)["products"][0]["parentAsin"]
    )
    asked = house.ask("/product", asin=child, domain=1, historical_variations=1)
    assert asked["tokensConsumed"] == 2
    parent = asked["products"][0]["parentAsin"]
    domain = next(d for d in (1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12) if catalogue.find(parent, d) is not None)
    body = house.ask("/product", asin=parent, domain=domain)["products"][0]
    assert body["productType"] == 5
    assert child in {variation["asin"] for variation in body["variations"]}
    assert body["csv"][1] is None
    assert body["csv"][3]


def test_categories(house: House) -> None:
    """The tree hangs together: children name their parents, parents=1 delivers them up to the root."""
    roots = house.ask("/category", domain=3, category=0)["categories"]
    assert len(roots) == 12
    child = next(iter(roots.values()))["children"][0]
    body = house.ask("/category", domain=3, category=child, parents=1)
    assert str(body["categories"][str(child)]["parent"]) in body["categoryParents"]
    assert house.ask("/category", domain=3, category=999)["categories"] == {}
