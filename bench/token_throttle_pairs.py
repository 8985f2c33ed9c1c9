"""Runs in an environment of its own: reserves and refunds as token-throttle's README shows.

Its synchronous limiter on its SQLite backend, which sets WAL and synchronous=NORMAL like our ledger; one quota, so that
there is one bucket, as in one Keepa account. As a script, for each line on stdin, a number of pairs, it prints one line
of JSON with the seconds; `bench.child` has it work for many clients.
"""

import importlib.metadata
import json
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from token_throttle import PerModelConfig, Quota, SyncRateLimiter, SyncSqliteBackendBuilder, UsageQuotas


class TokenThrottle:
    """One limiter for each process, shared by its threads."""

    version = importlib.metadata.version("token-throttle")

    def __init__(self, path: str) -> None:
        quotas = UsageQuotas([Quota(metric="tokens", limit=1_000_000_000, per_seconds=60)])
        backend = SyncSqliteBackendBuilder(path, key_prefix="bench")
        self._limiter = SyncRateLimiter(PerModelConfig(quotas=quotas, model_family="keepa"), backend=backend)

    @contextmanager
    def clients(self, count: int) -> Generator[list[Callable[[], None]]]:
        """Give each client its pair."""
        yield [self.pair] * count

    def pair(self) -> None:
        """Reserve and refund once."""
        reservation = self._limiter.acquire_capacity({"tokens": 10}, "keepa")
        self._limiter.refund_capacity({"tokens": 7}, reservation)

    def close(self) -> None:
        """Close its backend."""
        self._limiter.close()


def main(path: str) -> None:
    throttle = TokenThrottle(path)
    print(json.dumps({"version": throttle.version}), flush=True)
    for line in sys.stdin:
        times = int(line)
        began = time.perf_counter()
        for _ in range(times):
            throttle.pair()
        print(json.dumps({"seconds": (time.perf_counter() - began) / times}), flush=True)
    throttle.close()


if __name__ == "__main__":
    main(sys.argv[1])
