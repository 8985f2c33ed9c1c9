"""Verification: what changed since it was saved, and whether that matters."""

import pytest
from tests.work.analysis.made import DAY, NOW, NOW_MINUTES, product_of, steady, with_series

from keepahead.work.analysis.analyse import analyse
from keepahead.work.analysis.verify import Expected, expected_of, verify

STEADY = Expected(price=2000, price_source="BUY_BOX_SHIPPING", rank=1000, offers=3, amazon_in_stock=False)


def test_nothing_changed():
    """What is as it was is OK, and says what was compared."""
    seen = verify(product_of(steady()), STEADY, now=NOW)
    assert (seen.outcome, seen.differences) == ("OK", ())
    assert seen.compared == ("price", "rank", "offers", "Amazon")


@pytest.mark.parametrize(
    ("changes", "what", "outcome", "because"),
    [
        ({"price": 2050}, "price", "OK", "the price fell from 20.50 USD to 20.00 USD (-2%)"),
        ({"price": 2200}, "price", "CHANGED", "the price fell from 22.00 USD to 20.00 USD (-9%)"),
        ({"price": 2500}, "price", "AVOID", "the price fell from 25.00 USD to 20.00 USD (-20%)"),
        ({"price": 1800}, "price", "CHANGED", "the price rose from 18.00 USD to 20.00 USD (+11%)"),
        ({"rank": 900}, "rank", "OK", "the rank is worse: 900 to 1,000"),
        ({"rank": 500}, "rank", "CHANGED", "the rank is worse: 500 to 1,000"),
        ({"rank": 300}, "rank", "AVOID", "the rank is worse: 300 to 1,000"),
        ({"rank": 5000}, "rank", "OK", "the rank is better: 5,000 to 1,000"),
        ({"offers": 2}, "offers", "OK", "3 offers, and there were 2"),
        ({"offers": 1}, "offers", "AVOID", "3 offers, and there were 1"),
        ({"offers": 9}, "offers", "OK", "3 offers, and there were 9"),
        ({"amazon_in_stock": True}, "Amazon", "CHANGED", "Amazon does not sell it any more"),
    ],
)
def test_differences(changes, what, outcome, because):
    """Each difference has its own outcome and its words; small ones are told and are OK."""
    seen = verify(product_of(steady()), Expected(**changes), now=NOW)
    (difference,) = seen.differences
    assert (difference.what, difference.outcome, difference.because) == (what, outcome, because)
    assert seen.outcome == outcome


def test_amazon_came():
    """Amazon on a listing where it was not is a reason to stay away."""
    body = with_series(csv0=[NOW_MINUTES - 400 * DAY, -1, NOW_MINUTES - DAY, 1900])
    seen = verify(product_of(body), STEADY, now=NOW)
    assert seen.outcome == "AVOID"
    assert seen.differences[-1].because == "Amazon sells it now"


def test_nobody_offers_it():
    """No offer any more is a reason to stay away, whatever else is as it was."""
    gone, first = NOW_MINUTES - DAY, NOW_MINUTES - 400 * DAY
    body = with_series(csv18=[first, 2000, 0, gone, -1, -1], csv1=[first, 2000, gone, -1])
    seen = verify(product_of(body), STEADY, now=NOW)
    assert (seen.outcome, seen.differences[0].because) == ("AVOID", "nobody offers it any more")


def test_the_same_kind_of_price():
    """A saved price is compared with the price of its own kind, not with a better kind that there is now."""
    body = with_series(csv1=[NOW_MINUTES - 400 * DAY, 1500])
    assert verify(product_of(body), Expected(price=1500, price_source="NEW"), now=NOW).outcome == "OK"
    assert verify(product_of(body), Expected(price=1500), now=NOW).outcome == "CHANGED"
    assert verify(product_of(body), Expected(price=2000, price_source="no such"), now=NOW).outcome == "OK"


def test_the_return():
    """With a buying price the return is looked at too: below what one would consider, one should not buy."""
    seen = verify(product_of(steady()), Expected(price=2000, buying_price=1290), now=NOW)
    assert (seen.outcome, seen.differences[0].what) == ("AVOID", "return")
    assert verify(product_of(steady()), Expected(price=2000, buying_price=700), now=NOW).outcome == "OK"


def test_what_is_not_known_any_more():
    """What was known and is not any more is a change."""
    body = {"asin": "B000000001", "domainId": 1, "csv": steady()["csv"][:2]}
    seen = verify(
        product_of(body), Expected(price=2000, rank=1, offers=3, amazon_in_stock=False, amazon_box_share=0.1), now=NOW
    )
    assert seen.outcome == "CHANGED"
    assert [each.what for each in seen.differences] == ["rank", "offers", "Amazon's Buy Box"]


def test_a_saved_analysis():
    """What an analysis leaves is what is compared later; an assumed buying price is not."""
    analysis = analyse(product_of(steady()), now=NOW, buying_price=700)
    expected = expected_of(analysis)
    assert (expected.price, expected.price_source, expected.buying_price) == (2000, "BUY_BOX_SHIPPING", 700)
    assert expected_of(analyse(product_of(steady()), now=NOW)).buying_price is None
    assert not expected.is_empty
    assert Expected(buying_price=3).is_empty
