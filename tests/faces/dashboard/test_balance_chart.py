"""What is drawn and said of the balance follows from the facts."""

from datetime import timedelta

from tests.store.makers import at, meter

from keepahead.budget.account import Account
from keepahead.budget.entry import Label, Refusal, Reserved
from keepahead.budget.lane import LIVE
from keepahead.budget.past import Reading
from keepahead.budget.status import status_of
from keepahead.faces.dashboard.balance_chart import SPANS, Drawn, added, ahead, drawn, looked_at, options
from keepahead.faces.dashboard.look import DARK, LIGHT
from keepahead.faces.dashboard.outlook import outlook_words, past_words
from keepahead.store.course import Held, Past, Refused
from keepahead.store.record import Line

LABEL = Label("c1", "product", "live", "ann")
ACCOUNT = Account("account", meter(0, 100))


def ms(seconds: float) -> int:
    """A moment as the browser counts."""
    return int(at(seconds).timestamp() * 1000)


def outlook(account: Account, pace: float) -> tuple[str, bool]:
    """What is said at the test's beginning."""
    return outlook_words(account, status_of(account, LIVE, at(0)), at(0), pace=pace)


def test_the_past():
    """Readings and refills make the line; what was held and refused stands at its moment."""
    past = Past([Reading(at(0), meter(0, 100))], [Held(at(5), 30)], [Refused(at(7), 3)])
    shown = drawn(past, at(0), at(120), stretches=2)
    assert shown.balance == [[ms(0), 100], [ms(60), 120], [ms(120), 140]]
    assert (shown.held, shown.refused) == ([[ms(5), 30]], [[ms(7), 0, 3]])
    assert (
        past_words(shown, "hour")
        == "In the last hour the balance was between 100 and 140 tokens, and 3 calls were refused."
    )
    assert past_words(Drawn([], [], []), "day") == "Nothing is known of the last day."


def test_what_is_new():
    """A reservation and a refusal add a point each, and so does the balance, if it is known."""
    facts = {"at": at(1), "label": LABEL, "shape": "", "balance": 100, "free": 90, "floor": 10}
    lines = [
        Line(1, Reserved(tokens=5, lapses_at=at(9), **facts)),
        Line(2, Refusal(tokens=500, reason="", **facts)),
    ]
    assert added(lines, at(2), 95) == Drawn([[ms(2), 95]], [[ms(1), 15]], [[ms(1), 0, 1]])
    assert added([], at(2), None) == Drawn([], [], [])


def test_a_closer_look():
    """What is zoomed into is read anew where it is less than half of the past, and never beyond now."""
    week = SPANS["week"]
    begins = at(0) - week.back
    whole = week.back + week.ahead
    assert looked_at({"start": 0, "end": 100, "batch": None}, week, at(0)) is None
    assert looked_at({"batch": [{"start": 10, "end": 20}]}, week, at(0)) == (begins + whole / 10, begins + whole / 5)
    assert looked_at({"start": 80, "end": 100}, week, at(0)) == (begins + whole * 0.8, at(0))
    assert looked_at({"start": 95, "end": 100}, week, at(0)) is None
    assert looked_at({"batch": [{"startValue": 1}]}, week, at(0)) is None


def test_the_forecast():
    """One line for nothing more sent, one for the present pace, both from now to the end of what is looked at."""
    nothing, pace = ahead(ACCOUNT, at(0), timedelta(minutes=30), pace=30.0)
    assert nothing[0] == pace[0] == [ms(0), 100]
    assert nothing[-1][0] == pace[-1][0] == ms(1800)
    assert nothing[-1][1] > 100 > pace[-1][1]
    assert ahead(Account("account"), at(0), timedelta(hours=1), pace=1.0) == ([], [])


def test_the_outlook_in_words():
    """When the floor is reached is said with the clock, and whether it is anything to worry about."""
    assert outlook(Account("account"), 1.0) == ("Nothing is known of the account yet: see Now.", False)
    assert "full in 55 min (20:54 UTC)" in outlook(ACCOUNT, 0.0)[0]
    assert "the floor is not reached" in outlook(ACCOUNT, 5.0)[0]
    text, is_bad = outlook(ACCOUNT, 30.0)
    assert "(30.0 tokens a minute; 20 come) the floor of 10 is reached in 9 min (20:09 UTC)" in text
    assert is_bad
    assert outlook(Account("account", meter(0, 7)), 30.0)[0].startswith("The floor of 10 is reached")


def test_every_series_has_a_name_and_a_colour_of_the_theme():
    """Both themes draw the same series; lines to come are told from what was by more than their colour."""
    for palette in (LIGHT, DARK):
        series = {each["id"]: each for each in options(palette, 10)["series"]}
        assert list(series) == ["balance", "held", "refused", "nothing", "pace"]
        kinds = [series[name]["lineStyle"]["type"] for name in ("balance", "nothing", "pace")]
        assert len(set(kinds)) == len(kinds)
    assert all(span.ahead < span.back for span in SPANS.values())
