"""A key of the gateway in words: what it is good for."""

from keepahead.budget.rule import Limit
from keepahead.budget.scope import Scope
from keepahead.faces.words import tokens
from keepahead.store.keyring import GatewayKey

REQUESTS_MOST = 1_000_000
"""No key may send more requests a minute than this, unless it may send any number."""


def key_words(key: GatewayKey, limit: Limit | None) -> str:
    """Say what a key is good for: web may spend (live lane), 500 tokens a day, 60 requests a minute."""
    may = {Scope.READ: "read", Scope.SPEND: "read and spend", Scope.ADMIN: "read, spend and administer"}[key.scope]
    hour, day = (limit.tokens_per_hour, limit.tokens_per_day) if limit else (None, None)
    limits = (
        f", {tokens(hour)} an hour" if hour is not None else "",
        f", {tokens(day)} a day" if day is not None else "",
        f", {key.requests_per_minute:,} requests a minute" if key.requests_per_minute is not None else "",
    )
    return f"{key.name} may {may} ({key.lane}){''.join(limits)}"
