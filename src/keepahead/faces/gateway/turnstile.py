"""Lets so many through in a minute, for each name that passes. In memory: every gateway counts for itself."""

_MINUTE = 60.0
_ROUNDING = 1e-6  # seconds; moments are floats


class Turnstile:
    """Has room for a minute's worth of each name, which comes back evenly. Moments are in seconds.

    One number is kept for each name: when all of its room is back. Of more than `most_names` the one that has not come
    for longest is forgotten.
    """

    def __init__(self, most_names: int) -> None:
        self._most_names = most_names
        self._full_at: dict[str, float] = {}

    def take(self, name: str, per_minute: int, now: float) -> float | None:
        """Let `name` through and return None, or return in how many seconds it may pass."""
        each = _MINUTE / per_minute
        # Never more than a minute ahead: a clock that was put back must not shut anybody out.
        full_at = min(max(self._full_at.pop(name, now), now), now + _MINUTE)
        wait = full_at + each - now - _MINUTE
        passes = wait <= _ROUNDING
        self._full_at[name] = full_at + each if passes else full_at
        if len(self._full_at) > self._most_names:
            del self._full_at[next(iter(self._full_at))]
        return None if passes else wait

    def give_back(self, name: str, per_minute: int) -> None:
        """Take back one passage that should not have counted."""
        if name in self._full_at:
            self._full_at[name] -= _MINUTE / per_minute
