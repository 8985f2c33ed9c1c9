"""Whatever happens on the way, an alert arrives: late, or after a crash, but in order, and not again and again."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.work.alerts.letters import AT, alert
from tests.work.alerts.sinks import free_port, mail_sink, parts_of, silent_server, webhook_sink

from keepahead.errors import LedgerUnavailableError
from keepahead.faces.alert_addresses import read_mail_server
from keepahead.simulator import ScaledClock
from keepahead.store.outbox import Letter, Outbox, Parcel
from keepahead.work.alerts.address import read_address
from keepahead.work.alerts.alert import Alert
from keepahead.work.alerts.channels import Channel, Channels, Log
from keepahead.work.alerts.courier import GIVE_UP_AFTER, HOLD, Courier, retry_at
from keepahead.work.alerts.letters import letters_of
from keepahead.work.alerts.target import Target

SPEED = 100  # a beat takes 20 ms, the first wait after a failure 50 ms


@pytest.fixture
def clock() -> ScaledClock:
    """Time that is soon over."""
    return ScaledClock(SPEED)


class Notebook:
    """A channel that keeps what it is told; `trouble` happens before that."""

    def __init__(self, name: str = "notebook", trouble: Callable[[], str] = lambda: "") -> None:
        self.name = name
        self.told: list[Alert] = []
        self._trouble = trouble

    def send(self, alert: Alert, now: datetime) -> str:  # noqa: ARG002
        why = self._trouble()
        if not why:
            self.told.append(alert)
        return why


def letters(*channels: str, **changes: Any) -> Sequence[Letter]:
    """Return the same alert for each channel."""
    return letters_of(alert(**changes), channels)


@asynccontextmanager
async def working(outbox: Outbox, clock: ScaledClock, *channels: Channel, **options: Any) -> AsyncIterator[Courier]:
    """Have a courier at work."""
    courier = Courier(outbox, Channels(channels, {}), clock, **options)
    courier.start()
    try:
        yield courier
    finally:
        await courier.stop(5)


async def until(is_so: Callable[[], Any], seconds: float = 30.0) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 - what is waited for happens elsewhere
            await asyncio.sleep(0.01)


@pytest.fixture
def outbox(database) -> Outbox:
    """The outbox of one account."""
    return Outbox(database, "account")


async def test_it_arrives_everywhere(outbox, clock, caplog):
    """A mail, a webhook and the log are told what was put in, each once, and the list says when."""
    caplog.set_level(logging.INFO, "keepahead")
    with mail_sink() as mails, webhook_sink() as hook:
        mail = Target(read_address("ann@example.com", read_mail_server(mails.url)))
        web = Target(read_address(hook.url, None))
        outbox.put(letters(mail.name, web.name, "log"), clock.now())
        async with working(outbox, clock, mail, web, Log()):
            await until(lambda: not outbox.waiting())
    (arrived,) = mails.mails
    assert "18 tokens are left" in parts_of(arrived)[0]
    assert [document["title"] for document in hook.documents] == [arrived["Subject"]]
    said = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "keepahead.alerts"]
    assert said == [("ERROR", "alert critical: 18 tokens are left; critical is below 20")]
    assert all(each.delivered_at and each.attempts == 1 and not each.failure for each in outbox.recent())


async def test_a_mail_server_that_comes_back(outbox, clock, caplog):
    """What fails is tried again, with the reason on the list; then the beginning arrives before the end."""
    port = free_port()
    mail = Target(read_address("ann@example.com", read_mail_server(f"smtp://127.0.0.1:{port}")))
    outbox.put([*letters(mail.name), *letters(mail.name, is_over=True)], clock.now())
    async with working(outbox, clock, mail):
        await until(lambda: any(each.failure for each in outbox.recent()))
        began = outbox.recent()[-1]
        assert "Connection refused" in (began.failure or "")
        await until(lambda: "mail:ann@example.com cannot be told" in caplog.text)
        with mail_sink(port) as mails:
            await until(lambda: not outbox.waiting())
    subjects = [each["Subject"].split()[1] for each in mails.mails]
    assert subjects == ["critical:", "over:"]
    assert outbox.recent()[-1].attempts >= 2


async def test_one_that_hangs_delays_no_other(outbox, clock):
    """While one channel says no word, others are told at once; it has failed when its time is over."""
    with silent_server() as port, webhook_sink() as hook:
        slow = Target(read_address(f"json://127.0.0.1:{port}/?rto=60", None))
        web = Target(read_address(hook.url, None))
        outbox.put([*letters(slow.name), *letters(web.name), *letters(web.name, rule="low")], clock.now())
        async with working(outbox, clock, slow, web, send_seconds=1.0):
            await until(lambda: len(hook.documents) == 2, 0.9)
            await until(lambda: any(each.failure for each in outbox.recent()))
    assert [each.failure for each in outbox.recent() if each.channel == slow.name] == ["no answer within 1 s"]


async def test_a_holder_that_died(outbox, clock):
    """What somebody took out and never told of is delivered by the next, once his time is over."""
    outbox.put(letters("notebook"), clock.now())
    began = clock.now()
    assert outbox.claim("dead", began, hold=HOLD) is not None
    notebook = Notebook()
    async with working(outbox, clock, notebook):
        await until(lambda: notebook.told)
    assert clock.now() - began >= HOLD
    assert notebook.told == [alert()]


async def test_several_gateways(outbox):
    """Of several couriers each letter is delivered by one."""
    notebook, clock = Notebook(), ScaledClock(10)  # slower: nobody is to lose a letter for being late
    for number in range(20):
        outbox.put(letters("notebook", subject=f"caller {number}"), clock.now())
    async with working(outbox, clock, notebook), working(outbox, clock, notebook), working(outbox, clock, notebook):
        await until(lambda: not outbox.waiting())
    assert sorted(each.subject for each in notebook.told) == sorted(f"caller {number}" for number in range(20))


async def test_a_channel_that_is_not_there(outbox, clock, caplog):
    """A letter for a channel that the settings have no more is kept for another gateway, and said to be so."""
    outbox.put(letters("mail:gone@example.com"), clock.now())
    async with working(outbox, clock):
        await until(lambda: any(each.failure for each in outbox.recent()))
    assert outbox.recent()[0].failure == "no such channel is set on this gateway"
    notebook = Notebook("mail:gone@example.com")
    async with working(outbox, clock, notebook):
        await until(lambda: notebook.told)


async def test_a_channel_with_a_fault(outbox, clock, caplog):
    """A library that raises is a failure like any other; what it says is not told, for it may hold an address."""

    def fail() -> str:
        raise RuntimeError("https://hooks.example.com/very-secret")

    outbox.put([*letters("broken"), *letters("notebook")], clock.now())
    notebook = Notebook()
    async with working(outbox, clock, Notebook("broken", fail), notebook):
        await until(lambda: notebook.told and any(each.failure for each in outbox.recent()))
    assert "a fault of the channel: RuntimeError" in caplog.text
    assert "secret" not in caplog.text


async def test_a_letter_that_cannot_be_read(outbox, clock):
    """A letter of another version is no fault, and waits for a gateway that can read it."""
    (letter,) = letters("notebook")
    outbox.put([Letter(**{**_as_dict(letter), "alert": "{}"})], clock.now())
    async with working(outbox, clock, Notebook()):
        await until(lambda: any(each.failure for each in outbox.recent()))
    assert "cannot read" in (outbox.recent()[0].failure or "")


def _as_dict(letter: Letter) -> dict[str, Any]:
    return {name: getattr(letter, name) for name in Letter.__slots__}


class Shaky(Outbox):
    """An outbox whose ledger is away when told so."""

    is_away = False

    def claim(self, *args: Any, **options: Any) -> Parcel | None:
        self._check()
        return super().claim(*args, **options)

    def delivered(self, parcel: Parcel, now: datetime) -> None:
        self._check()
        super().delivered(parcel, now)

    def _check(self) -> None:
        if self.is_away:
            raise LedgerUnavailableError("the ledger is away")


async def test_a_ledger_that_is_away(database, clock, caplog):
    """It is said once; when the ledger is back what has been told is on record, and is not told again."""
    outbox = Shaky(database, "account")
    outbox.is_away = True

    def lose_the_ledger() -> str:
        outbox.is_away = True
        return ""

    notebook = Notebook(trouble=lose_the_ledger)
    async with working(outbox, clock, notebook):
        await asyncio.sleep(0.1)
        outbox.put(letters("notebook"), clock.now())
        outbox.is_away = False
        await until(lambda: notebook.told)
        await asyncio.sleep(0.05)
        outbox.is_away = False
        await until(lambda: not outbox.waiting())
        await asyncio.sleep(0.1)
    assert len(notebook.told) == 1
    assert caplog.text.count("alerts cannot be delivered") <= 2


async def test_it_stops_in_time(outbox, clock):
    """A stop waits for a channel no longer than it may; the letter is delivered by the next gateway."""
    with silent_server() as port:
        slow = Target(read_address(f"json://127.0.0.1:{port}/?rto=60", None))
        outbox.put(letters(slow.name), clock.now())
        courier = Courier(outbox, Channels([slow], {}), clock)
        courier.start()
        await until(lambda: outbox.recent()[0].attempts)
        async with asyncio.timeout(5):
            await courier.stop(0.2)
    assert outbox.waiting() == 1
    notebook = Notebook(slow.name)
    async with working(outbox, clock, notebook):
        await until(lambda: notebook.told)


async def test_what_is_under_way_may_end(outbox, clock):
    """A stop lets a channel that answers in time finish: it is not told twice."""
    notebook = Notebook(trouble=lambda: asyncio.run(asyncio.sleep(0.3)) or "")
    outbox.put(letters("notebook"), clock.now())
    courier = Courier(outbox, Channels([notebook], {}), clock)
    courier.start()
    await until(lambda: outbox.recent()[0].attempts)
    await courier.stop(5)
    assert (len(notebook.told), outbox.waiting()) == (1, 0)


def test_a_thread_that_hangs_keeps_no_process(tmp_path):
    """A process ends though a channel of it never does."""
    program = (
        "import threading\n"
        "from keepahead.work.alerts.threads import OwnThreads\n"
        "OwnThreads().submit(threading.Event().wait)\n"
        "print('done')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "done\n"


def parcel(attempts: int, made_at: datetime) -> Parcel:
    """Return a letter that was tried so often."""
    (letter,) = letters("notebook")
    return Parcel(**_as_dict(letter), delivery_id=1, holder="one", attempts=attempts, made_at=made_at)


def test_when_it_is_tried_again():
    """Soon at first, then later and later, at most an hour apart; given up after a day."""
    at, tried = AT, []
    while (again := retry_at(parcel(len(tried) + 1, AT), at)) is not None:
        tried.append((again - at).total_seconds())
        at = again
    assert tried[:6] == [5, 30, 120, 600, 1800, 3600]
    assert set(tried[6:]) == {3600}
    assert GIVE_UP_AFTER <= at - AT < GIVE_UP_AFTER + timedelta(hours=1)


@given(attempts=st.integers(1, 9), away=st.timedeltas(timedelta(days=-4000), timedelta(days=4000)))
def test_a_clock_that_jumps_loses_nothing(attempts, away):
    """However the clock jumps, a letter is not given up before it was tried some times, and never put off for long."""
    now = AT + away
    again = retry_at(parcel(attempts, AT), now)
    assert again is not None
    assert timedelta() < again - now <= timedelta(hours=1)


async def test_old_letters_go(outbox, clock):
    """What was delivered long ago is taken off the list; what was not stays."""
    long_ago = clock.now() - timedelta(days=40)
    outbox.put([*letters("notebook"), *letters("other")], long_ago)
    parcel = outbox.claim("one", long_ago, hold=HOLD)
    assert parcel is not None
    outbox.delivered(parcel, long_ago)
    async with working(outbox, clock, Notebook("other")):
        await until(lambda: not outbox.waiting())
    assert [each.channel for each in outbox.recent()] == ["other"]
