"""Child processes of the system tests, and what must be true of ledger and simulator when they are gone."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.served import Served

from keepahead.faces.wiring import fingerprint_of
from keepahead.simulator import ScaledClock
from keepahead.store.audit import Audit
from keepahead.store.database import Database
from keepahead.store.ledger import Ledger
from keepahead.store.record import Record

ROOT = Path(__file__).parent.parent.parent
FLOOR = 10


def start(module: str, **order: Any) -> subprocess.Popen[str]:
    """Start a module of tests/system as a program of its own; it finds its order in its first argument."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.system.{module}", json.dumps(order)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def order() -> dict[str, Any]:
    """Return what this program was told by `start`."""
    return json.loads(sys.argv[1])


def spot(served: Served, url: str, key: str) -> dict[str, Any]:
    """Return where and when to spend, as a child is told it."""
    clock = served.clock
    return {
        "upstream_url": served.url,
        "database_url": url,
        "key": key,
        "speed": clock.speed,
        "since": clock.since.isoformat(),
    }


def clock_of(told: dict[str, Any]) -> ScaledClock:
    """Return the clock that all who spend at one simulator share."""
    return ScaledClock(told["speed"], since=datetime.fromisoformat(told["since"]))


class Books:
    """What the ledger says of one account, beside what the simulator says."""

    def __init__(self, database: Database, served: Served, key: str) -> None:
        self._fingerprint = fingerprint_of(served.url, key)
        self._database = database
        self._served = served
        self._key = key
        self.ledger = Ledger(database, self._fingerprint)
        self.record = Record(database, self._fingerprint)
        self._audit = Audit(database, self._fingerprint)

    def truth(self) -> dict[str, Any]:
        """Return what the simulator says."""
        return self._served.truth(self._key)

    def held(self) -> tuple[int, int]:
        """Return the tokens that are reserved, and those of lost answers."""
        account = self.ledger.account()
        return account.reserved, account.unknown

    def demand_agreement(self) -> None:
        """Demand that the newest meter is the bucket after its last charge, to the token and to the millisecond.

        For a quiet moment: nothing is under way. (The balance that is projected from that meter may be a tick behind
        the bucket's: it counts a lump only when it is surely there.)
        """
        truth, account = self.truth(), self.ledger.account()
        at_ms, _, _, balance = truth["log"][-1]
        assert account.meter is not None
        assert account.meter.tokens_left == balance
        assert round(account.meter.measured_at.timestamp() * 1000) == at_ms
        assert (account.reserved, account.unknown) == (0, 0)
        now = self._served.clock.now()
        projected = account.balance_at(now)
        late = account.balance_at(now - timedelta(seconds=10))
        assert late <= projected <= self.truth()["balance"]
        account.check()
        self.demand_replay()

    def demand_replay(self) -> None:
        """Demand that all entries from the first to the last add up to the account."""
        assert self._audit.verify().drifts == ()
