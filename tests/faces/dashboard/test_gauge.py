"""The gauge in figures: where a balance stands on the arc, and what is said of it."""

from hypothesis import given
from hypothesis import strategies as st

from keepahead.faces.dashboard.gauge import BELOW_ZERO, STATE_ICONS, marks_of, share, state_words
from keepahead.faces.gateway.books import Marks, State


@given(st.integers(-500, 20_000), st.integers(-500, 20_000), st.integers(60, 18_000))
def test_more_is_never_less(one, other, capacity):
    """The arc never shows less for more, and stays on the dial."""
    low, high = sorted((one, other))
    assert 0 < share(low, capacity) <= share(high, capacity) <= 1


def test_where_things_stand():
    """Empty, full, below zero; and the marks lie apart whether the plan is small or large."""
    assert (share(0, 1200), share(1200, 1200), share(-5, 1200)) == (BELOW_ZERO, 1.0, BELOW_ZERO / 2)
    for capacity in (300, 1_200, 18_000):
        floor, critical, low = (share(mark, capacity) for mark in (10, 20, 50))
        assert floor - BELOW_ZERO > 0.03
        assert min(critical - floor, low - critical) > 0.01


def test_marks_are_in_order():
    """Whatever is set, the lowest mark comes first."""
    assert [mark.name for mark in marks_of(Marks(50, 20), 10)] == ["Floor", "Critical", "Low"]
    assert [mark.tokens for mark in marks_of(Marks(50, 20), 100)] == [20, 50, 100]


def test_every_state_has_words_and_an_icon():
    """No colour alone carries meaning: each state is said and drawn differently."""
    words = {state_words(state, 10, Marks(50, 20)) for state in State}
    assert len(words) == len(set(STATE_ICONS.values())) == len(State)
