"""All laws but the floor's: each is told what happens, and tells what is wrong with it."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from keepahead.budget.ask import Ask
from keepahead.errors import KeepaheadError
from keepahead.simulator.answers import Reply
from keepahead.simulator.bucket import Bucket
from lab.auditor import BrokenLawError
from lab.laws.asked import ASKED, Asked
from lab.laws.gentle import Gentle
from lab.laws.kept import Kept
from lab.laws.prompt import Prompt
from lab.laws.sums import check_sums
from lab.laws.truth import Truth
from lab.laws.turns import Turns
from lab.network import Exchange
from lab.process import Process


class Laws:
    """What is wrong is kept in `broken`: whoever caused it might catch an error."""

    def __init__(
        self,
        path: Path,
        bucket: Bucket,
        kinds: frozenset[str],
        seconds: Callable[[], float],
        waiting: Callable[[], Iterable[Asked]],
    ) -> None:
        self.broken: str | None = None
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._bucket = bucket
        self._kinds = kinds
        self._seconds = seconds
        self._waiting = waiting
        self._asked: dict[str, Asked] = {}
        self._kept = Kept(self._connection, seconds, kinds)
        self._prompt = Prompt(seconds, kinds)
        self._turns = Turns(self._connection, seconds, kinds, bucket)
        self._truth = Truth(self._connection)
        self._gentle = Gentle(self._connection, seconds, kinds, bucket)

    @property
    def due_at(self) -> float:
        """The next moment at which `check` may find something."""
        return self._kept.due_at

    def asks(self, ask: Ask) -> None:
        """Take note that somebody asks for tokens."""
        self._turns.asks[ask.label.call_id] = ask

    def sent(self, exchange: Exchange) -> None:
        """Take note that a request leaves its process."""
        asked = ASKED.get()
        if asked is not None:
            asked.exchanges.append(exchange)
            self._asked[exchange.call_id] = asked
        self._find(self._kept.sent(exchange, asked))
        self._find(self._gentle.sent(exchange))

    def ended(self, exchange: Exchange, reply: Reply | None, charged: Mapping[str, int]) -> None:
        """Take note that Keepa has finished."""
        self._truth.ended(exchange.call_id, charged["consumed"])
        if reply is not None:
            self._find(self._gentle.ended(reply, self._asked.get(exchange.call_id)))

    def delivered(self, exchange: Exchange, reply: Reply) -> None:
        """Take note that an answer reaches its process."""
        self._kept.delivered(exchange, reply, self._asked.pop(exchange.call_id, None))
        self._find(self._gentle.delivered(exchange))

    def after_commit(self) -> None:
        """Take note that somebody has written to the database."""
        self._kept.after_commit()
        self._find(self._turns.after_commit())

    def check(self) -> None:
        """Look at what is due."""
        self._find(self._kept.check())
        self._find(self._gentle.check())
        self._find(self._turns.check())
        self._find(self._prompt.check(self._waiting()))

    def over(self, asked: Asked, error: KeepaheadError | None) -> None:
        """Take note that a wish has ended."""
        self._find(self._prompt.ended(asked))
        self._find(self._truth.check(asked, error))

    def died(self, process: Process) -> None:
        """Take note that a process was killed."""
        self._kept.died(process)

    def plan_changes(self) -> None:
        """Take note that the plan is another one from now on, in a run in which it would have stayed."""
        self._kinds |= {"plans"}

    def when_quiet(self, overlap: int) -> None:
        """Compare the sums once all have been served."""
        self.check()
        self._find(check_sums(self._connection, self._bucket, self._kinds, overlap))
        self.demand()

    def demand(self) -> None:
        """Raise what is wrong."""
        if self.broken:
            raise BrokenLawError(self.broken)

    def close(self) -> None:
        """Close its connection, and let go of everything: the tasks that hang on it shall end now."""
        self._connection.close()
        self._asked.clear()
        del self._kept, self._gentle, self._waiting, self._turns

    def _find(self, wrong: str | None) -> None:
        self.broken = self.broken or wrong
