"""Situations and what is decided, as tables that can be read without knowing the code.

Every meter was received at second 0 with its next lump in 30 s (counted at 30.1 s), or when its row says so.
"""

import re

import pytest
from tests.budget.makers import DEFICIT, account, after, ask, at, held, meter, ticket

from keepahead.budget.account import Account, Reservation
from keepahead.budget.ask import Ask
from keepahead.budget.decide import foresee, lose, observe, release, reserve, settle
from keepahead.budget.lane import JOBS, LIVE
from keepahead.budget.meter import Meter
from keepahead.budget.verdict import Granted, Later, Refused, Verdict

LANES = {"live": LIVE, "jobs": JOBS, "deficit": DEFICIT}

# meter:  tokens left @ rate, - flow; "none"
# held:   50 open, 50? lost just now, 50! lost long ago, 50x its process died 6 minutes ago, probe a /token under way
# ahead:  tokens that an older live ticket waits for
# ask:    lane (live: floor 10, jobs: 100 or a quarter, deficit: -200), tokens or price x items, "by" its deadline in
#         seconds from now
SITUATIONS = """
meter     | held      | ahead | at   | ask                   | verdict
none      | -         | -     | 0    | live 1                | later 0 s, ask for a meter
none      | probe     | -     | 0    | live 1                | later 0.25 s
none      | -         | -     | 0    | live 0                | granted 0
220 @20   | -         | -     | 0    | live 50               | granted 50
220 @20   | -         | -     | 0    | live 210              | granted 210
220 @20   | -         | -     | 0    | live 211              | later 30.1 s
220 @20   | -         | -     | 29   | live 230              | later 1.1 s
220 @20   | -         | -     | 30.1 | live 230              | granted 230
220 @20   | -         | -     | 30.1 | live 231              | later 60.3 s
220 @20   | 100       | -     | 0    | live 110              | granted 110
220 @20   | 100       | -     | 0    | live 111              | later 30.1 s
220 @20   | 100 60?   | -     | 0    | live 50               | granted 50
220 @20   | 100 60?   | -     | 0    | live 51               | later 30.1 s
220 @20   | 60!       | -     | 0    | live 150              | granted 150
220 @20   | 60!       | -     | 0    | live 151              | later 0 s, ask for a meter
220 @20   | 60! probe | -     | 0    | live 151              | later 0.25 s
220 @20   | 0!        | -     | 0    | live 220              | later 30.1 s
220 @20   | 60x       | -     | 0    | live 150              | granted 150
220 @20   | 60x       | -     | 0    | live 151              | later 0 s, ask for a meter
220 @20   | 220?      | -     | 0    | live 150              | later 120 s
1200 @20  | 1100      | -     | 0    | live 150              | later 10 s
11 @20    | -         | -     | 0    | live 1                | granted 1
10 @20    | -         | -     | 0    | live 1                | later 30.1 s
0 @20     | -         | -     | 0    | live 0                | granted 0
-31 @20   | -         | -     | 0    | live 50               | later 271.3 s
220 @20   | -         | -     | 0    | jobs 120              | granted 120
220 @20   | -         | -     | 0    | jobs 121              | later 30.1 s
60 @1     | -         | -     | 0    | jobs 45               | granted 45
60 @1     | -         | -     | 0    | jobs 46               | refused never_fits, 45 at most
60 @1     | -         | -     | 0    | live 51               | refused never_fits, 50 at most
5 @20     | -         | -     | 0    | deficit 205           | granted 205
5 @20     | -         | -     | 0    | deficit 206           | later 30.1 s
1 @20     | -         | -     | 0    | deficit 50            | granted 50
0 @20     | -         | -     | 0    | deficit 50            | later 30.1 s
-50 @20   | -         | -     | 0    | deficit 50            | later 150.7 s
-50 @20   | -         | -     | 0    | deficit 50 by 5       | refused not_in_time, 150.7 s
-50 @20-20| -         | -     | 0    | deficit 50            | refused no_refill
1200 @20  | -         | -     | 0    | deficit 1400          | granted 1400
1200 @20  | -         | -     | 0    | deficit 1401          | refused never_fits, 1400 at most
220 @20   | -         | -     | 0    | live 5x100            | granted 210 for 42
220 @20   | 100       | -     | 0    | live 5x100            | granted 110 for 22
30 @20    | -         | -     | 0    | live 1x100            | granted 20 for 20
29 @20    | -         | -     | 0    | live 1x100            | later 30.1 s
29 @20    | -         | -     | 0    | live 1x19             | granted 19 for 19
29 @20    | -         | -     | 0    | live 7x100            | granted 14 for 2
23 @20    | -         | -     | 0    | live 7x100            | later 30.1 s
39 @20    | -         | -     | 0    | live 30x10            | later 30.1 s
40 @20    | -         | -     | 0    | live 30x10            | granted 30
50 @1     | -         | -     | 0    | live 51x10            | refused never_fits, 50 at most
50 @20-20 | -         | -     | 0    | live 1x30             | granted 30 for 30
50 @20-20 | -         | -     | 0    | live 1x60             | granted 40 for 40
50 @20-20 | -         | -     | 0    | live 60               | refused no_refill
50 @20-15 | -         | -     | 0    | live 50               | later 90.4 s
1000 @20  | -         | 900   | 0    | live 90               | granted 90
1000 @20  | -         | 900   | 0    | live 91               | later 30.1 s
1000 @20  | -         | 900   | 0    | live 0                | granted 0
1000 @20  | -         | 1000  | 0    | live 10               | granted 10
1000 @20  | -         | 1000  | 0    | live 11               | later 90.4 s
1000 @20  | -         | 990   | 0    | live 1                | later 30.1 s
1185 @20  | -         | 1190  | 0    | live 1                | later 30.1 s
1185 @20  | -         | 1180  | 0    | live 10               | granted 10
1185 @20  | -         | 1180  | 0    | live 16               | later 90.4 s
1000 @20  | 700       | 1000  | 0    | live 1                | later 480 s
1000 @20  | 700       | 900   | 0    | live 90               | granted 90
1000 @20  | 700       | 900   | 0    | live 91               | later 480 s
1000 @20  | -         | 900   | 0    | jobs 90               | granted 90
1000 @20  | -         | 900   | 0    | jobs 91               | later 271.3 s
1000 @20  | -         | 900   | 31   | live 1                | granted 1
220 @20   | -         | -     | 0    | live 230 by 30.2      | later 30.1 s
220 @20   | -         | -     | 0    | live 230 by 30.1      | later 30.1 s
220 @20   | -         | -     | 0    | live 230 by 30        | refused not_in_time, 30.1 s
220 @20   | 100       | -     | 0    | live 150 by 10        | later 10 s
220 @20   | 100       | -     | 0    | live 150 by 0         | refused not_in_time, 90.4 s
220 @20   | -         | -     | 0    | live 210 by 0         | granted 210
220 @20   | -         | -     | 0    | live 5x100 by 0       | refused not_in_time, 874.3 s
1200 @20  | -         | -     | 7200 | live 1190             | granted 1190
1500 @20  | -         | -     | 7200 | live 1490             | granted 1490
"""

# work of many calls, looked at before the first: begun or not
FORESIGHT = """
meter     | held      | at   | work                  | verdict
none      | -         | 0    | live 5000 by 0        | begin
220 @20   | -         | 0    | live 5000             | begin
220 @20   | -         | 0    | live 210 by 0         | begin
220 @20   | -         | 0    | live 211 by 0         | refused not_in_time, 30.1 s
220 @20   | 100       | 0    | live 211 by 0         | refused not_in_time, 331.6 s
220 @20   | -         | 0    | live 2000 by 9        | refused not_in_time, 5396.8 s
220 @20   | -         | 0    | live 2000 by 5396.7   | refused not_in_time, 5396.8 s
220 @20   | -         | 0    | live 2000 by 5396.8   | begin
1200 @20  | -         | 7200 | live 2000 by 9        | refused not_in_time, 2417.8 s
-31 @20   | -         | 0    | live 0 by 0           | begin
"""

# meter L:          a meter with L tokens left arrives      settle a P left L: the answer to a, which cost P
# late a P left L:  the same, but Keepa wrote it at second 1   lose a: no answer        mute a: an answer without meter
# release a:        nothing was sent                       ask a ...: as above
STORIES = {
    "the incident: three calls against 220 are not sent together": """
0    | meter 220              |               | 220
0    | ask best live 50       | granted 50    | 170
0    | ask more live 100      | granted 100   | 70
0    | ask look live 100      | later 90.4 s  | 70
2    | settle best 50 left 170|               | 70
3    | settle more 98 left 72 |               | 72
40   | ask look live 100      | later 53.4 s  | 92
93.4 | ask look live 100      | granted 100   | 12
95   | settle look 100 left 12|               | 12
""",
    "a lost answer counts until a meter asked for two minutes later": """
0    | meter 220              |               | 220
0    | ask a live 100         | granted 100   | 120
5    | lose a                 |               | 120
40   | meter 140              |               | 40
124  | meter 160              |               | 60
125  | meter 160              |               | 160
""",
    "an answer without a meter is proven by the next call": """
0    | meter 220              |               | 220
0    | ask a live 100         | granted 100   | 120
5    | mute a                 |               | 120
5    | meter 120              |               | 120
""",
    "answers out of order: the newer meter stands, both calls end": """
0    | meter 220              |               | 220
0    | ask a live 50          | granted 50    | 170
0    | ask b live 60          | granted 60    | 110
3    | settle b 60 left 110   |               | 60
4    | late a 50 left 170     |               | 110
5    | late a 50 left 170     |               | 110
""",
    "Keepa takes more than was reserved": """
0    | meter 220              |               | 220
0    | ask a live 50          | granted 50    | 170
2    | settle a 200 left 20   |               | 20
2    | ask b live 50          | later 90.4 s  | 20
""",
    "a late answer after the time-out": """
0    | meter 220              |               | 220
0    | ask a live 100         | granted 100   | 120
5    | lose a                 |               | 120
60   | settle a 100 left 140  |               | 140
60   | settle a 100 left 140  |               | 140
""",
    "nothing was sent": """
0    | meter 220              |               | 220
0    | ask a live 100         | granted 100   | 120
1    | release a              |               | 220
""",
}


def seconds(text: str) -> int:
    """Read seconds as milliseconds."""
    return round(float(text) * 1_000)


def read_meter(text: str) -> Meter | None:
    """Read "220 @20-3"."""
    found = re.fullmatch(r"(-?\d+) @(\d+)(?:-(\d+))?", text)
    return meter(int(found[1]), rate=int(found[2]), flow=int(found[3] or 0)) if found else None


def read_held(text: str, now: int) -> Reservation:
    """Read "50", "50?", "50!", "50x" or "probe"."""
    if text == "probe":
        return held("probe", 0, ms=now - 1, endpoint="token")
    tokens = int(text.rstrip("?!x"))
    match text[-1]:
        case "?":
            return held(text, tokens, ms=now, proven=now + 120_000)
        case "!":
            return held(text, tokens, ms=now - 120_000, proven=now)
        case "x":
            return held(text, tokens, ms=now - 480_000)
        case _:
            return held(text, tokens, ms=now)


def read_ask(name: str, text: str, now: int) -> Ask:
    """Read "live 7x10 by 5"."""
    found = re.fullmatch(r"(\w+) (\d+)(?:x(\d+))?(?: by ([\d.]+))?", text)
    assert found, text
    price, items = int(found[2]), int(found[3] or 1)
    deadline = None if found[4] is None else now + seconds(found[4])
    return ask(price * items, name=name, lane=LANES[found[1]], items=items, ms=now, deadline=deadline)


def said(verdict: Verdict) -> str:
    """Write a verdict as the tables do."""
    match verdict:
        case Granted(items=1):
            return f"granted {verdict.tokens}"
        case Granted():
            return f"granted {verdict.tokens} for {verdict.items}"
        case Later():
            return f"later {verdict.wait_seconds:g} s{', ask for a meter' if verdict.needs_meter else ''}"
        case Refused(wait_seconds=None, reason="never_fits"):
            return f"refused {verdict.reason}, {verdict.largest} at most"
        case Refused(wait_seconds=None):
            return f"refused {verdict.reason}"
        case Refused():
            return f"refused {verdict.reason}, {verdict.wait_seconds:g} s"


def cells(table: str) -> list[list[str]]:
    """Split a table into rows and cells."""
    return [[cell.strip() for cell in row.split("|")] for row in table.strip().splitlines()]


@pytest.mark.parametrize("row", cells(SITUATIONS)[1:], ids=" | ".join)
def test_situation(row: list[str]) -> None:
    """What is decided is what the row says."""
    known, holds, ahead, moment, wanted, verdict = row
    now = seconds(moment)
    state = account(
        read_meter(known),
        *(read_held(each, now) for each in holds.split() if each != "-"),
        tickets=[] if ahead == "-" else [ticket("ahead", int(ahead), ms=0)],
    )
    decided = reserve(state, read_ask("zz", wanted, now), at(now)).verdict
    assert said(decided) == verdict


@pytest.mark.parametrize("row", cells(FORESIGHT)[1:], ids=" | ".join)
def test_foresight(row: list[str]) -> None:
    """Work is begun or refused as the row says."""
    known, holds, moment, work, verdict = row
    now = seconds(moment)
    state = account(read_meter(known), *(read_held(each, now) for each in holds.split() if each != "-"))
    decision = foresee(state, read_ask("zz", work, now), at(now))
    assert (said(decision.verdict) if decision else "begin") == verdict


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_story(story: str) -> None:
    """Each event leaves the verdict and the free tokens that its row says."""
    state = Account("key")
    for moment, event, verdict, free in cells(story):
        state, decided = happen(state, event, seconds(moment))
        assert (decided, state.free_at(at(seconds(moment)))) == (verdict, int(free)), event


def happen(state: Account, event: str, now: int) -> tuple[Account, str]:
    """Carry out one event of a story."""
    what, *rest = event.split()
    match what, rest:
        case "ask", [name, *wanted]:
            decision = reserve(state, read_ask(name, " ".join(wanted), now), at(now))
            return after(state, decision.entries), said(decision.verdict)
        case "meter", [left]:
            entries = observe(state, meter(int(left), ms=now), at(now))
        case (("settle" | "late"), [name, price, "left", left]):
            told = meter(int(left), ms=now, keepa_ms=1_000 if what == "late" else now)
            entries = settle(state, name, int(price), told, at(now))
        case "release", [name]:
            entries = release(state, name, "no connection", at(now))
        case (("lose" | "mute"), [name]):
            entries = lose(state, name, "no meter", at(now), answered=what == "mute")
        case _:
            raise AssertionError(event)
    return after(state, entries), ""
