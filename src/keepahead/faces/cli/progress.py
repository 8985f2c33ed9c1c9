"""What is seen while a command spends: items done, tokens spent, and how long the next tokens take to come."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task
from rich.text import Text

from keepahead.clock import SystemClock
from keepahead.faces.cli.streams import say
from keepahead.faces.words import span, tokens
from keepahead.keepa.shares import items_of
from keepahead.keepa.steps import Enter, Found, Got, Send, Step, Wait
from keepahead.keepa.wire import Answer

PATIENCE_SECONDS = 1.0
"""What is done sooner shows no progress."""


class Watch:
    """Sees every step of the flow; keeps the answers, those from the archive apart as well, and what they cost."""

    def __init__(self, items: int | None, begin: Callable[[], None]) -> None:
        self.answers: list[Answer] = []
        self.archived: list[Answer] = []
        self.spent = 0
        self._done = 0
        self._items = items
        self._begin: Callable[[], None] | None = begin
        self._waits: dict[str, tuple[datetime, int]] = {}  # call id: when its tokens are expected, how many
        self._screen = Console(stderr=True)

    def __call__(self, step: Step) -> None:
        """Take note of one step."""
        match step:
            case Enter() if self._begin is not None:
                begin, self._begin = self._begin, None
                begin()
            case Wait():
                self._wait(step)
            case Send():
                self._waits.pop(step.call_id, None)
            case Got():
                self.answers.append(step.answer)
                self.spent += step.answer.tokens_consumed or 0
                self._done += len(items_of(step.answer.call)) or 1
            case Found():
                self.answers.extend(step.answers)
                self.archived.extend(step.answers)
                self._done += sum(len(items_of(answer.call)) or 1 for answer in step.answers)
            case _:
                pass

    @contextmanager
    def shown(self) -> Generator[None]:
        """Show a bar on stderr as long as this lasts, if it lasts and somebody looks."""
        with _bar(self, self._items, self._screen):
            yield

    @property
    def done(self) -> int:
        """How many items have come."""
        return self._done

    def sentence(self) -> str:
        """Say how far it is."""
        words = [f"{self._done} of {self._items}"] if self._items else []
        words.append(f"{tokens(self.spent)} spent")
        now = SystemClock().now()
        if expected := [wait for wait in tuple(self._waits.values()) if wait[0] > now]:
            ready_at, needed = min(expected)
            words.append(f"waiting {span((ready_at - now).total_seconds())} for {tokens(needed)}")
        return ", ".join(words)

    def _wait(self, step: Wait) -> None:
        begins = not self._waits
        ready_at = SystemClock().now() + timedelta(seconds=step.ready_in_seconds)
        self._waits[step.place[-1]] = ready_at, step.tokens
        if begins and step.ready_in_seconds >= PATIENCE_SECONDS and not self._screen.is_interactive:
            say(f"waiting {span(step.ready_in_seconds)} for {tokens(step.tokens)}")


class Tally:
    """Counts what is done of work whose end is not known beforehand."""

    def __init__(self, what: str) -> None:
        self.done = 0
        self._what = what

    def add(self, more: int) -> None:
        """Count some more."""
        self.done += more

    @contextmanager
    def shown(self) -> Generator[None]:
        """Show the count on stderr as long as this lasts, if it lasts and somebody looks."""
        with _bar(self, None, Console(stderr=True)):
            yield

    def sentence(self) -> str:
        """Say how far it is."""
        return f"{self.done:,} {self._what}"


@contextmanager
def _bar(watch: Watch | Tally, items: int | None, screen: Console) -> Generator[None]:
    if not screen.is_interactive:
        yield
        return
    bar = Progress(
        SpinnerColumn(), BarColumn(24), _Sentence(watch), console=screen, transient=True, redirect_stdout=False
    )
    bar.add_task("", total=items)
    later = threading.Timer(PATIENCE_SECONDS, bar.start)
    later.daemon = True
    later.start()
    try:
        yield
    finally:
        later.cancel()
        later.join()
        bar.stop()


class _Sentence(ProgressColumn):
    """The words beside the bar, which also moves the bar."""

    def __init__(self, watch: Watch | Tally) -> None:
        super().__init__()
        self._watch = watch

    def render(self, task: Task) -> Text:
        """Return the words of this moment."""
        task.completed = self._watch.done
        return Text(self._watch.sentence())
