"""Opens the ledger for the commands that send nothing: those who read it, and those who write its rules."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from keepahead.faces.cli.account import say_if_simulated
from keepahead.faces.settings import read_settings
from keepahead.faces.wiring import open_ledger
from keepahead.store.database import Database

B = TypeVar("B")


@contextmanager
def opened(book: Callable[[Database, str], B]) -> Generator[B]:
    """Open the ledger as a Record, a Rulebook or an Audit. Raises SettingsError and LedgerError."""
    settings = read_settings()
    say_if_simulated(settings)
    database, fingerprint = open_ledger(settings)
    try:
        yield book(database, fingerprint)
    finally:
        database.close()
