"""Ids that look real and lead straight back to a number: ASINs, seller ids, EANs. No table, no search.

Each is an affine permutation of the numbers, written in Keepa's alphabet.
"""

from keepahead.simulator.catalogue.noise import mix

PRODUCTS = 120_000
SEATS = 4_093  # a prime: every seat of the marketplace is held by one seller
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ASIN_SPACE = 36**8
_EAN_SPACE = 10**9


class _Permutation:
    """number -> (a * number + b) mod space, and back."""

    def __init__(self, seed: int, salt: int, space: int) -> None:
        self._space = space
        self._a = mix(seed, salt) % space // 30 * 30 + 7  # shares no factor with powers of 36 and 10
        self._back = pow(self._a, -1, space)
        self._b = mix(seed, salt + 1) % space

    def there(self, number: int) -> int:
        return (self._a * number + self._b) % self._space

    def back(self, image: int) -> int:
        return (image - self._b) * self._back % self._space


def _base36(value: int, length: int) -> str:
    digits: list[str] = []
    for _ in range(length):
        value, rest = divmod(value, 36)
        digits.append(_DIGITS[rest])
    return "".join(reversed(digits))


def _check_digit(twelve: str) -> int:
    return -sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(twelve)) % 10


class Numbers:
    """The ids of one catalogue."""

    def __init__(self, seed: int) -> None:
        self._asins = _Permutation(seed, 11, _ASIN_SPACE)
        self._eans = _Permutation(seed, 13, _EAN_SPACE)
        self._seller_ids = _Permutation(seed, 17, 36**12)

    def asin(self, index: int) -> str:
        """Return the ASIN of a product's index."""
        return "B0" + _base36(self._asins.there(index), 8)

    def index_of_asin(self, asin: str) -> int | None:
        """Return the index behind an ASIN, None when the catalogue never made it."""
        if len(asin) != 10 or not asin.startswith("B0") or any(digit not in _DIGITS for digit in asin):
            return None
        index = self._asins.back(int(asin[2:], 36))
        return index if index < PRODUCTS else None

    def ean(self, index: int) -> str:
        """Return the 13-digit code of a product's index (a UPC with a leading zero)."""
        twelve = "081" + f"{self._eans.there(index):09d}"
        return f"{twelve}{_check_digit(twelve)}"

    def index_of_code(self, code: str) -> int | None:
        """Return the index behind a UPC or EAN, None when it belongs to nothing."""
        if not code.isdigit() or len(code) not in {12, 13}:
            return None
        ean = code.zfill(13)
        if not ean.startswith("081"):
            return None
        index = self._eans.back(int(ean[3:12]))
        return index if index < PRODUCTS and self.ean(index) == ean else None

    def seller_id(self, seller: int) -> str:
        """Return the id of a seller's number."""
        return "A" + _base36(self._seller_ids.there(seller), 12)

    def seller_of_id(self, seller_id: str) -> int | None:
        """Return the number behind a seller id, None when the catalogue never made it."""
        if len(seller_id) != 13 or seller_id[0] != "A" or any(digit not in _DIGITS for digit in seller_id):
            return None
        seller = self._seller_ids.back(int(seller_id[1:], 36))
        return seller if seller < SEATS else None
