"""Takes alerts from the outbox to where they go: again and again until they are there, and in nobody's way."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import msgspec

from keepahead.budget.meter import CLOCKS_AGREE
from keepahead.clock import Clock
from keepahead.errors import LedgerError
from keepahead.store.outbox import Outbox, Parcel
from keepahead.work.alerts.channels import Channels
from keepahead.work.alerts.letters import alert_of
from keepahead.work.alerts.threads import OwnThreads

BEAT_SECONDS = 2.0
"""So often we look whether there is something to deliver."""

SEND_SECONDS = 20.0
"""A channel that takes longer has failed."""

HOLD = timedelta(seconds=SEND_SECONDS + 10) + CLOCKS_AGREE
"""A letter of ours that we tell nothing of for so long is somebody else's, whose clock may be ahead of ours."""

GIVE_UP_AFTER = timedelta(hours=24)
KEPT = timedelta(days=30)
"""So long letters that are done with stay on the list."""

_WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600))
_FEWEST_ATTEMPTS = 10
_SWEEP_EVERY = timedelta(hours=1)

log = logging.getLogger("keepahead")


class Courier:
    """Delivers for one gateway. Several on one outbox share the work, and each letter is taken by one.

    A channel is told one thing at a time; one that hangs keeps no other waiting.
    """

    def __init__(self, outbox: Outbox, channels: Channels, clock: Clock, *, send_seconds: float = SEND_SECONDS) -> None:
        self._outbox = outbox
        self._channels = channels
        self._clock = clock
        self._send_seconds = send_seconds
        self._holder = secrets.token_hex(8)
        self._threads = OwnThreads()
        self._task: asyncio.Task[None] | None = None
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._swept_at: datetime | None = None
        self._is_ledger_away = False
        self._is_stopping = asyncio.Event()

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def stop(self, seconds: float) -> None:
        """Take nothing more out, and give what is under way so many seconds; the rest stays for the next who looks."""
        if self._task is None:
            return
        self._is_stopping.set()  # not cancelled: what is just being taken out would be nobody's for a while
        await asyncio.wait([self._task])
        if self._under_way:
            _, late = await asyncio.wait(self._under_way.values(), timeout=seconds)
            for each in late:
                each.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self) -> None:
        while not self._is_stopping.is_set():
            try:
                await self._look()
            except LedgerError as error:
                if not self._is_ledger_away:
                    log.error("alerts cannot be delivered: %s", error)  # noqa: TRY400 - the reason says it all
                self._is_ledger_away = True
            else:
                self._is_ledger_away = False
            await self._rest()

    async def _rest(self) -> None:
        """Wait for the next beat, or for the end."""
        ends = [
            asyncio.ensure_future(each) for each in (self._clock.sleep_async(BEAT_SECONDS), self._is_stopping.wait())
        ]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for each in ends:
            each.cancel()

    async def _look(self) -> None:
        """Take out all that is due for channels that have nothing to do."""
        now = self._clock.now()
        if self._swept_at is None or abs(now - self._swept_at) >= _SWEEP_EVERY:
            await asyncio.to_thread(self._outbox.sweep, now - KEPT)
            self._swept_at = now
        while not self._is_stopping.is_set() and (parcel := await asyncio.to_thread(self._claim)):
            task = asyncio.create_task(self._deliver(parcel))
            self._under_way[parcel.channel] = task
            task.add_done_callback(partial(self._done, parcel.channel))

    def _claim(self) -> Parcel | None:
        return self._outbox.claim(self._holder, self._clock.now(), hold=HOLD, besides=tuple(self._under_way))

    def _done(self, channel: str, task: asyncio.Task[None]) -> None:
        del self._under_way[channel]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a fault of keepahead itself, in delivering an alert: %s", type(error).__name__)

    async def _deliver(self, parcel: Parcel) -> None:
        why = await self._send(parcel)
        now = self._clock.now()
        if not why:
            await self._note(partial(self._outbox.delivered, parcel, now))
            if parcel.attempts > 1:
                log.info("alert %s was told to %s at attempt %d", parcel.rule, parcel.channel, parcel.attempts)
            return
        again_at = retry_at(parcel, now)
        await self._note(partial(self._outbox.failed, parcel, why, again_at, now))
        if again_at is None:
            log.error("alert %s is given up: %s cannot be told: %s", parcel.rule, parcel.channel, why)
        else:
            wait = (again_at - now).total_seconds()
            log.warning("alert %s: %s cannot be told: %s; again in %.0f s", parcel.rule, parcel.channel, why, wait)

    async def _send(self, parcel: Parcel) -> str:
        """Tell the channel; return why that failed, or nothing."""
        channel = self._channels.named(parcel.channel)
        if channel is None:
            return "no such channel is set on this gateway"
        try:
            alert = alert_of(parcel)
        except msgspec.MsgspecError:
            return "this version of keepahead cannot read the alert"
        work = partial(channel.send, alert, self._clock.now())
        sent = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.wait_for(sent, self._send_seconds)
        except TimeoutError:
            return f"no answer within {self._send_seconds:.0f} s"
        except Exception as error:  # noqa: BLE001 - a library's; what it says may hold the address
            return f"a fault of the channel: {type(error).__name__}"

    async def _note(self, write: Callable[[], None]) -> None:
        """Write down how it went, even if the ledger is away for a moment: else it would be told again."""
        until = self._clock.now() + HOLD
        while True:
            try:
                await asyncio.to_thread(write)
            except LedgerError:
                if self._clock.now() >= until:
                    return
                await self._clock.sleep_async(BEAT_SECONDS)
            else:
                return


def retry_at(parcel: Parcel, now: datetime) -> datetime | None:
    """Return when a letter that has failed is tried again, later each time; None gives it up.

    It takes a day and some attempts: a clock that jumps ahead, or a gateway that was down, loses nothing.
    """
    if now - parcel.made_at >= GIVE_UP_AFTER and parcel.attempts >= _FEWEST_ATTEMPTS:
        return None
    return now + _WAITS[min(parcel.attempts, len(_WAITS)) - 1]
