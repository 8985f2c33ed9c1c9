"""What a contender is told, and what it has to be able to do. Standard library only: every child reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Terms:
    """Where Keepa is, on which plan, in which time. `since` is ISO 8601; `folder` is empty and the contender's own."""

    url: str
    key: str
    speed: float
    since: str
    refill_rate: int
    dearest_call: int
    folder: str


class Contender(Protocol):
    """A way to get items from Keepa. Its time-outs, waits and tries are its own."""

    version: str

    async def asks(self, item: Item) -> bool:
        """Return True when all of the item came; False or any exception: it is lost."""
        ...

    async def aclose(self) -> None:
        """Close what there is to close."""
        ...
