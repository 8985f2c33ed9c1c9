"""Rhythm is not budget: at most so many calls in a minute, evenly spaced, whatever they cost."""

import threading
from datetime import datetime, timedelta

_LONGEST = timedelta(minutes=2)  # more than a full queue waits: client.py lets no more in than leave in a minute


class Rhythm:
    """Hands out the moments at which calls may leave, `calls_per_minute` of them; None: whenever. Thread-safe."""

    def __init__(self, calls_per_minute: int | None) -> None:
        self._gap = timedelta(minutes=1) / calls_per_minute if calls_per_minute else timedelta()
        self._next: datetime | None = None
        self._lock = threading.Lock()

    def take(self, now: datetime) -> float:
        """Take the next moment; return how many seconds away it is."""
        with self._lock:
            moment = max(now, self._next) if self._next else now
            if moment - now > _LONGEST:  # the clock was put back
                moment = now
            self._next = moment + self._gap
            return (moment - now).total_seconds()
