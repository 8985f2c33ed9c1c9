"""Looks again and again whether something has to be told. No call waits for it: it reads what is written anyway."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from keepahead.clock import Clock
from keepahead.errors import LedgerError
from keepahead.store.alarms import Alarm, AlarmKey, Alarms, Change, Silence
from keepahead.store.outbox import Letter
from keepahead.work.alerts.advice import advice_of
from keepahead.work.alerts.alert import Alert, Picture, Severity
from keepahead.work.alerts.facts import Facts
from keepahead.work.alerts.inspector import Inspector
from keepahead.work.alerts.judge import Judgement, Told, judge
from keepahead.work.alerts.letters import letters_of
from keepahead.work.alerts.observer import Observer
from keepahead.work.alerts.rule import Rule
from keepahead.work.tasks import end

BEAT_SECONDS = 1.0

REFRESH = timedelta(seconds=5)
"""States and silences are remembered for so long: most beats ask for new entries only, and write nothing."""

log = logging.getLogger("keepahead")

HeardBy = Callable[[Severity], Sequence[str]]
"""Returns the channels of those who hear of alerts so bad."""


class Watch:
    """Judges the rules over one account. Of several on the same ledger each firing is told by one.

    `facts` are what the last look found; None before the first one.
    """

    def __init__(  # noqa: PLR0917 - each is a part of it
        self,
        observer: Observer,
        inspector: Inspector,
        alarms: Alarms,
        rules: Sequence[Rule],
        heard_by: HeardBy,
        clock: Clock,
    ) -> None:
        self._observer = observer
        self._inspector = inspector
        self._alarms = alarms
        self._rules = rules
        self._heard_by = heard_by
        self._clock = clock
        self._tasks: Sequence[asyncio.Task[None]] = ()
        self._known_at: datetime | None = None
        self._states: Mapping[AlarmKey, Alarm] = {}
        self._silences: Sequence[Silence] = ()
        self._broken: frozenset[str] = frozenset()
        self._failure: str | None = None
        self.facts: Facts | None = None

    def start(self) -> None:
        """Begin."""
        self._tasks = asyncio.create_task(self._run()), asyncio.create_task(self._inspector.run())

    async def stop(self) -> None:
        """End it; a beat under way is finished, as somebody may close the ledger next."""
        await end(*self._tasks)

    def beat(self) -> bool:
        """Look once, and put what has to be told into the outbox; tell whether there is more to read first. Blocks."""
        now = self._clock.now()
        facts = self._observer.look(now)
        if facts is None:
            return True
        self.facts = facts
        if self._known_at is None or not timedelta() <= now - self._known_at < REFRESH:
            self._remember(*self._alarms.standing(now), now)
        judgement = judge(self._rules, facts, self._states, self._silences, now)
        self._note_broken(judgement.broken)
        if judgement.alarms:
            self._make_true(facts)
        return False

    def _make_true(self, facts: Facts) -> None:
        """Judge again on what is true in this moment, as another gateway may have been quicker, and write that."""

        def decide(states: Mapping[AlarmKey, Alarm], silences: Sequence[Silence]) -> Change:
            now = self._clock.now()  # later than whatever others have read who judge next
            judgement = judge(self._rules, facts, states, silences, now)
            self._remember({**states, **{alarm.key: alarm for alarm in judgement.alarms}}, silences, now)
            return Change(alarms=judgement.alarms, letters=self._letters(judgement, facts, now))

        try:
            self._alarms.change(decide, self._clock.now())
        except BaseException:
            self._known_at = None  # what was remembered has not become true
            raise

    def _letters(self, judgement: Judgement, facts: Facts, now: datetime) -> Sequence[Letter]:
        if not judgement.told:
            return ()
        picture = self._observer.picture(facts, now)
        return [
            letter
            for told in judgement.told
            for letter in letters_of(_alert(told, picture, now), self._heard_by(told.rule.to))
        ]

    def _remember(self, states: Mapping[AlarmKey, Alarm], silences: Sequence[Silence], now: datetime) -> None:
        self._states, self._silences, self._known_at = states, silences, now

    def _note_broken(self, broken: Mapping[str, str]) -> None:
        for name in broken.keys() - self._broken:
            log.error("the rule %s of the alerts fails, and the others go on: %s", name, broken[name])
        self._broken = frozenset(broken)

    async def _run(self) -> None:
        while True:
            if not await self._beat_in_thread():
                await self._clock.sleep_async(BEAT_SECONDS)

    async def _beat_in_thread(self) -> bool:
        """Do not leave a thread behind that is still at it. What goes wrong is logged once, and tried again."""
        work = asyncio.ensure_future(asyncio.to_thread(self.beat))
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            await asyncio.wait([work])
            self._note_failure(work.exception())
            raise
        self._note_failure(work.exception())
        return work.exception() is None and work.result()

    def _note_failure(self, error: BaseException | None) -> None:
        failure = None if error is None else type(error).__name__
        if failure == self._failure:
            return
        self._failure = failure
        if error is None:
            log.warning("the alerts watch again")
        elif isinstance(error, LedgerError):
            log.error("the alerts see nothing as long as the ledger cannot be read: %s", error)
        else:
            log.error("the alerts fail, and try again", exc_info=error)


def _alert(told: Told, picture: Picture, now: datetime) -> Alert:
    alarm = told.alarm
    return Alert(
        rule=alarm.rule,
        subject=alarm.subject,
        severity=Severity(alarm.severity),
        is_over=not alarm.is_firing,
        began_at=min(alarm.began_at, now),
        at=now,
        headline=alarm.headline,
        advice=advice_of(alarm.rule, alarm.subject, picture) if alarm.is_firing else (),
        picture=picture,
    )
