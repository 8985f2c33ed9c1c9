"""How many alerts fire, and how it went with telling people of them; whichever gateway told them."""

from collections.abc import Sequence

from keepahead.store.alarms import Alarm, Alarms
from keepahead.store.outbox import Delivery, Outbox
from keepahead.work.alerts.rules import NAMES

OUTCOMES = ("delivered", "given_up")


class AlertCounts:
    """Looks again and again. `ended` counts letters by kind of channel and outcome since the first look."""

    def __init__(self, alarms: Alarms, outbox: Outbox) -> None:
        self.ended: dict[tuple[str, str], int] = {}
        self.waiting: dict[str, int] = {}
        self.firing: dict[str, int] = {}
        self._alarms = alarms
        self._outbox = outbox
        self._newest: int | None = None
        self._under_way: frozenset[int] = frozenset()

    def look(self) -> tuple[Sequence[Alarm], Sequence[Delivery]]:
        """Return what `take` is to be given. Blocks; raises LedgerError."""
        return self._alarms.states(), self._outbox.after(self._newest or 0, besides=self._under_way)

    def take(self, alarms: Sequence[Alarm], letters: Sequence[Delivery]) -> None:
        """Count what has changed since the last look."""
        self.firing = dict.fromkeys(NAMES, 0)
        for alarm in alarms:
            if alarm.is_firing and alarm.rule in self.firing:
                self.firing[alarm.rule] += 1
        for letter in letters:
            self._count(letter, is_new=self._newest is not None)
        under_way = [letter for letter in letters if _outcome_of(letter) is None]
        self._under_way = frozenset(letter.delivery_id for letter in under_way)
        self._newest = max((self._newest or 0, *(letter.delivery_id for letter in letters)))
        self.waiting = dict.fromkeys((kind for kind, _ in self.ended), 0)
        for letter in under_way:
            self.waiting[_kind_of(letter)] += 1

    def _count(self, letter: Delivery, *, is_new: bool) -> None:
        """Count a letter that has ended since; every kind of channel begins at zero."""
        for outcome in OUTCOMES:
            self.ended.setdefault((_kind_of(letter), outcome), 0)
        ended = _outcome_of(letter)
        if ended is not None and is_new:
            self.ended[_kind_of(letter), ended] += 1


def _kind_of(letter: Delivery) -> str:
    """Return the kind of a letter's channel, of which there are few: mail, slack; never the address."""
    return letter.channel.partition(":")[0]


def _outcome_of(letter: Delivery) -> str | None:
    if letter.delivered_at is not None:
        return "delivered"
    return "given_up" if letter.given_up_at is not None else None
