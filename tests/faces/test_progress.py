"""What is seen while a command spends."""

import os
import pty
import subprocess
import sys

from tests.faces.conftest import see
from tests.house import START

from keepahead.faces.cli.progress import Watch
from keepahead.keepa.calls import ProductCall
from keepahead.keepa.flow import Enter, Got, Send, Wait
from keepahead.keepa.wire import Answer, Outbound, Reading

ASINS = ("B0D8W1YVBX", "B0F7XPYCSJ")
PLACE = (0, START, "call")


def answer(consumed: int) -> Answer:
    """An answer for two products."""
    return Answer(ProductCall(domain=1, asins=ASINS), 200, b"{}", Reading(consumed=consumed), START, "call")


def test_the_watch_counts(capfd):
    """Items, tokens and the wait for the next tokens; a wait is told once, however often it is looked at."""
    begun: list[bool] = []
    watch = Watch(20, lambda: begun.append(True))
    for step in (Enter(), Wait(2.0, 42.0, 20, "product", PLACE), Wait(2.0, 40.0, 20, "product", PLACE)):
        watch(step)
    assert begun == [True]
    assert watch.sentence().startswith("0 of 20, 0 tokens spent, waiting ")
    assert watch.sentence().endswith(" s for 20 tokens")
    watch(Enter())
    watch(Send("call", Outbound("GET", "/product", {}, None), 2))
    watch(Got(answer(2)))
    assert watch.sentence() == "2 of 20, 2 tokens spent"
    assert begun == [True]
    assert capfd.readouterr().err == "waiting 42 s for 20 tokens\n"


def test_a_terminal_shows_a_bar(serve):
    """On a terminal a bar counts down; a table has its colours and no line is longer than the screen."""
    serve("--latency", "2")
    see(500)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "keepahead", "product", *ASINS, "--no-history", "--stats", "30"],
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
    )
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 65536):
            shown += data
    except OSError:  # the other end is gone
        pass
    os.close(ours)
    assert process.wait(20) == 0
    text = shown.decode()
    assert "0 of 2, 0 tokens spent" in text
    rows = [line for line in text.splitlines() if line.startswith(ASINS)]
    assert len(rows) == 2
    assert all(len(row) <= 80 for row in rows)
    assert "…" in rows[0]
