"""What people read: numbers of tokens, amounts of money, lengths of time, what they may have meant."""

from collections.abc import Collection

from keepahead.keepa.domains import DOMAINS
from keepahead.keepa.filters import nearest_name


def tokens(count: int) -> str:
    """Return a number of tokens in words."""
    return f"{count:,} token{'' if count == 1 else 's'}"


def money(amount: int | None, domain: int) -> str | None:
    """Return an amount in the smallest unit as people write it: 1499 -> 14.99, yen whole."""
    decimals = DOMAINS[domain].decimals if domain in DOMAINS else 2
    return None if amount is None or amount < 0 else f"{amount / 10**decimals:,.{decimals}f}"


def currency(domain: int) -> str:
    """Return the currency of a marketplace."""
    return DOMAINS[domain].currency if domain in DOMAINS else ""


def span(seconds: float | None) -> str:
    """Return a length of time in words: 42 s, 3 min, 2 h 5 min, 4 d."""
    if seconds is None:
        return "never"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{round(hours / 24)} d"


def meant(name: str, known: Collection[str]) -> str:
    """Return the advice for a name that is not known: the one that resembles it, or all that there are."""
    nearest = nearest_name(name, tuple(known))
    return f"did you mean {nearest}?" if nearest else f"known are {', '.join(known) or 'none'}"


def clean(text: str) -> str:
    """Return the text on one line and without control characters: what comes from outside may hold any."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
