"""Names the largest parts of a reserve and settle on SQLite, by cProfile; it charges Python code more than C code."""

import cProfile
import pstats
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

_ROOMS = (
    ("/keepahead/budget/", "budget: decide and apply"),
    ("dataclasses.py", "budget: decide and apply"),
    ("/keepahead/store/rows.py", "store: values to rows and back"),
    ("/keepahead/store/statement.py", "store: values to rows and back"),
    ("/keepahead/store/tables.py", "store: values to rows and back"),
    ("/keepahead/store/", "store: the ledger's own steps"),
    ("/sqlalchemy/", "SQLAlchemy: connection and transaction"),
    ("/bench/", "making the call, its meter and its label"),
)
_OTHER = "Python's library: contexts, locks, queues"


def largest_parts(pairs: Callable[[int], object], times: int) -> list[tuple[str, float]]:
    """Return the parts and their shares of the whole, largest first."""
    profile = cProfile.Profile()
    profile.enable()
    pairs(times)
    profile.disable()
    stats: Mapping[Any, Any] = pstats.Stats(profile).stats  # pyright: ignore[reportAttributeAccessIssue]
    parts: Counter[str] = Counter()
    for function, (_, _, own_seconds, _, callers) in stats.items():
        for part, seconds in _shared_out(function, own_seconds, callers):
            parts[part] += seconds
    whole = sum(parts.values())
    return [(part, seconds / whole) for part, seconds in parts.most_common()]


def _shared_out(
    function: tuple[str, int, str], own_seconds: float, callers: Mapping[Any, Any]
) -> list[tuple[str, float]]:
    """Charge SQLite's own work to SQLite; what else is no code of ours to the room that called it."""
    path, _, name = function
    if "sqlite3" in name:
        return [("SQLite: commit" if "commit" in name else "SQLite: BEGIN and statements", own_seconds)]
    room = _room(path)
    if room is not None or not callers:
        return [(room or _OTHER, own_seconds)]
    return [(_room(caller[0]) or _OTHER, told[2]) for caller, told in callers.items()]


def _room(path: str) -> str | None:
    return next((room for part, room in _ROOMS if part in path), None)
