"""Typed fields over raw bytes: whatever Keepa drops, adds or retypes, nothing breaks."""

import gzip
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepahead import CsvType, Money
from keepahead.keepa.deals import Deal, LightningDeal
from keepahead.keepa.fields import Field, KeepaObject
from keepahead.keepa.market import BestSellers, Category, SearchInsights, Seller
from keepahead.keepa.product import Offer, Product
from keepahead.keepa.stats import ByType, Extreme, Stats
from keepahead.keepa.trackings import Cause, Notification, Tracking

RECORDINGS = Path(__file__).parent.parent / "data" / "recordings"
KINDS = (
    Product,
    Offer,
    Stats,
    Deal,
    LightningDeal,
    Seller,
    Category,
    BestSellers,
    SearchInsights,
    Tracking,
    Notification,
)
SMALL = msgspec.json.decode(gzip.decompress((RECORDINGS / "B0F7XPYCSJ-full.json.gz").read_bytes()))["products"][0]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def told_by(thing: KeepaObject) -> dict[str, object]:
    """Everything that the typed attributes of an object say, and those of the objects in it."""
    names = [name for name in dir(type(thing)) if not name.startswith("__")]
    told = {name: getattr(thing, name) for name in names if isinstance(getattr(type(thing), name), (Field, property))}
    for value in told.values():
        for each in value if isinstance(value, tuple) else [value]:
            if isinstance(each, KeepaObject):
                told_by(each)
    return told


def keepa_names(kind: type[KeepaObject]) -> list[str]:
    """Keepa's names of the fields of an object."""
    return sorted({name for each in vars(kind).values() if isinstance(each, Field) for name in each._names})


@given(st.data())
@pytest.mark.parametrize("kind", KINDS)
def test_anything_anywhere(kind, data):
    """Fields of any type, known and unknown, break nothing: what is of another type is as if it were missing."""
    names = st.sampled_from(keepa_names(kind)) | st.text(max_size=5)
    thing = kind(msgspec.json.encode(data.draw(st.dictionaries(names, ANYTHING, max_size=8))))
    told_by(thing)
    assert dict(thing) == msgspec.json.decode(thing.raw)


@given(st.data())
def test_a_recorded_product_with_fields_dropped_retyped_and_added(data):
    """A recorded product of which some fields are dropped, retyped or new tells all the others as before."""
    changed = dict(SMALL)
    for name in data.draw(st.lists(st.sampled_from(sorted(SMALL)), max_size=10)):
        changed.pop(name, None)
    changed |= data.draw(st.dictionaries(st.sampled_from(sorted(SMALL)) | st.text(max_size=6), ANYTHING, max_size=6))
    same = {name for name in SMALL if name in changed and changed[name] is SMALL[name]}
    whole, product = Product(msgspec.json.encode(SMALL)), Product(msgspec.json.encode(changed))
    told, before = told_by(product), told_by(whole)
    for name, field in vars(Product).items():
        if isinstance(field, Field) and same.issuperset(field._names) and not name.endswith(("series", "ranks")):
            assert told[name] == before[name]
    for csv_type in CsvType:
        product.series(csv_type)
        product.current(csv_type)
    if {"csv", "domainId"} <= same:
        assert product.every_series() == whole.every_series()


@given(st.data())
def test_recorded_statistics_with_fields_dropped_and_retyped(data):
    """So do statistics, down to the single places of their arrays."""
    changed = dict(SMALL["stats"])
    arrays = sorted(name for name, value in changed.items() if isinstance(value, list) and len(value) == 36)
    name, place = data.draw(st.sampled_from(arrays)), data.draw(st.sampled_from(CsvType))
    changed[name] = [*changed[name][:place], data.draw(ANYTHING), *changed[name][place + 1 :]]
    told, before = told_by(Stats(msgspec.json.encode(changed))), told_by(Stats(msgspec.json.encode(SMALL["stats"])))
    for attribute, value in before.items():
        ours = told[attribute]
        if isinstance(value, ByType) and isinstance(ours, ByType):
            assert all(ours[other] == value[other] for other in CsvType if other != place)
        elif isinstance(getattr(Stats, attribute), Field):
            assert ours == value


def test_typed_fields_of_a_recorded_product():
    """Typed attributes say what is recorded, and Keepa's -1, -2 and 0 become what they mean."""
    product = Product.of(msgspec.json.encode(SMALL))
    assert (product.asin, product.brand, product.monthly_sold, product.root_category) == (
        "B0F7XPYCSJ",
        "POWTHX",
        300,
        16310091,
    )
    assert (product.sales_rank_reference, product.number_of_pages, product.item_height) == (None, None, None)
    assert (product.fba_fees.pick_and_pack_fee, product.referral_fee_percentage) == (435, 12.0)
    assert product.category_tree[0].name == "Industrial & Scientific"
    assert product.last_update == datetime(2026, 5, 10, 4, 16, tzinfo=UTC)
    assert str(product.money(CsvType.NEW)) == "25.99 USD"
    assert product.money(CsvType.SALES) is product.money(CsvType.USED) is None
    assert (product.monthly_sold_series.current, len(product.sales_ranks)) == (300, len(SMALL["salesRanks"]))
    assert (product.offers, product.live_offers, product.stats.buy_box_price) == ((), (), None)


def test_statistics_by_name():
    """A figure has a name and a type; both lead to the same value."""
    stats = Product(msgspec.json.encode(SMALL)).stats
    assert stats.avg90.new == stats.avg90[CsvType.NEW] == stats.current.new == 2599
    assert stats.avg90.amazon is None
    assert (stats.sales_rank_drops30, stats.sales_rank_drops90, stats.total_offer_count) == (13, 35, 1)
    assert stats.min.listprice == Extreme(datetime(2025, 5, 13, 7, 4, tzinfo=UTC), 3599)
    assert stats.out_of_stock_percentage90.amazon == 100
    assert set(stats.current) == {CsvType.NEW, CsvType.LISTPRICE, CsvType.COUNT_NEW, CsvType.COUNT_NEW_FBA, 15}
    assert Product(b"{}").stats is None
    assert all(getattr(ByType(tuple(CsvType)), kind.name.lower()) is kind for kind in CsvType)


def test_text_as_people_write_it():
    """Titles come without HTML entities; the raw bytes keep them."""
    product = Product(b'{"title":"Nuts &amp; Bolts &#39;7&#39;"}')
    assert (product.title, product["title"]) == ("Nuts & Bolts '7'", "Nuts &amp; Bolts &#39;7&#39;")
    assert Deal(b'{"title":"A &lt; B"}').title == "A < B"
    assert Deal(b"{}").title == LightningDeal(b"{}").title == Notification(b'{"title":5}').title == ""


def test_offers():
    """Offers have their newest price with shipping; the live ones stand in Amazon's order."""
    offers = [
        {"offerId": 1, "sellerId": "A", "offerCSV": [1, 500, 0, 9, 450, 49], "isFBA": True, "condition": 1},
        5,
        {"offerId": 3, "sellerId": "-2", "offerCSV": [1, -2, -1], "stockCSV": [1, 7]},
    ]
    product = Product(msgspec.json.encode({"domainId": 1, "offers": offers, "liveOffersOrder": [2, 0, 0, 9, 1]}))
    assert [offer.offer_id for offer in product.offers] == [1, 3]
    assert [offer.offer_id for offer in product.live_offers] == [3, 1]
    assert [(offer.price, offer.stock, offer.seller_id) for offer in product.offers] == [
        (499, None, "A"),
        (None, 7, None),
    ]


def test_the_buy_box_over_time():
    """Who had the Buy Box since when, although Keepa writes the times as texts."""
    told = ["5", "A1", "7", "-1", "x", "A2", 9, "A3", "11"]
    holders = Product(msgspec.json.encode({"buyBoxSellerIdHistory": told})).buy_box_sellers
    assert [(holder.at.minute, holder.seller_id) for holder in holders] == [(5, "A1"), (7, None), (9, "A3")]


def test_deals_whichever_way_round():
    """The means of a deal are found in either order of its tables."""
    by_span = {"avg": [[10, 20, 30, 40, 50, 60], [11, 21], [12], [13, -1]], "deltaPercent": [[-5]]}
    turned = {"avg": [[10, 11, 12, 13], [20, 21], [], [], [], [60]]}
    for told in (by_span, turned):
        deal = Deal(msgspec.json.encode(told))
        assert (deal.mean("day").amazon, deal.mean("week").new, deal.mean("quarter").new) == (10, 21, None)
    assert Deal(msgspec.json.encode(by_span)).delta_percent("day").amazon == -5
    assert Deal(b'{"image":[65,66,46,106]}').image_url == "https://m.media-amazon.com/images/I/AB.j"


def test_other_objects():
    """Sellers, categories, trackings and notifications say what they hold."""
    seller = Seller(b'{"trackingSince":60,"totalStorefrontAsins":[5,70],"csv":[[1,98],[1,5,9,6]],"domainId":1}')
    assert (seller.tracked_since, seller.storefront_size) == (datetime(2011, 1, 1, 1, tzinfo=UTC), 70)
    assert (seller.rating_series.current, seller.rating_count_series.current) == (98, 6)
    category = Category(b'{"catId":9223372036854775807,"parent":0,"topBrandsWithCounts":{"a":1,"b":3,"c":"x"}}')
    assert (category.category_id, category.parent, list(category.top_brands)) == (None, None, ["b", "a"])
    tracking = Tracking(
        b'{"createDate":60,"ttl":2,"thresholdValues":[{"thresholdValueCSV":[1,500],"domain":1,"csvType":99}]}'
    )
    assert tracking.expires_at == datetime(2011, 1, 1, 3, tzinfo=UTC)
    assert [(each.series.current, each.csv_type) for each in tracking.thresholds] == [(500, None)]
    note = Notification(b'{"notificationId":7,"csvType":1,"trackingNotificationCause":4,"currentPrices":[-1,5]}')
    assert (note.notification_id, note.csv_type, note.cause) == ("7", CsvType.NEW, Cause.OUT_STOCK)
    assert (note.current_prices.amazon, note.current_prices.new) == (None, 5)
    lightning = LightningDeal(b'{"startTime":60,"endTime":120,"dealPrice":-1}')
    assert lightning.deal_price is None
    assert lightning.is_running(datetime(2011, 1, 1, 1, 30, tzinfo=UTC))


def test_money():
    """Amounts are whole numbers of the smallest unit; yen have no cents."""
    assert [str(Money(*pair)) for pair in ((1299, 1), (5, 3), (1299, 5), (-205, 2), (7, 99))] == [
        "12.99 USD",
        "0.05 EUR",
        "1299 JPY",
        "-2.05 GBP",
        "0.07",
    ]
    assert (float(Money(1299, 1)), float(Money(1299, 5))) == (12.99, 1299.0)


def test_without_the_extra():
    """Without numpy, polars and pandas everything works but the frames, which say what to install."""
    code = """
import sys
for name in ("numpy", "polars", "pandas"):
    sys.modules[name] = None
from keepahead import CsvType, Product
product = Product(b'{"csv":[null,[' + b",".join(b"%d,%d" % (at, at) for at in range(1000)) + b"]]}")
assert product.every_series()[CsvType.NEW].current == 999
for make in ("to_numpy", "to_polars", "to_pandas"):
    try:
        getattr(product.series(CsvType.NEW), make)()
    except Exception as error:
        assert type(error).__name__ == "SettingsError" and "keepahead[data]" in str(error), error
    else:
        raise SystemExit(make)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
