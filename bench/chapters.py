"""All chapters of the bench, by name. A module is imported when it is measured: some need the group `bench`."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench.chapter import Chapter

Run = Callable[[Path], Iterator[Chapter]]
"""Measures in a folder of its own, which is empty at first."""

CHAPTERS: Mapping[str, tuple[str, str]] = {
    "pair": ("bench.single:pair", "one reserve + settle beside bare commits and token-throttle"),
    "parts": ("bench.single:parts", "where the time of a pair goes"),
    "quote": ("bench.single:before", "what is done before a call"),
    "answers": ("bench.answers:answers", "reading the meter of 7 and of 43 MB, splitting products"),
    "decoding": ("bench.decoding:decoding", "40 MB into all series beside the package keepa, time and memory"),
    "command": ("bench.single:command", "the command line beside a Python that does nothing"),
    "many": ("bench.many:many_clients", "1 to 64 clients beside bare SQL and the field's limiters; five minutes"),
    "growth": ("bench.growth:growth", "a pair in a ledger of 1,000 and of 5,000,000 entries; three minutes"),
    "looks": ("bench.looks:looks", "what the pages read in a small and in a large ledger; two minutes"),
    "archive": ("bench.archive:archive", "looking up in an archive of 1,000 and of 1,000,000 products; two minutes"),
    "economy": ("bench.economy:economy", "what a day of work costs in tokens, sent in four ways; four minutes"),
    "gateway": ("bench.gateway:gateway", "requests beside the least proxy and the least route; four minutes"),
    "scrape": ("bench.scrape:scrape", "a scrape of /metrics beside /health/live; one minute"),
    "dashboard": ("bench.dashboard:dashboard", "first looks, facts, idle pages, the past; three minutes"),
}
"""Where each is, and what it measures."""


def load(name: str) -> Run:
    """Return what measures a chapter. Raises ModuleNotFoundError where its packages are not installed."""
    module, _, function = CHAPTERS[name][0].partition(":")
    return getattr(importlib.import_module(module), function)
