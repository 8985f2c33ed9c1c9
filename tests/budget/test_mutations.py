"""Deliberate mistakes in the rules, and the law that finds each: tests of the tests. The only file that patches."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.budget import test_backfill as backfill
from tests.budget import test_kept as kept
from tests.budget import test_laws as laws
from tests.budget import test_order as order
from tests.budget import test_reconcile as reconcile
from tests.budget import test_rules as rules
from tests.budget.machine import House, Unsupervised

from keepahead.budget import account as accounts
from keepahead.budget import decide, standing
from keepahead.budget import meter as meters
from keepahead.budget import split as splits
from keepahead.budget.account import Account
from keepahead.budget.decide import _Case
from keepahead.budget.entry import Absorbed, Entry, Label, Observed, Released
from keepahead.budget.meter import Meter
from keepahead.budget.rule import Freeze, Rules, Window
from keepahead.budget.standing import Standing
from keepahead.budget.ticket import Ticket

HUNT = settings(
    max_examples=5_000,  # it ends with the first that is found; which those are hangs on what else was imported
    stateful_step_count=40,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


def uncapped(self: Meter, now: datetime) -> int:
    """Let the bucket hold any number."""
    return self.tokens_left + self._lumps_by(now) * self.net_rate_per_minute


def forgetting(account: Account, meter: Meter, _now: datetime, *, own: int) -> Account:
    """Let a new meter replace all that is known."""
    if not meter.is_newer_than(account.meter):
        return account
    return replace(account, meter=meter, reservations=(), gap=0 * own)


def absorbing(account: Account, _meter: Meter, now: datetime, _changed: Observed | None = None) -> tuple[Entry, ...]:
    """Take any meter for a proof."""
    unknown = [held for held in account.reservations if held.is_unknown]
    return tuple(Absorbed(at=now, label=held.label, tokens=held.tokens) for held in unknown)


def freeing(account: Account, now: datetime) -> Iterable[Entry]:
    """Give back what a dead process held."""
    for held in account.reservations:
        if not held.is_unknown and now >= held.lapses_at:
            yield Released(at=now, label=held.label, tokens=held.tokens, reason="too old")


def proving(state: Account) -> list[datetime]:
    """Count free calls among those to be proven."""
    return [held.proven_after for held in state.reservations if held.proven_after]


def recounting(self: Meter, tokens: int, now: datetime) -> datetime | None:
    """Count lumps from the reading, as if the cap had not swallowed any."""
    if tokens <= 0 or self.net_rate_per_minute == 0:
        return now if tokens <= 0 else None
    grown = self.balance_at(now) - self.tokens_left
    return max(now, self._moment_of_lump(-(-(grown + tokens) // self.net_rate_per_minute)))


def higher(self: Meter, other: Meter | None) -> bool:
    """Believe the better of two."""
    return other is None or (self.measured_at, self.tokens_left) > (other.measured_at, other.tokens_left)


def by_place(tickets: Iterable[Ticket], _yielded_at: datetime | None) -> Sequence[Ticket]:
    """Let the jobs wait for ever."""
    return sorted(tickets, key=lambda ticket: ticket.place)


def spilling(self: _Case, ticket: Ticket, promised: int) -> int:
    """Overlook that a full bucket takes no more."""
    missing = ticket.floor + promised - self.free
    return -missing if missing <= 0 else -missing % self.meter.net_rate_per_minute


def keeping_turn(account: Account, **changes: object) -> Account:
    """Forget that a job was served."""
    return replace(account, **{**changes, "yielded_at": None})  # pyright: ignore[reportArgumentType]


def costing_nothing(*, at: datetime, label: Label, tokens: int, charged: int) -> Absorbed:
    """Forget what a lost call cost."""
    return Absorbed(at=at, label=label, tokens=tokens, charged=0 * charged)


WINDOWS = Rules.windows


def counting_settled(self: Rules, _held: int, now: datetime) -> Sequence[Window]:
    """Overlook what is under way."""
    return WINDOWS(self, 0, now)


SETTINGS = "_hypothesis_internal_use_settings"
"""Hypothesis has no public way to say for a finished test that its failure is neither shrunk nor remembered."""


def run(law: Callable[[], None]) -> None:
    """Run a law that is expected to fail."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(law, SETTINGS, HUNT)
        law()


OVERSPENDING: dict[str, tuple[object, str, object, Callable[[], None]]] = {
    "unknown calls are forgotten": (
        Account, "unknown", property(lambda _: 0), laws.test_free_is_the_projection_less_all_that_is_held,
    ),
    "calls in flight are forgotten": (
        Account, "reserved", property(lambda _: 0), laws.test_free_is_the_projection_less_all_that_is_held,
    ),
    "a new meter overwrites what is held": (
        accounts, "_read", forgetting, laws.test_a_newer_meter_does_not_forget_calls_in_flight,
    ),
    "the last meter to arrive is believed": (
        Meter, "is_newer_than", lambda *_: True, laws.test_the_newest_meter_is_the_one_with_keepas_newest_time,
    ),
    "lumps are counted a little early": (
        meters, "GRACE_MS", -2_000, laws.test_a_lump_is_never_counted_before_the_true_tick,
    ),
    "trackings are overlooked": (
        Meter, "net_rate_per_minute", property(lambda self: self.refill_rate_per_minute),
        laws.test_refill_comes_in_whole_lumps_less_flow_and_is_capped,
    ),
    "a lost call is proven at once": (
        decide, "UNKNOWN_HOLD", timedelta(0), laws.test_an_unknown_call_counts_until_a_meter_asked_for_after_its_proof,
    ),
}  # fmt: skip

OTHERS: dict[str, tuple[object, str, object, Callable[[], None]]] = {
    "tickets are ignored": (_Case, "ahead", property(lambda _: ()), laws.test_nobody_delays_an_older_ticket),
    "a dead process gives its tokens back": (
        decide, "_lapse", freeing, laws.test_a_reservation_whose_process_is_gone_lapses_into_unknown,
    ),
    "a deadline is overlooked": (
        _Case, "whole_is_in_time", property(lambda _: True),
        laws.test_work_that_cannot_be_finished_in_time_is_not_begun,
    ),
    "any crumb of a batch is sent": (
        _Case, "smallest_part", property(lambda _: 1), laws.test_a_batch_gets_the_largest_part_that_fits,
    ),
    "everybody asks for the first meter": (
        decide, "PROBE_LIFE", timedelta(0), laws.test_without_a_meter_one_asks_and_the_others_wait,
    ),
    "everybody asks for the next meter": (
        decide, "PROBE_LIFE", timedelta(0), laws.test_a_new_meter_is_asked_for_once_when_it_would_free_tokens,
    ),
}  # fmt: skip


# What the stateful model would find too, but needs long for: only a law is asked.
RARE: dict[str, tuple[object, str, object, Callable[[], None]]] = {
    "a lost free call is worth a new meter": (
        decide, "_proof_moments", proving, laws.test_a_new_meter_is_asked_for_once_when_it_would_free_tokens,
    ),
    "on a tie the higher balance is believed": (
        Meter, "is_newer_than", higher, laws.test_the_newest_meter_is_the_one_with_keepas_newest_time,
    ),
    "any newer meter proves an unknown call": (
        decide, "_aftermath", absorbing, laws.test_an_unknown_call_counts_until_a_meter_asked_for_after_its_proof,
    ),
    "lumps come every minute sharp": (
        meters, "TICK_MS", 60_000, laws.test_a_lump_is_never_counted_before_the_true_tick,
    ),
    "the bucket has no cap": (
        Meter, "balance_at", uncapped, laws.test_refill_comes_in_whole_lumps_less_flow_and_is_capped,
    ),
    "a moment is told as if nobody stood ahead": (
        Standing, "ready_at", property(lambda self: self.meter.moment_of_refill(1 - self.free, self.now)),
        kept.test_who_comes_back_at_the_moment_he_was_told_is_granted,
    ),
    "a moment is told as if no bucket spilt": (
        Standing, "ready_at", Standing.paid_at, kept.test_who_comes_back_at_the_moment_he_was_told_is_granted,
    ),
    "who began earlier stands before a kept place": (
        decide, "placed", lambda ask, *_: ask, kept.test_who_comes_back_at_the_moment_he_was_told_is_granted,
    ),
    "refill is counted from the reading on": (
        Meter, "moment_of_refill", recounting, laws.test_work_that_cannot_be_finished_in_time_is_not_begun,
    ),
}  # fmt: skip


# The queue, backfill, reconciliation and the rules: each has its own simulation, called with what it needs.
SIMULATED: dict[str, tuple[object, str, object, Callable[[], None]]] = {
    "jobs starve": (
        standing, "in_order", by_place,
        lambda: order.test_a_job_is_served_once_in_its_patience_under_endless_live_traffic(rate=20, seed=0),
    ),
    "jobs come forward again at once": (
        accounts, "replace", keeping_turn,
        lambda: run(order.test_only_tokens_granted_to_a_lane_that_yields_begin_its_patience_anew),
    ),
    "whatever is free may pass": (
        _Case, "slack", lambda self, *_: self.free,
        lambda: backfill.test_a_stream_of_small_calls_never_delays_the_head(head=600, seed=0),
    ),
    "what passes may spill the bucket": (
        _Case, "slack", spilling, lambda: [
            backfill.test_a_stream_of_small_calls_never_delays_the_head(head=1_190, seed=seed) for seed in range(4)
        ],
    ),
    "somebody else's spending is overlooked": (
        Account, "external", property(lambda _: 0),
        lambda: run(reconcile.test_what_an_outsider_takes_while_nothing_is_under_way_is_recorded_exactly),
    ),
    "own late answers are called external": (
        accounts, "_explained", lambda account, _: account,
        lambda: run(reconcile.test_without_an_outsider_nobody_is_called_one),
    ),
    "calls under way are called external": (
        Account, "external", property(lambda self: self.gap),
        lambda: run(reconcile.test_without_an_outsider_nobody_is_called_one),
    ),
    "lost calls cost nothing": (
        decide, "Absorbed", costing_nothing, lambda: run(reconcile.test_without_an_outsider_nobody_is_called_one),
    ),
    "a changed plan is called an outsider": (
        splits, "min", max, lambda: run(reconcile.test_a_changed_plan_is_recorded_once_and_is_no_outsider),
    ),
    "a freeze is ignored": (
        Freeze, "forbids", lambda *_, **__: False,
        lambda: run(rules.test_a_freeze_forbids_what_it_says_and_nothing_else),
    ),
    "a freeze never ends": (
        Freeze, "is_over", lambda *_: False, lambda: run(rules.test_a_freeze_ends_at_its_moment),
    ),
    "a limit counts only what is settled": (
        Rules, "windows", counting_settled, lambda: run(rules.test_a_caller_spends_no_more_than_its_limit),
    ),
    "a limit lets the calls of one hour overlap": (
        Rules, "windows", counting_settled,
        lambda: rules.test_in_no_window_more_than_the_limit_is_spent_or_held(seed=0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", SIMULATED)
def test_a_simulation_finds(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mistake in the queue, in what may pass, in the books or in the rules breaks a promise."""
    target, name, wrong, law = SIMULATED[mistake]
    monkeypatch.setattr(target, name, wrong, raising=name != "min")  # a builtin is no name of the module yet
    with pytest.raises(AssertionError):
        law()


@pytest.mark.parametrize("mistake", [*OVERSPENDING, *OTHERS, *RARE])
def test_a_law_finds(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mistake breaks the law that forbids it."""
    target, name, wrong, law = {**OVERSPENDING, **OTHERS, **RARE}[mistake]
    monkeypatch.setattr(target, name, wrong)
    with pytest.raises(AssertionError):
        run(law)


@pytest.mark.parametrize("mistake", OTHERS)
def test_the_clerk_finds(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stateful model disagrees with each mistake that does not overspend."""
    target, name, wrong, _ = OTHERS[mistake]
    monkeypatch.setattr(target, name, wrong)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(House, settings=HUNT)


@pytest.mark.parametrize("mistake", OVERSPENDING)
def test_the_bucket_finds(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mistake that spends too much is seen in Keepa's bucket alone, without a second opinion on the rules."""
    target, name, wrong, _ = OVERSPENDING[mistake]
    monkeypatch.setattr(target, name, wrong)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Unsupervised, settings=HUNT)
