"""What is looked for in the archive, and what comes of it. Values only."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

_LONGEST = 120


def name_of(text: str) -> str:
    """Return a text as the archive's keys hold it: as it is, or its hash if it is long."""
    return text if len(text) <= _LONGEST else hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Wanted:
    """`items` of one endpoint and domain. `contents` is what whoever looks would fetch himself.

    `serves` tells of an archived answer's contents, or of those that somebody fetches, whether they will do.
    """

    endpoint: str
    domain: int
    items: tuple[str, ...]
    contents: str
    serves: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Item:
    """One archived item: what it holds, when it was fetched, what it cost, and by which call."""

    item: str
    contents: str
    fetched_at: datetime
    tokens: int
    call_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """What is to be done about what was wanted: `found` is there, `mine` are leased, `others` are fetched by others.

    Of each of these it says until when at most.
    """

    found: Mapping[str, Item]
    mine: tuple[str, ...]
    others: Mapping[str, datetime]
