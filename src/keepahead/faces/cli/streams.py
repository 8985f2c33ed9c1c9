"""What is said to the person: stderr, in plain single lines. Results are another matter (results.py)."""

import logging
import sys
from io import TextIOWrapper

from keepahead.faces.redaction import redacted


def take_any_text() -> None:
    """Let both streams take every character, whatever the terminal's alphabet."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def clean(text: str) -> str:
    """Return the text on one line and without control characters: what comes from outside may hold any."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def say(text: str) -> None:
    """Tell the person something, in one line and without any key."""
    sys.stderr.write(f"{redacted(clean(text))}\n")
    sys.stderr.flush()


class Says(logging.Handler):
    """Prints log records as plain lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        say(f"{record.levelname.lower()}: {record.getMessage()}")


def log_plainly() -> None:
    """Print the warnings of keepahead, and nothing of the libraries: at INFO they show requests, key included."""
    log = logging.getLogger("keepahead")
    log.handlers = [Says(logging.WARNING)]
    log.propagate = False
    for library in ("httpx2", "httpcore2"):
        logging.getLogger(library).setLevel(logging.WARNING)
