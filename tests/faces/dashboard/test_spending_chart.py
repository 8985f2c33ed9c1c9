"""Which parts a range has, who has a colour of its own, and what the charts and their figures say."""

from datetime import UTC, datetime, timedelta

import pytest

from keepahead.budget.rule import DAY, HOUR
from keepahead.faces.dashboard.look import DARK, LIGHT
from keepahead.faces.dashboard.spending_chart import (
    NAMED_MOST,
    OTHERS,
    SOMEBODY_ELSE,
    Range,
    pair_options,
    pairs_of,
    stack_of,
    stack_options,
    window_of,
)
from keepahead.faces.dashboard.spending_rows import headlines, stack_columns, stack_rows, who_rows
from keepahead.store.record import Sum
from keepahead.store.spending import Estimate, Part

NOW = datetime(2026, 11, 22, 20, 42, 7, tzinfo=UTC)
WINDOW = window_of(Range.DAY, NOW)


def part(hour: int, group: str, charged: int = 0, external: int = 0) -> Part:
    """What was spent in an hour of the window."""
    return Part(WINDOW.since + hour * HOUR, group, charged, external)


@pytest.mark.parametrize("range_", list(Range))
@pytest.mark.parametrize("minutes", [0, 1, 59, 60, 359, 360, 1439])
def test_a_window_ends_with_the_present(range_, minutes):
    """The last part, or a later one of today, holds the present; all begin as hours, quarters or whole days do."""
    now = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(minutes=minutes)
    window = window_of(range_, now)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert (window.since - epoch) % window.length == timedelta()
    assert window.since <= now < window.moments[-1] + window.length
    if range_ is not Range.TODAY:
        assert window.moments[-1] <= now
    reach = {Range.TODAY: DAY, Range.DAY: DAY, Range.WEEK: 7 * DAY, Range.MONTH: 30 * DAY}[range_]
    assert window.length * window.count == reach
    assert len({window.label(moment) for moment in window.moments}) == window.count


@pytest.mark.parametrize("name", [SOMEBODY_ELSE, OTHERS, "__proto__", "constructor", "__defineGetter__"])
def test_a_caller_by_a_name_that_is_taken(name):
    """It has a series of its own in quotes: it is neither somebody else nor anything of JavaScript's."""
    stack = stack_of([part(0, name, charged=5), part(0, "", external=7), part(0, "__ana", charged=3)], WINDOW)
    assert {series: sum(values) for series, values in stack.series.items()} == {
        f'"{name}"': 5,
        '"__ana"': 3,
        SOMEBODY_ELSE: 7,
    }
    assert stack_of([part(0, name, charged=5)], WINDOW, tuple(stack.series)).series.keys() == {f'"{name}"'}
    assert [pair.group for pair in pairs_of({name: Estimate(name, 1, 5, 5, 0, 0)})] == [f'"{name}"']


def test_a_stack_names_the_dearest():
    """Seven have a colour of their own, the others share one, and somebody else comes last; nothing is lost."""
    parts = [part(hour, f"caller{hour}", charged=100 - hour) for hour in range(10)]
    parts += [part(3, "", external=40), part(3, "caller0", charged=5)]
    stack = stack_of(parts, WINDOW)
    names = list(stack.series)
    assert names == [*(f"caller{number}" for number in range(NAMED_MOST)), OTHERS, SOMEBODY_ELSE]
    assert sum(map(sum, stack.series.values())) == sum(each.charged + each.external for each in parts)
    assert stack.series[SOMEBODY_ELSE][3] == 40
    assert stack.series["caller0"][3] == 5


def test_colours_stay():
    """Who overtakes another keeps his colour; who is new comes behind."""
    first = stack_of([part(0, "one", 9), part(0, "two", 5)], WINDOW)
    later = stack_of([part(0, "one", 9), part(1, "two", 50), part(1, "three", 99)], WINDOW, tuple(first.series))
    assert list(later.series) == ["one", "two", "three"]
    colours = [each["itemStyle"]["color"] for each in stack_options(later, LIGHT)["series"]]
    assert colours[:2] == [each["itemStyle"]["color"] for each in stack_options(first, LIGHT)["series"]]


def test_parts_before_the_window_do_not_show():
    """What came between two looks is left out, not put at a wrong place."""
    assert stack_of([Part(WINDOW.since - HOUR, "", 0, 9)], WINDOW).series == {}


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_somebody_else_has_a_colour_and_a_pattern(palette):
    """External spending is told apart by colour, pattern and word."""
    options = stack_options(stack_of([part(0, "one", 9), part(0, "", external=4)], WINDOW), palette)
    own, external = options["series"]
    assert external["name"] == SOMEBODY_ELSE
    assert external["itemStyle"]["color"] == palette.external
    assert "decal" in external["itemStyle"]
    assert palette.external not in palette.series
    assert own["stack"] == external["stack"]


def test_figures_say_what_the_chart_says():
    """The table has every series and every part in which something was spent, the newest first."""
    stack = stack_of([part(0, "one", 1_900), part(5, "two", 3), part(5, "", external=4)], WINDOW)
    columns, rows = stack_columns(stack), stack_rows(stack)
    assert [column.title for column in columns] == ["From (UTC)", "All", "one", "two", SOMEBODY_ELSE]
    assert [[row[column.name] for column in columns][1:] for row in rows] == [
        ["7", "0", "3", "4"],
        ["1,900", "1,900", "0", "0"],
    ]


def test_who_rows():
    """The dearest comes first with a full bar; somebody else has tokens, and nothing that nobody knows of him."""
    sums = [Sum("one", 4, 30, 2, 1, 0, 9), Sum("", 0, 0, 0, 0, 60, 0), Sum("idle", 0, 0, 0, 3, 0, 0)]
    external, one, idle = who_rows(sums)
    assert (external["name"], external["share"], external["part"], external["calls"]) == (SOMEBODY_ELSE, 100, "67%", "")
    assert (one["share"], one["part"], one["each"], one["lost"]) == (50, "33%", "7.5", "2")
    assert (idle["share"], idle["refused"], idle["each"]) == (0, "3", "")
    figures = {name: count for name, (count, _, _) in headlines(sums).items()}
    assert figures == {
        "Charged": 30,
        "Somebody else": 60,
        "Saved": 9,
        "Calls": 4,
        "Refused": 4,
        "Not proven": 2,
    }
    assert who_rows([]) == []


def test_pairs():
    """What was set aside stands beside what was charged, the largest first."""
    one, two = Estimate("one", 1, 5, 9, 1, 4), Estimate("two", 3, 50, 40, 0, 0)
    pairs = pairs_of({"one": one, "two": two})
    assert pairs == [two, one]
    options = pair_options(pairs, LIGHT)
    assert options["yAxis"]["data"] == ["two", "one"]
    assert [each["data"] for each in options["series"]] == [[50, 5], [40, 9]]
