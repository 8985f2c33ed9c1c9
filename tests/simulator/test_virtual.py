"""The loop that jumps instead of sleeping."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from tests.simulator.house import START

from keepahead.simulator import DeadlockError, LoopClock, ScaledClock, SteppedClock, VirtualLoop


def test_hours_in_no_time() -> None:
    """Hours of sleeping pass at once, and the clock tells them."""

    async def main() -> timedelta:
        clock = LoopClock(None, START)
        clock.now()
        await clock.sleep_async(6 * 3600)
        return clock.now() - START

    began = time.monotonic()
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == timedelta(hours=6)
    assert time.monotonic() - began < 2


def test_order_of_timers() -> None:
    """Timers fire in the order of their moments."""
    seen: list[float] = []

    async def wait(seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append(asyncio.get_running_loop().time())

    async def main() -> None:
        await asyncio.gather(*(wait(seconds) for seconds in (30, 10, 20)))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    assert seen == [10, 20, 30]


def test_threads_hold_the_clock() -> None:
    """While a thread works, real time passes and virtual time stands: no timeout fires because of it."""

    async def main() -> float:
        async with asyncio.timeout(1):
            await asyncio.to_thread(time.sleep, 0.05)
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == 0


def test_deadlock() -> None:
    """When nothing can ever wake a task, the loop says so instead of hanging."""

    async def main() -> None:
        await asyncio.Event().wait()

    runner = asyncio.Runner(loop_factory=VirtualLoop)
    with pytest.raises(DeadlockError):
        runner.run(main())
    loop = runner.get_loop()
    for task in asyncio.all_tasks(loop):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
    runner.close()


def test_sockets_are_served_first() -> None:
    """Real sockets on the same loop get their turn before the clock jumps over them."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    async def main() -> bytes:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello\n")
        async with asyncio.timeout(30):
            line = await reader.read()
        writer.close()
        await writer.wait_closed()
        server.close()
        return line

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == b"hello\n"


def test_stepped_clock() -> None:
    """A stepped clock moves only when somebody sleeps on it."""
    clock = SteppedClock(START)
    clock.sleep(90)
    asyncio.run(clock.sleep_async(30))
    assert clock.now() - START == timedelta(minutes=2)


def test_blocking_is_refused() -> None:
    """A clock that follows a loop cannot be slept on by blocking it."""
    with pytest.raises(RuntimeError, match="sleep_async"):
        LoopClock(None, START).sleep(1)


def test_scaled_clock() -> None:
    """A scaled clock starts at the real moment, runs at its speed, and sleeps that much shorter."""
    before = datetime.now(UTC)
    clock = ScaledClock(600)
    assert before <= clock.since <= datetime.now(UTC)
    began = time.monotonic()
    clock.sleep(30)
    asyncio.run(clock.sleep_async(30))
    assert 0.1 <= time.monotonic() - began < 5
    assert clock.now() - clock.since >= timedelta(minutes=1)


def test_clocks_of_one_origin_agree() -> None:
    """Clocks that are made at different moments show the same time when they are given the same origin."""
    first = ScaledClock(600)
    time.sleep(0.05)  # half a minute of theirs
    second = ScaledClock(600, since=first.since)
    moments = [clock.now() for clock in (first, second, first)]
    assert moments == sorted(moments)
    assert ScaledClock(600).now() < first.now()


def test_no_standing_clock() -> None:
    """A speed of nothing is refused."""
    with pytest.raises(ValueError, match="above 0"):
        ScaledClock(0)
