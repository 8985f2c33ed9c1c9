"""How fast tokens are spent of late, by us and by somebody else."""

from collections import deque
from datetime import datetime, timedelta

from keepahead.budget.entry import Entry, Lost, Observed, Settled

SPAN = timedelta(minutes=10)
"""What was spent for so long makes the pace: one call alone moves it little, and an incident shows within a minute."""

_STEP = timedelta(seconds=30)
_STEPS = SPAN // _STEP


class Pace:
    """Tokens a minute over the last ten minutes. What was lost counts at its maximum, as it does in the balance."""

    def __init__(self) -> None:
        self._steps: deque[tuple[datetime, int]] = deque()  # since when, and the tokens of so long

    def seed(self, tokens: int, now: datetime) -> None:
        """Begin with what was spent in the ten minutes before, taken as evenly spread."""
        self._steps = deque((now - _STEP * (_STEPS - 1 - number), tokens // _STEPS) for number in range(_STEPS))

    def take(self, entry: Entry) -> None:
        """Take notice of one entry."""
        tokens = _tokens_of(entry)
        if not tokens:
            return
        if self._steps and entry.at - self._steps[-1][0] < _STEP:
            since, so_far = self._steps.pop()
            self._steps.append((since, so_far + tokens))
        else:
            self._steps.append((entry.at, tokens))

    def per_minute(self, now: datetime) -> float:
        """Return the pace as of `now`."""
        while self._steps and now - self._steps[0][0] >= SPAN:
            self._steps.popleft()
        return sum(tokens for _, tokens in self._steps) / (SPAN / timedelta(minutes=1))


def _tokens_of(entry: Entry) -> int:
    match entry:
        case Settled():
            return entry.tokens - entry.counted_before
        case Lost():
            return entry.tokens
        case Observed():
            return entry.external_tokens
        case _:
            return 0
