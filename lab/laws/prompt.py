"""Deadlines are kept."""

from collections.abc import Callable, Iterable

from keepahead.keepa.exchange import READ_SECONDS
from lab.laws.asked import Asked
from lab.laws.kept import PATIENCE_SECONDS, STALL_SECONDS

CALM_EXCHANGE_SECONDS = 7.0
"""The longest exchange where neither network nor Keepa is in trouble: 6 s at Keepa, 0.2 s there, 0.2 s back."""

EXCHANGES = 3
JOBS = 4


class Prompt:
    """Law "deadlines are kept": whoever waits no longer than so many seconds has an answer or an error by then.

    But for what is not a wait for tokens: an answer that somebody else is fetching (30 s), three exchanges (one that
    was under way, the one for the meter, and one for which the tokens were there at the deadline; or those of others
    who have all places of the client), one more for each call into which it falls, and four stalls of the database.
    """

    def __init__(self, seconds: Callable[[], float], kinds: frozenset[str]) -> None:
        self._seconds = seconds
        is_calm = not kinds & {"network", "keepa"}
        self._exchange_seconds = CALM_EXCHANGE_SECONDS if is_calm else READ_SECONDS
        self._stalls_seconds = JOBS * STALL_SECONDS if "store" in kinds else 0.0

    def check(self, waiting: Iterable[Asked]) -> str | None:
        """Tell who still waits though his time is over."""
        living = (asked for asked in waiting if asked.process is not None and asked.process.is_alive)
        return next((wrong for asked in living if (wrong := self.ended(asked))), None)

    def ended(self, asked: Asked) -> str | None:
        """Tell whether a wish has taken longer than it may."""
        if asked.wait_seconds is None:
            return None
        exchanges = (EXCHANGES + asked.calls) * self._exchange_seconds
        bound = asked.wait_seconds + PATIENCE_SECONDS + exchanges + self._stalls_seconds
        took = self._seconds() - asked.at
        if took > bound:
            return f"{asked.name}, asked at {asked.at:.1f} for {asked.wait_seconds:.0f} s, takes {took:.0f} s"
        return None
