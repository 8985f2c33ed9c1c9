"""Names of calls: in the order of their hours, and nobody else's, whoever draws them."""

import os
import re
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from tests.house import START

from keepahead.keepa.call_id import new_call_id

_FORKING = """
import os
from datetime import UTC, datetime
from keepahead.keepa.call_id import new_call_id
now = datetime(2026, 11, 22, tzinfo=UTC)
new_call_id(now)
child = os.fork()
for _ in range(100):
    os.write(1, new_call_id(now).encode() + b"\\n")  # at once, or the two would mix their lines
if child:
    os.waitpid(child, 0)
"""


def test_they_begin_with_the_hour():
    """A name has 20 signs; those of a later hour stand behind those of an earlier one."""
    names = [new_call_id(START + timedelta(hours=hours)) for hours in range(0, 5_000, 100)]
    assert all(re.fullmatch("[0-9a-hjkmnp-tv-z]{20}", name) for name in names)
    assert names == sorted(names)
    assert len({new_call_id(START)[:4] for _ in range(10)}) == 1


def test_no_two_are_the_same():
    """Threads that draw at the same time draw different names."""
    drawn: list[list[str]] = [[] for _ in range(4)]

    def draw(mine: list[str]) -> None:
        mine.extend(new_call_id(START) for _ in range(5_000))

    threads = [threading.Thread(target=draw, args=(mine,)) for mine in drawn]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({name for mine in drawn for name in mine}) == 20_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_child_draws_its_own():
    """A process and its fork draw different names."""
    told = subprocess.run([sys.executable, "-c", _FORKING], check=True, capture_output=True, text=True, timeout=30)
    assert len(set(told.stdout.split())) == 200
