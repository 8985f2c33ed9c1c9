"""Criteria: what contradicts itself or cannot be is refused at once, by the name of the criterion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepahead import InvalidCallError
from keepahead.work.discovery.criteria import LIMITS, Criteria
from keepahead.work.discovery.words import Words


@pytest.mark.parametrize(
    ("wish", "code", "parameter"),
    [
        ({}, "no_criterion", None),
        ({"new_price": (5000, 1000)}, "contradiction", "new_price"),
        ({"rating": (0, 51)}, "out_of_range", "rating"),
        ({"rank": (0, 10)}, "out_of_range", "rank"),
        ({"sold": (True, None)}, "out_of_range", "sold"),
        ({"amazon_in_stock": False, "amazon_price": (None, 900)}, "contradiction", "amazon_price"),
        ({"brands": ("Acme", "Bolt"), "brands_excluded": ("ACME",)}, "contradiction", "brands"),
        ({"brands": ("",)}, "empty_brand", "brands"),
        ({"brands": ("✜Acme",)}, "invalid_brand", "brands"),
        ({"brands": tuple(map(str, range(51)))}, "too_many_brands", "brands"),
        ({"title": "serum -Serum"}, "contradiction", "title"),
        ({"title": "-- !"}, "no_word", "title"),
        ({"title": "a " * 51}, "too_many_words", "title"),
        ({"fba_price": (1, 2), "fba_offers": (None, 0)}, "contradiction", "fba_price"),
        ({"rating": (40, None), "reviews": (0, 0)}, "contradiction", "rating"),
        ({"rank_drops_30": (50, None), "rank_drops_90": (None, 10)}, "contradiction", "rank_drops_30"),
        ({"fba_offers": (9, None), "new_offers": (None, 3)}, "contradiction", "fba_offers"),
        ({"category": 0}, "invalid_category", "category"),
        ({"category": 1, "changed_within_hours": 0}, "out_of_range", "changed_within_hours"),
        ({"category": 1, "max_results": 0}, "out_of_range", "max_results"),
        ({"category": 1, "max_results": 10_001}, "out_of_range", "max_results"),
        ({"category": 1, "max_tokens": -1}, "out_of_range", "max_tokens"),
        ({"category": 1, "sort": "best"}, "invalid_sort", "sort"),
        ({"category": 1, "domain": 7}, "invalid_domain", "domain"),
    ],
)
def test_what_is_refused(wish, code, parameter):
    """Each wrong wish has its own code, names its criterion, and says that nothing was sent."""
    with pytest.raises(InvalidCallError) as refused:
        Criteria(**{"domain": 1, **wish})
    assert (refused.value.code, refused.value.parameter) == (code, parameter)


def test_what_is_given():
    """Only what is wished is a criterion, whatever the frame around it; names of marketplaces become numbers."""
    criteria = Criteria(domain="amazon.de", brands=("Acme", " Acme "), rank=(1, None), title="  ", max_results=5)
    assert (criteria.site, criteria.given) == (3, ("rank", "brands"))
    assert criteria.brands == ("Acme",)
    assert criteria.ranges == {"rank": (1, None)}
    assert Criteria(domain=1, amazon_in_stock=False).given == ("amazon_in_stock",)


@given(name=st.sampled_from(sorted(LIMITS)), ends=st.tuples(st.integers(-5, 120), st.integers(-5, 120)))
def test_a_range_is_taken_or_refused(name, ends):
    """A range is taken as it is where both ends can be and stand in order, and refused everywhere else."""
    least, most = LIMITS[name]
    is_right = least <= ends[0] <= ends[1] <= most
    if is_right:
        assert Criteria(domain=1, **{name: ends}).ranges == {name: ends}
        return
    with pytest.raises(InvalidCallError) as refused:
        Criteria(domain=1, **{name: ends})
    assert refused.value.parameter == name


@pytest.mark.parametrize(
    ("words", "title", "fits"),
    [
        ("serum", "Vitamin C Serum, 30 ml", True),
        ("serums", "Vitamin C Serum", False),
        ("ser", "Serum", False),
        ('"vitamin c"', "Serum with Vitamin-C", True),
        ('"c serum"', "Serum C", False),
        ("serum -oil", "Serum & Oil", False),
        ('serum -"face oil"', "Oil for the face: serum", True),
        ("tom&jerry", "Tom &amp; Jerry", True),
        ("CRÈME", "Crème brûlée", True),
    ],
)
def test_words(words, title, fits):
    """Whole words in any order, phrases in theirs; case, marks and entities do not count."""
    assert Words(words).fit(title) == fits
