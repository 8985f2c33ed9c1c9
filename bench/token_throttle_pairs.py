"""Runs in an environment of its own: reserves and refunds as token-throttle's README shows, and prints the seconds.

For each line on stdin, a number of pairs, one line of JSON. Its synchronous limiter on its SQLite backend, which sets
WAL and synchronous=NORMAL like our ledger; one quota, so that there is one bucket, as in one Keepa account.
"""

import importlib.metadata
import json
import sys
import time

from token_throttle import PerModelConfig, Quota, SyncRateLimiter, SyncSqliteBackendBuilder, UsageQuotas


def main(path: str) -> None:
    quotas = UsageQuotas([Quota(metric="tokens", limit=1_000_000_000, per_seconds=60)])
    backend = SyncSqliteBackendBuilder(path, key_prefix="bench")
    limiter = SyncRateLimiter(PerModelConfig(quotas=quotas, model_family="keepa"), backend=backend)
    print(json.dumps({"version": importlib.metadata.version("token-throttle")}), flush=True)
    for line in sys.stdin:
        times = int(line)
        began = time.perf_counter()
        for _ in range(times):
            reservation = limiter.acquire_capacity({"tokens": 10}, "keepa")
            limiter.refund_capacity({"tokens": 7}, reservation)
        print(json.dumps({"seconds": (time.perf_counter() - began) / times}), flush=True)
    limiter.close()


main(sys.argv[1])
