"""The report of the bench: what counts as worse, what is carried over, what can be read."""

import json

import pytest
from bench.ratio import Measure, Ratio
from bench.report import (
    Machine,
    Measured,
    Report,
    UnreadableError,
    better_of_both,
    changes,
    gone,
    merged,
    much_worse,
    read,
    written,
)

PAIR = Measure("a pair", "409 us")


def floor(value: float, better="lower") -> Ratio:
    """Ours to a floor."""
    return PAIR.floor(value, "bare commits", better)


def peer(value: float, of: str, better="higher") -> Ratio:
    """Ours to a peer."""
    return PAIR.peer(value, of, better)


def measured(*ratios: Ratio, at="2026-11-26T12:00:00Z", kept=()) -> Measured:
    """A chapter."""
    return Measured(at, "c0ffee", (1.0, 2.0), {"A pair": list(kept)}, list(ratios))


def report(**chapters: Measured) -> Report:
    """A report of these chapters."""
    return Report("2026-11-26T13:00:00Z", None, Machine(2, "3.11.7", (1.0, 2.0)), chapters)


@pytest.mark.parametrize(
    ("better", "last", "now", "is_worse"),
    [
        ("lower", 10.0, 13.0, False),
        ("lower", 10.0, 13.01, True),
        ("lower", 7.1, 7.1 * 1.3, False),
        ("lower", 10.0, 1.0, False),
        ("higher", 10.0, 7.0, False),
        ("higher", 10.0, 6.99, True),
        ("higher", 0.21, 0.21 * 0.7, False),
        ("higher", 10.0, 100.0, False),
    ],
)
def test_worse_by_more_than_30_percent(better, last, now, is_worse):
    """Only what is worse by more than 30% of the last value is worse: upwards where lower is better, else downwards."""
    assert bool(much_worse([floor(now, better)], [floor(last, better)])) is is_worse


def test_what_is_new_is_not_worse():
    """A ratio that the last report has not, or has without a value, is new."""
    for last in ([], [PAIR.no_floor("no disk")], [floor(5.0, "lower").__class__("other", 1.0, "floor", "x", "lower")]):
        [change] = changes([floor(99.0)], last)
        assert (change.last, change.share, change.is_much_worse) == (None, None, False)


def test_what_is_gone_is_said_and_not_worse():
    """A ratio without a value today, or without a line, is gone; one that never had a value is not."""
    last = [floor(7.0), peer(3.0, "token-throttle")]
    for now in ([floor(7.0)], [floor(7.0), PAIR.no_peer("left out")]):
        assert [each.of for each in gone(now, last)] == ["token-throttle"]
        assert much_worse(now, last) == []
    assert gone([], [PAIR.no_peer("left out")]) == []


@pytest.mark.parametrize(("better", "best"), [("higher", "slow"), ("lower", "quick")])
def test_only_the_best_peer_is_compared(better, best):
    """Of the peers the one that is hardest to beat counts, beside its own last ratio and nobody else's."""
    now = [peer(2.0, "slow", better), peer(9.0, "quick", better)]
    [change] = changes(now, [peer(2.1, "slow", better), peer(8.0, "quick", better)])
    assert (change.ratio.of, change.last) == (best, {"slow": 2.1, "quick": 8.0}[best])
    other = {"slow": "quick", "quick": "slow"}[best]
    terrible = 1e6 if better == "higher" else 1e-6
    assert much_worse(now, [peer(change.ratio.value, best, better), peer(terrible, other, better)]) == []


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 0.0])
def test_no_ratio_to_who_got_nothing_done(value):
    """What is no number to compare with is no ratio, and says why."""
    ratio = peer(value, "pyrate-limiter")
    assert ratio.value is None
    assert "nothing done" in ratio.why


def test_better_of_both():
    """Of what was worse the better of two measurements counts, whichever way is better; the rest stays as it was."""
    other = Measure("another", "1 ms")
    first = measured(floor(14.0), peer(1.0, "a"), peer(3.0, "b"), other.floor(2.0, "x", "lower"))
    again = measured(floor(7.0), peer(0.5, "a"), other.floor(1.0, "x", "lower"), kept=[{"again": 1}])
    settled = better_of_both(first, again, {"a pair"})
    assert [each.value for each in settled.ratios] == [7.0, 1.0, 3.0, 2.0]
    assert (settled.tables, settled.tables_again) == (first.tables, again.tables)


def test_chapters_that_were_not_measured_stay():
    """They stay as they were, with their own date, in the order of all chapters; unknown ones go."""
    old = report(many=measured(floor(5.0), at="long ago"), pair=measured(at="long ago"), parted=measured())
    new = {"pair": measured(floor(7.0))}
    chapters = merged(new, old, ["pair", "growth", "many"])
    assert list(chapters) == ["pair", "many"]
    assert chapters["pair"] is new["pair"]
    assert chapters["many"].measured_at == "long ago"
    assert merged(new, None, ["pair", "many"]) == new


def test_a_report_is_read_as_it_was_written():
    """The document is strict JSON and holds all of the report; what is no number in what is kept is null there."""
    said = report(pair=measured(floor(7.1), PAIR.no_peer("left out"), kept=[{"what": "x", "seconds": [1.0, 2.0]}]))
    assert read(written(said).encode()) == said
    endless = json.loads(written(report(many=measured(kept=[{"ours_as_fast": float("inf")}]))))
    assert endless["chapters"]["many"]["tables"]["A pair"] == [{"ours_as_fast": None}]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"One reserve + settle": [{"what": "ours on SQLite", "seconds": 0.0004, "beside": ""}]}',
        written(report(pair=measured(floor(7.0)))).replace("7.0", '"7.0"').encode(),
        written(report(pair=measured(floor(7.0)))).replace('"floor"', '"ceiling"').encode(),
    ],
)
def test_what_is_no_report_cannot_be_read(document):
    """An empty, cut, foreign or older document is told apart from a report."""
    with pytest.raises(UnreadableError) as told:
        read(document)
    assert str(told.value)
