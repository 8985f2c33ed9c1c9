"""What else draws by chance, drawn from the seed: names of calls, of holders, of keys."""

import os
import random
import secrets
import threading
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from unittest import mock

from keepahead.keepa import call_id


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Have every random name come from the seed, for one run. Keys in here are worth nothing."""
    rng = random.Random(f"names/{seed}")

    def token_bytes(count: int | None = None) -> bytes:
        return rng.randbytes(count or 32)

    ours = threading.get_ident()

    def uuid4() -> uuid.UUID:
        if threading.get_ident() != ours:  # of a library that begins once in a process, in a thread of its own
            return uuid.UUID(int=0, version=4)
        return uuid.UUID(int=rng.getrandbits(128), version=4)

    call_id._noise.clear()
    random.seed(seed)
    with (
        mock.patch.object(secrets, "token_bytes", token_bytes),
        mock.patch.object(secrets, "token_hex", lambda count=None: token_bytes(count).hex()),
        mock.patch.object(secrets, "token_urlsafe", lambda count=None: token_bytes(count).hex()),
        mock.patch.object(os, "urandom", rng.randbytes),
        mock.patch.object(uuid, "uuid4", uuid4),
    ):
        yield
    call_id._noise.clear()
