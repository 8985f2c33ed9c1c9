"""The simulated Keepa on a real port, and one state file under two processes."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx2
import pytest
import uvicorn
from tests.simulator.house import START, open_house

from keepahead.simulator import ScaledClock, Simulator, SteppedClock, make_app


@pytest.fixture
def served() -> Iterator[tuple[str, Simulator]]:
    """Serve a simulated Keepa with uvicorn on a free loopback port."""
    clock = SteppedClock(START)
    simulator = Simulator(now=clock.now, balance=500)
    config = uvicorn.Config(make_app(simulator), log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", simulator
        server.should_exit = True
        thread.join()


def test_on_a_port(served: tuple[str, Simulator]) -> None:
    """Over a socket: packed answers, a control plane, and answers that die with their charge booked."""
    url, _ = served
    asked = {"key": "simulator", "domain": 1, "category": 7792528011}
    with httpx2.Client(base_url=url, timeout=10) as http:
        answer = http.get("/bestsellers", params=asked)
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.json()["tokensLeft"] == 450
        assert http.get("/deals", params=asked).status_code == 404
        assert http.put("/_simulator/faults", json={"drop_percent": 100}).status_code == 204
        with pytest.raises(httpx2.RemoteProtocolError):
            http.get("/bestsellers", params=asked)
        assert http.put("/_simulator/faults", json={}).status_code == 204
        assert http.put("/_simulator/faults", json={"drops": 1}).status_code == 400
        assert http.put("/_simulator/rate", json={"refill_rate": 7}).status_code == 204
        truth = http.get("/_simulator/truth").json()
        assert (truth["consumed"], truth["refill_rate"]) == (100, 7)
        assert [line[1] for line in truth["log"]] == ["/bestsellers", "/bestsellers"]


CHILD = """
import json, sys
from datetime import datetime, timezone
from pathlib import Path
from keepahead.simulator import Simulator
now = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
simulator = Simulator(now=lambda: now, balance=500, state_file=Path(sys.argv[1]))
query = {"key": "simulator", "domain": "1", "asin": "B0D8W1YVBX", "history": "0", "update": sys.argv[2]}
for _ in range(40):
    simulator.finish(simulator.begin("GET", "/product", query))
print(json.dumps(simulator.truth().balance))
"""


def test_two_processes(tmp_path: Path) -> None:
    """Two processes on one state file spend from one bucket, and it survives both."""
    path = tmp_path / "simulator.db"
    argv = [sys.executable, "-c", CHILD, str(path), "1"]
    children = [subprocess.Popen(argv, stdout=subprocess.PIPE) for _ in range(2)]
    left = [json.loads(child.communicate()[0]) for child in children]
    assert min(left) == 420
    house = open_house(balance=9, state_file=path)
    assert house.simulator.truth().balance == 420
    assert house.simulator.truth().requests == 80


def test_file_holds_no_key(tmp_path: Path) -> None:
    """A state file names accounts by fingerprint; what was collected is remembered across restarts."""
    path = tmp_path / "simulator.db"
    asin = open_house().some(1)[0]
    key = "k" * 64
    first = open_house(state_file=path).cost("/product", asin=asin, domain=1, offers=20, key=key)
    assert first != 5
    assert open_house(state_file=path).cost("/product", asin=asin, domain=1, offers=20, key=key) == 5
    written = b"".join(file.read_bytes() for file in tmp_path.glob("simulator.db*"))
    assert key.encode() not in written


def test_run_server(tmp_path: Path) -> None:
    """The command's server takes a free port, announces it, and tells its clock, which then others can live by too."""
    code = (
        "from keepahead.simulator.server import run_server; from keepahead.simulator import Faults, ScaledClock;"
        "run_server(port=0, rate=20, balance=5, clock=ScaledClock(600), faults=Faults(),"
        " ready=lambda u: print(u, flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path) as child:
        try:
            assert child.stdout is not None
            url = child.stdout.readline().strip()
            bodies = [httpx2.get(f"{url}/token?key=simulator").json() for _ in range(2)]
            assert bodies[1]["timestamp"] - bodies[0]["timestamp"] > 0
            assert bodies[0]["refillRate"] == 20
            told = httpx2.get(f"{url}/_simulator/clock").json()
            assert told["speed"] == 600
            ours = ScaledClock(told["speed"], since=datetime.fromisoformat(told["since"]))
            before = ours.now().timestamp() * 1000
            theirs = httpx2.get(f"{url}/token?key=simulator").json()["timestamp"]
            assert before - 1 <= theirs <= ours.now().timestamp() * 1000 + 1
        finally:
            child.terminate()
