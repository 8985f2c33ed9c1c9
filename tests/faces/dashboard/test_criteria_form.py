"""What is entered in the form: read as the commands read it, and what is wrong is told at its field."""

import pytest

from keepahead.faces.dashboard.criteria_form import NAMES, RANGES, read
from keepahead.work.discovery.criteria import LIMITS, Criteria


def test_all_fields():
    """What is entered makes the criteria that the commands would make of it."""
    entered = read(
        {
            "domain": "DE",
            "category": "123",
            "rank_from": "1",
            "rank_to": " 20000 ",
            "new_price_from": "9.99",
            "rating_from": "4.2",
            "rating_to": "5",
            "brands": "A, B & Co; C;",
            "brands_excluded": "D",
            "changed_within_hours": "12",
            "amazon": "no",
            "title": "steel -plastic",
            "sort": "sold",
            "max_results": "7",
            "max_tokens": "0",
            "ratings": "no",
            "histories": "no",
            "road": "finder",
            "nothing of ours": "x",
        }
    )
    assert entered.errors == {}
    assert entered.road == "finder"
    assert entered.criteria == Criteria(
        domain=3,
        category=123,
        rank=(1, 20_000),
        new_price=(999, None),
        rating=(42, 50),
        brands=("A, B & Co", "C"),
        brands_excluded=("D",),
        changed_within_hours=12,
        amazon_in_stock=False,
        title="steel -plastic",
        sort="sold",
        max_results=7,
        max_tokens=0,
        with_rating=False,
        with_history=False,
    )


def test_every_range_has_fields():
    """No criterion that is a range is forgotten."""
    assert {each.name for each in RANGES} == set(LIMITS)


def test_an_empty_form():
    """Nothing entered is nothing wrong: it is said what is missing."""
    entered = read({})
    assert (entered.criteria, entered.errors) == (None, {})
    assert "at least one criterion" in entered.prompt


@pytest.mark.parametrize(
    ("texts", "field", "told"),
    [
        ({"rank_from": "1,000"}, "rank_from", "'1,000' is no number; write it as 20000."),
        ({"rank_to": "1.5"}, "rank_to", "'1.5' must be in whole numbers"),
        ({"rank_from": "9", "rank_to": "3"}, "rank_from", "Contradicts itself: 9 is more than 3."),
        ({"new_price_to": "9.999"}, "new_price_to", "'9.999' must be in USD with at most 2 decimals"),
        ({"domain": "JP", "new_price_to": "9.5"}, "new_price_to", "'9.5' must be in whole JPY"),
        ({"rating_to": "5.5"}, "rating_to", "There are 0 to 5 stars."),
        ({"price_drop_to": "101"}, "price_drop_to", "Must be whole numbers from -1,000,000 to 100, not 101."),
        ({"category": "Books"}, "category", "'Books' is no whole number; write digits only."),
        ({"category": "0"}, "category", "Must be the id of a category, not 0."),
        ({"rank_to": "9", "max_results": "0"}, "max_results", "Must be 1 to 10,000, not 0."),
        ({"brands": "✜x"}, "brands", "Holds a name that begins with Keepa's own sign ✜."),
        ({"title": "- -"}, "title", "Holds no word."),
        ({"rank_to": "9", "sort": "worst"}, "sort", "Must be one of rank, price, -price, sold, any, not 'worst'."),
        ({"rank_to": "9", "road": "moon"}, "road", "Write one of finder, best-sellers, deals, archive."),
        ({"rank_to": "9", "domain": "moon"}, "domain", "This domain does not exist: use 1 to 6 or 8 to 12"),
        ({"amazon": "no", "amazon_price_to": "5"}, "amazon_price_to", "Asks for a price of Amazon's"),
    ],
)
def test_what_is_wrong(texts, field, told):
    """Each fault is told at the field that it is about, in words that say what to write."""
    entered = read(texts)
    assert entered.criteria is None
    assert list(entered.errors) == [field]
    assert entered.errors[field].startswith(told)
    assert field in NAMES
