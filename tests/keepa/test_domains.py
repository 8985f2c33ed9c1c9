"""Marketplaces and their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepahead.errors import InvalidCallError
from keepahead.keepa.domains import DOMAINS, domain_id


def test_table() -> None:
    """Keepa's numbers are 1 to 6 and 8 to 12; only the yen has no smaller unit."""
    assert list(DOMAINS) == [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12]
    assert all(number == domain.id for number, domain in DOMAINS.items())
    assert [domain.currency for domain in DOMAINS.values() if domain.decimals == 0] == ["JPY"]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        (1, 1),
        ("1", 1),
        ("US", 1),
        ("us", 1),
        ("com", 1),
        ("amazon.com", 1),
        ("www.Amazon.com", 1),
        ("GB", 2),
        ("uk", 2),
        ("co.uk", 2),
        (" de ", 3),
        ("amazon.co.jp", 5),
        ("com.br", 12),
    ],
)
def test_names(name: int | str, number: int) -> None:
    """A marketplace is found by number, country, site or its ending."""
    assert domain_id(name) == number


@given(st.integers() | st.text() | st.booleans() | st.floats())
def test_anything_else(value: int | str) -> None:
    """Whatever is no marketplace is refused, with nothing but InvalidCallError."""
    try:
        assert domain_id(value) in DOMAINS
    except InvalidCallError as error:
        assert error.code in ("invalid_domain", "missing_domain")  # noqa: PT017


@pytest.mark.parametrize(("value", "code"), [("", "missing_domain"), (0, "invalid_domain"), (7, "invalid_domain")])
def test_refused(value: int | str, code: str) -> None:
    """The dead numbers 0 and 7 are refused, and an empty name is a missing one."""
    with pytest.raises(InvalidCallError) as caught:
        domain_id(value)
    assert caught.value.code == code
