"""Amazon's marketplaces as Keepa numbers them, and the names that people give them.

Source: protocol sheet section 2. Numbers 0 and 7 are dead and never valid.
"""

import re
from types import MappingProxyType
from typing import NamedTuple

from keepahead.errors import InvalidCallError


class Domain(NamedTuple):
    """One marketplace: Keepa's `id`, country code, `site`, `currency`, and the `decimals` of its smallest unit."""

    id: int
    country: str
    site: str
    currency: str
    decimals: int


BRAZIL = 12

DOMAINS = MappingProxyType(
    {
        1: Domain(1, "US", "amazon.com", "USD", 2),
        2: Domain(2, "GB", "amazon.co.uk", "GBP", 2),
        3: Domain(3, "DE", "amazon.de", "EUR", 2),
        4: Domain(4, "FR", "amazon.fr", "EUR", 2),
        5: Domain(5, "JP", "amazon.co.jp", "JPY", 0),
        6: Domain(6, "CA", "amazon.ca", "CAD", 2),
        8: Domain(8, "IT", "amazon.it", "EUR", 2),
        9: Domain(9, "ES", "amazon.es", "EUR", 2),
        10: Domain(10, "IN", "amazon.in", "INR", 2),
        11: Domain(11, "MX", "amazon.com.mx", "MXN", 2),
        BRAZIL: Domain(BRAZIL, "BR", "amazon.com.br", "BRL", 2),
    }
)


def _names() -> dict[str, int]:
    names = {"uk": 2}
    for domain in DOMAINS.values():
        top = domain.site.removeprefix("amazon.")
        for name in (str(domain.id), domain.country.lower(), top, domain.site, f"www.{domain.site}"):
            names[name] = domain.id
    return names


_ID_OF_NAME = _names()
_NAME = re.compile(r"[0-9A-Za-z.]{1,20}")


def domain_id(value: int | str) -> int:
    """Return Keepa's number of the marketplace named `value`: 3, "3", "DE", "de", "amazon.de", "www.amazon.de".

    Raises `InvalidCallError` (`missing_domain`, `invalid_domain`).
    """
    if isinstance(value, str):
        name = value.strip()
        if not name:
            message = 'The domain is missing: give Keepa\'s number or a name, for example 1, "US" or "amazon.com".'
            raise InvalidCallError("missing_domain", message, parameter="domain")
        found = _ID_OF_NAME.get(name.lower()) if _NAME.fullmatch(name) else None
    else:
        found = value if type(value) is int and value in DOMAINS else None
    if found is None:
        message = 'This domain does not exist: use 1 to 6 or 8 to 12, or a name such as "US", "com" or "amazon.com".'
        raise InvalidCallError("invalid_domain", message, parameter="domain")
    return found
