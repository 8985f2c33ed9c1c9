"""Errors tell the truth about what was spent."""

import sqlite3

from keepahead.errors import KeepaError, KeepaheadError, KeepaUnreachable, OutcomeUnknown, RefusedError
from lab.laws.asked import Asked
from lab.laws.paid import wish_of

_HELD = "SELECT tokens FROM entries WHERE call_id = ? AND kind = 'reserved'"
_SETTLED = "SELECT tokens FROM entries WHERE call_id = ? AND kind = 'settled'"


class Truth:
    """Law "errors tell the truth".

    - Of what is refused nothing was spent, nor of what could not be sent.
    - An unknown outcome names a call that was sent for it, and as charged all that was held for that.
    - Whatever else goes wrong with an exchange names no less than Keepa charged for it until then, and exactly what the
      ledger charges if Keepa's meter came with it.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._consumed: dict[str, int] = {}

    def ended(self, call_id: str, consumed: int) -> None:
        """Note what Keepa has charged for a call."""
        self._consumed[call_id] = consumed

    def check(self, asked: Asked, error: KeepaheadError | None) -> str | None:
        """Tell what is wrong with the error with which a wish has ended."""
        match error:
            case RefusedError() | KeepaUnreachable():
                spent = sum(self._consumed.get(call_id, 0) for call_id in self._calls_of(asked))
                told = getattr(error, "tokens_charged", 0)
                return f"{asked.name} is told {type(error).__name__}, and {spent} were spent" if spent or told else None
            case OutcomeUnknown():
                return self._check_unknown(error)
            case KeepaError() if len(asked.exchanges) == 1:
                return self._check_failed(error, asked.exchanges[0].call_id)
            case _:
                return None

    def _calls_of(self, asked: Asked) -> list[str]:
        """Return the calls that were sent for it, but for those that it only lent its context to."""
        items = asked.items
        return [each.call_id for each in asked.exchanges if not items or items & set(wish_of(each).items)]

    def _check_unknown(self, error: OutcomeUnknown) -> str | None:
        held = self._connection.execute(_HELD, (error.call_id,)).fetchone()
        if error.call_id not in self._consumed and held is None:
            return f"nobody knows of the call {error.call_id} whose outcome is unknown"
        if held and held[0] != error.tokens_charged:
            return f"{held[0]} were held for the lost call {error.call_id}, and {error.tokens_charged} are told"
        return None

    def _check_failed(self, error: KeepaError, call_id: str) -> str | None:
        settled = self._connection.execute(_SETTLED, (call_id,)).fetchone()
        consumed = self._consumed.get(call_id, 0)
        is_exact = settled is None or settled[0] == error.tokens_charged
        if error.tokens_charged < consumed or not is_exact:
            return f"call {call_id} cost {consumed}, and {type(error).__name__} says {error.tokens_charged}"
        return None
