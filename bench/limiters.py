"""The field's limiters on their shared back ends, used as their own pages show.

One acquire is all that they do: nothing is settled, so one acquire stands beside one of our pairs. Each has one limit
of so many a minute that is never reached.
"""

import importlib.metadata
from collections.abc import Callable, Generator
from contextlib import contextmanager

from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter
from psycopg_pool import ConnectionPool
from pyrate_limiter import AbstractBucket, Duration, Limiter, PostgresBucket, Rate, SQLiteBucket
from throttled import Throttled, rate_limiter
from throttled.store import RedisStore

_NEVER_REACHED = 1_000_000_000
_TOKENS = 10


class Shared:
    """One limiter for each process, shared by its threads."""

    package = ""

    @property
    def version(self) -> str:
        """Return the package's version."""
        return importlib.metadata.version(self.package)

    @contextmanager
    def clients(self, count: int) -> Generator[list[Callable[[], None]]]:
        """Give each client its acquire."""
        yield [self.acquire] * count

    def acquire(self) -> None:
        """Acquire once, and see that it is granted."""
        raise NotImplementedError

    def close(self) -> None:
        """Close what there is to close."""


class Pyrate(Shared):
    """pyrate-limiter over one of its buckets; weight 1, which writes one row."""

    package = "pyrate-limiter"

    def __init__(self, bucket: AbstractBucket) -> None:
        self._limiter = Limiter(bucket)

    def acquire(self) -> None:
        """Acquire once, and see that it is granted."""
        assert self._limiter.try_acquire("keepa")

    def close(self) -> None:
        """Close its bucket."""
        self._limiter.close()


class PyrateSqlite(Pyrate):
    """Its SQLite bucket for one process, as its README makes it: a rollback journal and synchronous=FULL."""

    def __init__(self, path: str) -> None:
        super().__init__(SQLiteBucket.init_from_file(_rates(), db_path=path))


class PyrateSqliteWal(Pyrate):
    """Its SQLite bucket for one process, under our pragmas, which it sets by itself only for several processes."""

    def __init__(self, path: str) -> None:
        bucket = SQLiteBucket.init_from_file(_rates(), db_path=path)
        for pragma in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL"):
            bucket.conn.execute(pragma)
        super().__init__(bucket)


class PyrateSqliteLocked(Pyrate):
    """Its SQLite bucket for several processes: with a lock file, and our pragmas."""

    def __init__(self, path: str) -> None:
        super().__init__(SQLiteBucket.init_from_file(_rates(), db_path=path, use_file_lock=True))


class PyratePostgres(Pyrate):
    """Its PostgreSQL bucket over a pool."""

    def __init__(self, url: str) -> None:
        self._pool = ConnectionPool(url, open=True)
        super().__init__(PostgresBucket(self._pool, "bench", _rates()))

    def close(self) -> None:
        """Close its bucket and the pool."""
        super().close()
        self._pool.close()


class Limits(Shared):
    """limits on Redis, by its cheapest strategy."""

    package = "limits"

    def __init__(self, socket: str) -> None:
        self._limiter = FixedWindowRateLimiter(storage_from_string(f"redis+unix://{socket}"))
        self._limit = RateLimitItemPerMinute(_NEVER_REACHED)

    def acquire(self) -> None:
        """Acquire once, and see that it is granted."""
        assert self._limiter.hit(self._limit, "keepa", cost=_TOKENS)


class ThrottledPy(Shared):
    """throttled-py on Redis, by its default algorithm, a token bucket."""

    package = "throttled-py"

    def __init__(self, socket: str) -> None:
        self._throttled = Throttled(
            key="keepa", quota=rate_limiter.per_min(_NEVER_REACHED), store=RedisStore(server=f"unix://{socket}")
        )

    def acquire(self) -> None:
        """Acquire once, and see that it is granted."""
        assert not self._throttled.limit(cost=_TOKENS).limited


def _rates() -> list[Rate]:
    return [Rate(_NEVER_REACHED, Duration.MINUTE)]
