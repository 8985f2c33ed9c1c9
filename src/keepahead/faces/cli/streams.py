"""What is said to the person: stderr, in plain single lines. Results are another matter (results.py)."""

import logging
import sys
from collections.abc import Callable
from io import TextIOWrapper

from keepahead.faces.redaction import redacted
from keepahead.faces.words import clean


def take_any_text() -> None:
    """Let both streams take every character, whatever the terminal's alphabet."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _write(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


_Says = Callable[[str], object]
_says: list[_Says] = [_write]


def say(text: str) -> None:
    """Tell the person something, in one line and without any key."""
    _says[-1](redacted(clean(text)))


def say_through(write: _Says | None) -> None:
    """Have all that is said written by somebody else, as long as this command runs; None: as plain lines again."""
    _says[1:] = [] if write is None else [write]


class Says(logging.Handler):
    """Prints log records as plain lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        say(f"{record.levelname.lower()}: {record.getMessage()}")


def log_plainly() -> None:
    """Print the warnings of keepahead, and nothing of the libraries: at INFO they show requests, key included."""
    say_through(None)
    log = logging.getLogger("keepahead")
    log.handlers = [Says(logging.WARNING)]
    log.propagate = False
    for library in ("httpx2", "httpcore2"):
        logging.getLogger(library).setLevel(logging.WARNING)
