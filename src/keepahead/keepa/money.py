"""Amounts in the smallest unit of a marketplace's currency, and how people write them."""

from typing import NamedTuple

from keepahead.keepa.domains import DOMAINS


class Money(NamedTuple):
    """An amount of `domain`'s currency in its smallest unit: cents, pence, paise; whole yen, which has no cents."""

    amount: int
    domain: int

    @property
    def currency(self) -> str:
        """The currency's code, such as USD; empty for a domain that does not exist."""
        return DOMAINS[self.domain].currency if self.domain in DOMAINS else ""

    @property
    def decimals(self) -> int:
        """How many digits stand behind the point; 2 where the currency is not known."""
        return DOMAINS[self.domain].decimals if self.domain in DOMAINS else 2

    def __float__(self) -> float:
        return self.amount / 10**self.decimals

    def __str__(self) -> str:
        whole, rest = divmod(abs(self.amount), 10**self.decimals)
        digits = f"{whole}.{rest:0{self.decimals}}" if self.decimals else f"{whole}"
        return f"{'-' if self.amount < 0 else ''}{digits} {self.currency}".rstrip()
