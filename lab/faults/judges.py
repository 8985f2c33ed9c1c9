"""Judges of a cut proxy: they break a connection at the worst moment, drawn from a seed."""

import threading
from collections import Counter
from random import Random
from urllib.parse import parse_qs, urlsplit

from lab.faults.cut_proxy import PASS, Link, Verdict


class CommitJudge:
    """Cuts some connections to PostgreSQL at a COMMIT: half of them before it got there, half right after."""

    def __init__(self, seed: int, share: float) -> None:
        self._rng = Random(seed)
        self._share = share
        self.cut: Counter[str] = Counter()

    def __call__(self, link: Link, is_up: bool, data: bytes) -> Verdict:
        """Say what becomes of it."""
        _ = link
        if not is_up or b"COMMIT" not in data or self._rng.random() >= self._share:
            return PASS
        has_happened = self._rng.random() < 0.5
        self.cut["done" if has_happened else "not done"] += 1
        return Verdict(passes=None if has_happened else 0, cuts=True)


class KeepaJudge:
    """Cuts some connections to Keepa: before the request, in the middle of the answer, or where it was to begin."""

    KINDS = ("before the request", "in the answer", "after the charge")

    def __init__(self, seed: int, share: float) -> None:
        self._rng = Random(seed)
        self._share = share
        self._mutex = threading.Lock()
        self._items: list[str] = []
        self.cut: Counter[str] = Counter()

    def __call__(self, link: Link, is_up: bool, data: bytes) -> Verdict:
        """Say what becomes of it."""
        if is_up:
            return self._of_request(link, data)
        kind = link.notes.pop("kind", None)
        if kind is None:
            return PASS
        self.cut[kind] += 1
        return Verdict(passes=len(data) // 2 if kind == self.KINDS[1] else 0, cuts=True)

    def twice(self) -> int:
        """Count the items that came here more than once."""
        with self._mutex:
            return len(self._items) - len(set(self._items))

    def _of_request(self, link: Link, data: bytes) -> Verdict:
        """Draw what becomes of a request; its bytes come in one piece, since it is small and has no body."""
        asked = parse_qs(urlsplit(data.split(b" ", 2)[1].decode()).query).get("asin", [""])[0]
        with self._mutex:
            self._items += [item for item in asked.split(",") if item]
        if self._rng.random() >= self._share:
            return PASS
        kind = self._rng.choice(self.KINDS)
        if kind == self.KINDS[0]:
            self.cut[kind] += 1
            return Verdict(passes=0, cuts=True)
        link.notes["kind"] = kind
        return PASS
