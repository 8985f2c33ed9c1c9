"""Faults and time, seen by an httpx2 client without a socket."""

import asyncio
from typing import Any

import httpx2
import pytest
from tests.simulator.house import START

from keepahead.simulator import Faults, LoopClock, Simulator, SimulatorTransport, SteppedClock, VirtualLoop

BEST = "https://api.keepa.com/bestsellers?key=simulator&domain=1&category=7792528011"
TOKEN = "https://api.keepa.com/token?key=simulator"


def client(timeout: float | None = None, **options: Any) -> tuple[httpx2.Client, Simulator, SteppedClock]:
    """Build a blocking client on a simulated Keepa."""
    clock = SteppedClock(START)
    simulator = Simulator(now=clock.now, balance=500, **options)
    transport = SimulatorTransport(simulator, sleep=clock.sleep)
    return httpx2.Client(transport=transport, timeout=timeout), simulator, clock


def test_gzip() -> None:
    """Answers are packed when the client takes gzip, and plain otherwise."""
    http, _, _ = client()
    packed = http.get(TOKEN)
    plain = http.get(TOKEN, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json().keys() == plain.json().keys()


def test_latency() -> None:
    """A slow answer takes its time on the simulator's clock, and is charged at its end."""
    http, simulator, clock = client(faults=Faults(latency_seconds=(3, 3)))
    body = http.get(BEST).json()
    assert (clock.now() - START).total_seconds() == 3
    assert body["timestamp"] == round(clock.now().timestamp() * 1000)
    assert simulator.truth().consumed == 50


def test_timeout_is_charged() -> None:
    """The read timeout of the client is kept, and Keepa charges all the same when it is done."""
    http, simulator, clock = client(timeout=2, faults=Faults(latency_seconds=(5, 5)))
    with pytest.raises(httpx2.ReadTimeout):
        http.get(BEST)
    assert (clock.now() - START).total_seconds() == 2
    assert simulator.truth().consumed == 0
    clock.sleep(3)
    assert simulator.truth().consumed == 50


@pytest.mark.parametrize(
    ("faults", "error", "charged"),
    [
        (Faults(drop_percent=100), httpx2.RemoteProtocolError, 50),
        (Faults(refuse_percent=100), httpx2.ConnectError, 0),
    ],
)
def test_lost_answers(faults: Faults, error: type[Exception], charged: int) -> None:
    """A dropped answer is charged, a refused connection is not."""
    http, simulator, _ = client(faults=faults)
    with pytest.raises(error):
        http.get(BEST)
    assert simulator.truth().consumed == charged


def test_storm() -> None:
    """In a storm Keepa answers 429 although there are tokens, with the true balance."""
    http, simulator, _ = client(faults=Faults(storm_percent=100))
    answer = http.get(BEST)
    assert (answer.status_code, answer.json()["tokensLeft"]) == (429, 500)
    assert simulator.truth().requests_at_or_below_zero == 0


def test_error_500() -> None:
    """A 500 comes with and without an envelope, charged or not; the envelope tells the truth about the charge."""
    http, simulator, _ = client(faults=Faults(error_percent=100))
    answers = [http.get(BEST) for _ in range(16)]
    assert {answer.status_code for answer in answers} <= {500, 429}
    bodies = [answer.json() for answer in answers if answer.content]
    assert {body["tokensConsumed"] for body in bodies} == {0, 50}
    assert any(not answer.content for answer in answers)
    assert simulator.truth().consumed >= 50


def test_front_end() -> None:
    """A front end in trouble answers HTML without an envelope."""
    http, _, _ = client(faults=Faults(html_percent=100))
    answer = http.get(BEST)
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")


def test_truncated() -> None:
    """A cut-off answer is charged and is no JSON."""
    http, simulator, _ = client(faults=Faults(truncated_percent=100))
    with pytest.raises(ValueError, match=r".*"):
        http.get(BEST).json()
    assert simulator.truth().consumed == 50


def test_zero_envelope() -> None:
    """An envelope of zeros is a 400 that charged nothing."""
    http, simulator, _ = client(faults=Faults(zero_envelope_percent=100))
    answer = http.get(BEST)
    assert (answer.status_code, answer.json()["refillRate"]) == (400, 0)
    assert simulator.truth().consumed == 0


def test_post() -> None:
    """The finder takes its selection as a body or as a parameter, with the same result."""
    http, _, _ = client()
    url = "https://api.keepa.com/query"
    selection = {"rootCategory": [468642], "current_SALES_lte": 20000, "perPage": 50}
    posted = http.post(url, params={"key": "simulator", "domain": 1}, json=selection).json()
    text = httpx2.Request("POST", url, json=selection).content.decode()
    got = http.get(url, params={"key": "simulator", "domain": 1, "selection": text}).json()
    assert posted["asinList"] == got["asinList"] != []


def test_out_of_order() -> None:
    """Late answers overtake each other: a newer timestamp can arrive before an older one."""

    async def main() -> list[int]:
        clock = LoopClock(asyncio.get_running_loop(), START)
        faults = Faults(latency_seconds=(0.1, 1), late_percent=40)
        simulator = Simulator(now=clock.now, faults=faults)
        seen: list[int] = []
        async with httpx2.AsyncClient(
            transport=SimulatorTransport(simulator, sleep_async=clock.sleep_async), timeout=60
        ) as http:

            async def one() -> None:
                seen.append((await http.get(TOKEN)).json()["timestamp"])

            await asyncio.gather(*(one() for _ in range(20)))
        return seen

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        seen = runner.run(main())
    assert len(seen) == 20
    assert seen != sorted(seen)


def test_cancelled_is_charged() -> None:
    """A task that is cancelled while it waits is charged all the same."""

    async def main() -> int:
        clock = LoopClock(asyncio.get_running_loop(), START)
        simulator = Simulator(now=clock.now, faults=Faults(latency_seconds=(5, 5)))
        async with httpx2.AsyncClient(
            transport=SimulatorTransport(simulator, sleep_async=clock.sleep_async), timeout=60
        ) as http:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await http.get(BEST)
        await asyncio.sleep(10)
        return simulator.truth().consumed

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == 50


def test_faults_repeat() -> None:
    """The same seed brings the same troubles."""
    faults = Faults(error_percent=30, storm_percent=30, html_percent=20)
    first, second = (client(faults=faults)[0] for _ in range(2))
    runs = [[http.get(TOKEN).status_code for _ in range(30)] for http in (first, second)]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 1
