"""Counting entries: nothing falls, labels are few, and names go to the dearest."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.house import START

from keepahead.budget.entry import (
    Absorbed,
    Entry,
    Label,
    Lost,
    Observed,
    Refusal,
    Released,
    Reserved,
    Served,
    Settled,
)
from keepahead.budget.meter import Meter
from keepahead.faces.gateway.counts import ENDPOINTS, GROUPS_MOST, LANES, REASONS, Counts, Histograms
from keepahead.faces.gateway.dearest import NAMED_MOST, OTHER, Dearest

METER = Meter(START, START, START + timedelta(seconds=2), 100, 20, 1_000)


def counts() -> tuple[Counts, dict[str, list[float]]]:
    """Return counts, and the values that go into their histograms."""
    seen: dict[str, list[float]] = {"waited": [], "took": [], "charged": []}
    return Counts(
        Histograms(**{name: lambda value, _, into=into: into.append(value) for name, into in seen.items()})
    ), seen


def label(endpoint="product", caller="person", lane="live") -> Label:
    """Return whose entry it is."""
    return Label("call", endpoint, lane, caller)


def settled(tokens=4, reserved=5, at=START, of=None, **more) -> Settled:
    """Return the entry of a paid call."""
    return Settled(at=at, label=of or label(), tokens=tokens, reserved=reserved, meter=METER, **more)


def reserved(tokens=5, at=START) -> Reserved:
    """Return the entry of a granted call."""
    return Reserved(at=at, label=label(), tokens=tokens, shape="", balance=9, free=9, floor=1, lapses_at=START)


LABELS = st.builds(
    label,
    endpoint=st.sampled_from(["product", "query", "made up", ""]),
    caller=st.integers(0, 300).map(str),
    lane=st.sampled_from(["live", "jobs", "third"]),
)
TOKENS = st.integers(0, 500)
ENTRIES = st.one_of(
    st.builds(settled, tokens=TOKENS, reserved=TOKENS, of=LABELS, counted_before=st.sampled_from([0, 0, 7])),
    st.builds(Released, at=st.just(START), label=LABELS, tokens=TOKENS, reason=st.text()),
    st.builds(Lost, at=st.just(START), label=LABELS, tokens=TOKENS, reason=st.text(), proven_after=st.just(START)),
    st.builds(Absorbed, at=st.just(START), label=LABELS, tokens=TOKENS, charged=TOKENS),
    st.builds(Served, at=st.just(START), label=LABELS, tokens=TOKENS, shape=st.just("")),
    st.builds(Observed, at=st.just(START), meter=st.just(METER), external_tokens=TOKENS),
    st.builds(
        Refusal,
        at=st.just(START),
        label=LABELS,
        tokens=TOKENS,
        reason=st.sampled_from([*REASONS, "frozen: by Ann", "whatever"]),
        shape=st.just(""),
        balance=TOKENS,
        free=TOKENS,
        floor=TOKENS,
    ),
)


def numbers(of: Counts) -> dict[object, int]:
    """Return all numbers of counts by what they are."""
    grouped = {(group, name): count for group, sums in of.groups.items() for name, count in sums.items()}
    return {**grouped, **of.calls, **of.refusals, "external": of.external}


@given(st.lists(ENTRIES, max_size=80))
def test_no_number_falls_and_labels_are_few(entries: list[Entry]):
    """Whatever is written, in whatever order: numbers only grow, and every label is one of few."""
    found, _ = counts()
    before = numbers(found)
    for entry in entries:
        found.take(entry, None)
        after = numbers(found)
        assert all(after[key] >= value for key, value in before.items())
        before = after
    assert {group.endpoint for group in found.groups} <= {*ENDPOINTS, OTHER}
    assert {group.lane for group in found.groups} <= {*LANES, OTHER}
    assert len({group.caller for group in found.groups}) <= NAMED_MOST + 1
    assert {reason for _, _, reason in found.refusals} <= {*REASONS, OTHER}


@given(st.lists(ENTRIES, max_size=80))
def test_nothing_is_left_out(entries: list[Entry]):
    """What counters show in all is what the entries add up to, under whichever name."""
    found, _ = counts()
    for entry in entries:
        found.take(entry, None)
    consumed = sum(each.tokens for each in entries if isinstance(each, Settled))
    consumed += sum(each.charged for each in entries if isinstance(each, Absorbed))
    assert sum(sums["consumed"] for sums in found.groups.values()) == consumed
    assert sum(found.refusals.values()) == sum(isinstance(each, Refusal) for each in entries)


def test_groups_are_bounded():
    """Many callers on many endpoints make no more groups than there is room for; the rest is "other"."""
    found, _ = counts()
    for number in range(NAMED_MOST):
        for endpoint in ENDPOINTS:
            found.take(settled(of=label(endpoint, f"program-{number}")), None)
    assert len(found.groups) <= GROUPS_MOST + len(ENDPOINTS)
    assert sum(sums["consumed"] for sums in found.groups.values()) == 4 * NAMED_MOST * len(ENDPOINTS)


def test_histograms_get_what_can_be_known():
    """A wait counts from where it was seen to begin, an exchange from the ask, a charge by what was set aside."""
    found, seen = counts()
    found.take(reserved(), START - timedelta(seconds=90))
    found.take(reserved(), None)
    found.take(reserved(tokens=0), None)  # free: it waits for nothing
    found.take(reserved(), START + timedelta(seconds=1))  # a clock that was put back
    found.take(settled(tokens=6, reserved=5), None)
    found.take(settled(tokens=0, reserved=0), None)
    assert seen == {"waited": [90, 0, 0], "took": [2, 2], "charged": [1.2]}
    (sums,) = found.groups.values()
    assert (sums["reserved"], sums["consumed"], sums["overage"]) == (15, 6, 1)


def test_a_late_answer_is_no_second_call():
    """A call that was lost and whose answer came after all is one call; what it cost is counted."""
    found, _ = counts()
    found.take(Lost(at=START, label=label(), tokens=5, reason="no answer", proven_after=START), None)
    found.take(settled(counted_before=5), None)
    assert found.calls == {("product", "live", "lost"): 1}


def test_names_go_to_the_dearest():
    """Whoever spends far more than one that has a name takes it; an idle crowd that came first does not keep it."""
    dearest = Dearest()
    for number in range(NAMED_MOST):
        assert dearest.label(f"idle-{number}") == f"idle-{number}"
    assert dearest.label("dear") == OTHER
    dearest.add("dear", 100)
    assert len(dearest.review()) == 1
    assert dearest.label("dear") == "dear"


def test_names_do_not_change_hands_for_little():
    """Somebody who spends a little more than a holder does not take his name; twice as much does."""
    dearest = Dearest()
    dearest.seed({f"program-{number}": 100 for number in range(NAMED_MOST)})
    dearest.add("newcomer", 150)
    assert dearest.review() == frozenset()
    dearest.add("newcomer", 100)
    assert len(dearest.review()) == 1
    assert dearest.label("newcomer") == "newcomer"


def test_who_loses_his_name_begins_anew():
    """The counters of a name that was taken are gone, so that they cannot fall when it comes back."""
    found, _ = counts()
    for number in range(NAMED_MOST):
        found.take(settled(tokens=1, of=label(caller=f"program-{number}")), None)
    found.take(settled(tokens=100, of=label(caller="dear")), None)
    found.review()
    found.take(settled(tokens=7, of=label(caller="dear")), None)
    by_caller = {group.caller: sums["consumed"] for group, sums in found.groups.items()}
    assert (by_caller["dear"], by_caller[OTHER]) == (7, 100)
    assert len(by_caller) == NAMED_MOST + 1
