"""Runs a command that spends: one client, progress, and what was delivered even when it ends early."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from keepahead.budget.status import Status
from keepahead.clock import SystemClock
from keepahead.errors import BadAnswerError, KeepaError, KeepaheadError, PartialResultError
from keepahead.faces.cli.account import account_line, say_if_simulated
from keepahead.faces.cli.exits import INTERRUPTED_SENTENCE, Interrupted
from keepahead.faces.cli.options import LaneName
from keepahead.faces.cli.progress import Watch
from keepahead.faces.cli.streams import say
from keepahead.faces.ledger_documents import account_json
from keepahead.faces.settings import data_folder, read_settings
from keepahead.faces.wiring import AsyncKeepa
from keepahead.faces.words import span, tokens
from keepahead.keepa.wire import Answer

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms a command spends; None is no limit."""

    lane: LaneName
    caller: str | None
    max_wait_seconds: float | None


@dataclass(frozen=True, slots=True)
class Outcome(Generic[R]):
    """What a command got and spent, the account afterwards (None: the ledger is gone), and why it ended early.

    `archived` are the answers that cost nothing.
    """

    result: R
    spent: int
    status: Status | None
    failure: KeepaheadError | None = None
    archived: Sequence[Answer] = ()

    @property
    def account(self) -> dict[str, Any]:
        """The account for a JSON document."""
        archived = {"archived": len(self.archived), "stale": sum(answer.is_stale for answer in self.archived)}
        return {
            "spent": self.spent,
            **archived,
            **(account_json(self.status, SystemClock().now()) if self.status else {}),
        }

    def finish(self) -> None:
        """Say what was spent and what is left; raise what ended the command early."""
        now = SystemClock().now()
        left = f"; {account_line(self.status, now)}" if self.status else ""
        if self.archived:
            oldest = span((now - min(answer.fetched_at for answer in self.archived)).total_seconds())
            say(f"{len(self.archived)} from the archive, the oldest fetched {oldest} ago")
        if stale := sum(answer.is_stale for answer in self.archived):
            say(f"warning: {stale} of them are older than was accepted, for want of tokens")
        say(f"spent {tokens(self.spent)}{left}")
        if self.failure is not None:
            raise self.failure


def spend(
    terms: Terms,
    work: Callable[[AsyncKeepa], Awaitable[R]],
    result: Callable[[Sequence[Answer]], R],
    *,
    items: int | None = None,
) -> Outcome[R]:
    """Do the work. Ctrl-C keeps what was delivered: `result` makes it of the answers. Raises KeepaheadError."""
    try:
        return asyncio.run(_spend(terms, work, result, items))
    except BadAnswerError as error:
        raise BadAnswerError(
            f"{error}; they are in {_kept(error.body)}",
            status=error.status,
            body=error.body,
            tokens_charged=error.tokens_charged,
        ) from None


async def _spend(
    terms: Terms,
    work: Callable[[AsyncKeepa], Awaitable[R]],
    result: Callable[[Sequence[Answer]], R],
    items: int | None,
) -> Outcome[R]:
    settings = read_settings()
    watch = Watch(items, lambda: say_if_simulated(settings))
    failure: KeepaheadError | None = None
    async with AsyncKeepa(
        lane=terms.lane,
        caller=terms.caller or settings.caller or "keepahead",
        max_wait_seconds=terms.max_wait_seconds,
        watch=watch,
    ) as keepa:
        try:
            with watch.shown():
                got = await work(keepa)
        except PartialResultError as partial:
            got, failure = partial.results, partial
            if isinstance(partial.cause, BadAnswerError):
                say(f"warning: what could not be read is in {_kept(partial.cause.body)}")
        except asyncio.CancelledError:
            if not watch.answers:
                raise
            got, failure = result(watch.answers), Interrupted(INTERRUPTED_SENTENCE)
        spent = watch.spent + _charged(failure)
        return Outcome(got, spent, await _status(keepa), failure, tuple(watch.archived))


def _charged(failure: KeepaheadError | None) -> int:
    cause = failure.cause if isinstance(failure, PartialResultError) else failure
    return cause.tokens_charged if isinstance(cause, KeepaError) else 0


async def _status(keepa: AsyncKeepa) -> Status | None:
    """Return the account; what was paid for is shown even when the ledger has gone."""
    try:
        return await keepa.status()
    except KeepaheadError as error:
        say(f"warning: {error}")
        return None


def _kept(body: bytes) -> str:
    """Write down an answer that cannot be read: it may have been paid for. Return where it is."""
    path = data_folder() / "unread-answers" / hashlib.sha256(body).hexdigest()[:16]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    except OSError as error:
        return f"no file, for {path} cannot be written ({error.strerror})"
    return str(path)
