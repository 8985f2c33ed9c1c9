"""The steps of a flow, which a driver carries out, and the two facts that a driver tells it of a failed one."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from keepahead.keepa.line import Place
from keepahead.keepa.wire import Answer, Outbound


@dataclass(frozen=True, slots=True)
class Enter:
    """Take a place among the calls under way."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Give the place back."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Wait for the rhythm's next moment."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for so long, or until something changes; not beyond `deadline_seconds`. Hand back whether to ask now.

    `place` is where the call stands among all that wait, unless it stands in nobody's way; `room` tokens may be had by
    those behind it, and `first` is the call that the ledger has before all others of this client. `tokens` are expected
    in `ready_in_seconds`, and `shape` is what they are for: that is for people who watch.
    """

    seconds: float
    ready_in_seconds: float
    tokens: int
    shape: str
    place: Place
    deadline_seconds: float | None = None
    room: int = 0
    first: str = ""
    stands: bool = True


@dataclass(frozen=True, slots=True)
class Send:
    """Send this once; hand back an Inbound, or throw NothingSent or NoAnswer."""

    call_id: str
    outbound: Outbound
    tokens: int


@dataclass(frozen=True, slots=True)
class Got:
    """An answer that is paid for; `answer.call` is the part it answers."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Found:
    """What the archive had, an answer for each item: all at once, because there may be a thousand of them."""

    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """Somebody else is fetching the same: do nothing for so long, or until this client has ended a call."""

    seconds: float


Step = Enter | Leave | Pace | Wait | Send | Got | Found | Pause
Steps = Generator[Step, Any, None]


class NothingSent(Exception):  # noqa: N818 - a fact, told by a driver to the flow
    """The connection never came about, so Keepa charged nothing."""


class NoAnswer(Exception):  # noqa: N818 - a fact, told by a driver to the flow
    """Something was sent and no whole answer came."""


def advance(steps: Steps, value: object) -> Step | None:
    """Run a flow to its next step; None at its end (StopIteration cannot leave a thread)."""
    try:
        return steps.send(value)
    except StopIteration:
        return None


def tell(steps: Steps, error: BaseException) -> Step | None:
    """Tell a flow what went wrong; it goes on, or raises what the caller shall see."""
    try:
        return steps.throw(error)
    except StopIteration:
        return None
