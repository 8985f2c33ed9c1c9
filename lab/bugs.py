"""Deliberate bugs, each of which the laboratory must catch: what it cannot catch it cannot promise. `make sim-bugs`.

Each is planted in this process only, by patching the product, and is run from one seed after the other until a law is
broken or its steps are used up.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from lab.planted import budget, keepa, store
from lab.weather import Climate

CALM = Climate(frozenset())
NETWORK = Climate(frozenset(("network",)))
KEEPA = Climate(frozenset(("network", "keepa")))
STORE = Climate(frozenset(("store",)))
DEATHS = Climate(frozenset(("deaths", "network")))
OUTSIDERS = Climate(frozenset(("outsiders",)))
PLANS = Climate(frozenset(("plans",)))

SHORT, LONG = 3_000, 8_000
"""Steps of a run before it becomes quiet."""

SEEDS = range(1, 200)


@dataclass(frozen=True, slots=True)
class Bug:
    """One bug. It is caught within `steps`, all runs of its `seeds` together; `turns` is the length of each.

    `climate` is one that suits it; None draws it from the seed. `ends_quiet`: only what is left at the end shows it.
    `is_slow`: it takes too long for the tests.
    """

    name: str
    steps: int
    why: str
    planted: Callable[[], AbstractContextManager[Any]]
    climate: Climate | None = None
    seeds: Sequence[int] = SEEDS
    turns: int = SHORT
    ends_quiet: bool = False
    is_slow: bool = False


BUGS: Sequence[Bug] = (
    Bug("skip the reservation", 30_000, "a check alone is a race", budget.skip_the_reservation, CALM),
    Bug("check without reserving", 30_000, "two see 60, both send 50", budget.check_without_reserving, CALM),
    Bug("grant all for a part", 120_000, "more is sent than was held", budget.grant_all_for_a_part, OUTSIDERS),
    Bug("hold the least", 40_000, "a call may cost its bound", keepa.hold_the_least, CALM),
    Bug("believe the last meter", 60_000, "answers overtake", budget.believe_the_last_meter, NETWORK),
    Bug("order meters by the asking", 40_000, "calls overtake", budget.order_meters_by_the_asking, NETWORK),
    Bug(
        "read the meter by our clock",
        60_000,
        "only Keepa's clock orders them",
        keepa.read_the_meter_by_our_clock,
        NETWORK,
    ),
    Bug("clamp a deficit to zero", 40_000, "-60 is a balance", budget.clamp_a_deficit_to_zero, CALM),
    Bug("take a deficit for a sign", 40_000, "-1 and 0 are balances", keepa.take_a_deficit_for_a_sign, CALM),
    Bug("forget the capacity", 240_000, "a full bucket spills", budget.forget_the_capacity, CALM),
    Bug("refill all the time", 40_000, "Keepa adds lumps", budget.refill_all_the_time, CALM),
    Bug("count a lump early", 30_000, "a lump is there when it is there", budget.count_a_lump_early, CALM),
    Bug("ignore the flow reduction", 120_000, "trackings come first", budget.ignore_the_flow_reduction, PLANS),
    Bug("believe in one plan", 120_000, "the rate is learned", budget.believe_in_one_plan, CALM),
    Bug("never refill", 120_000, "tokens come back", budget.never_refill, CALM, ends_quiet=True),
    Bug("miss the floor by one", 90_000, "the floor is never undercut", budget.miss_the_floor_by_one, CALM),
    Bug("take the other lane's floor", 40_000, "live calls come first", budget.take_the_other_floor, CALM),
    Bug("overwrite what is in flight", 30_000, "a meter knows none of it", budget.overwrite_what_is_in_flight, CALM),
    Bug("forget the unknown", 120_000, "a lost answer was paid for", budget.forget_the_unknown, KEEPA),
    Bug("give back the unknown", 60_000, "as above", budget.give_back_the_unknown, KEEPA),
    Bug("absorb too early", 120_000, "Keepa works on", budget.absorb_too_early, KEEPA),
    Bug("settle with the bound", 30_000, "Keepa says what it took", budget.settle_with_the_bound, CALM),
    Bug("settle with the difference", 30_000, "a refill lies between", budget.settle_with_the_difference, CALM),
    Bug("settle twice", 30_000, "a charge is a charge", budget.settle_twice, CALM),
    Bug("blame others for our own", 30_000, "what is ours is no alarm", budget.blame_others_for_our_own, CALM),
    Bug("never lapse", 200_000, "the dead hold tokens for ever", budget.never_lapse, DEATHS, ends_quiet=True),
    Bug("lapse too early", 40_000, "a call may take minutes", budget.lapse_too_early, KEEPA),
    Bug("poll for the meter", 160_000, "every answer is a meter", budget.poll_for_the_meter, CALM),
    Bug(
        "charge more for the unknown",
        900_000,
        "the sums are what Keepa charged",
        budget.charge_more_for_the_unknown,
        KEEPA,
        ends_quiet=True,
        is_slow=True,
    ),
    Bug(
        "let tickets live for ever",
        30_000,
        "the dead hold up everybody",
        budget.let_tickets_live_for_ever,
        DEATHS,
        turns=LONG,
    ),
    Bug(
        "let nobody stand ahead",
        60_000,
        "small calls starve the big one",
        budget.let_nobody_stand_ahead,
        CALM,
        turns=LONG,
    ),
    Bug(
        "let jobs never age",
        2_000_000,
        "live calls starve jobs",
        budget.let_jobs_never_age,
        CALM,
        turns=40_000,
        is_slow=True,
    ),
    Bug("never give up a place", 30_000, "the gone hold up others", store.never_give_up_a_place, CALM, turns=LONG),
    Bug("never renew a place", 40_000, "who waits loses his place", store.never_renew_a_place, CALM, turns=LONG),
    Bug("forget what is owed", 120_000, "it was charged", store.forget_what_is_owed, STORE, turns=LONG),
    Bug(
        "close with debts",
        600_000,
        "it was charged",
        store.close_with_debts,
        STORE,
        turns=LONG,
        ends_quiet=True,
        is_slow=True,
    ),
    Bug(
        "sleep through a better plan",
        600_000,
        "tokens may come sooner",
        store.sleep_through_a_better_plan,
        STORE,
        turns=LONG,
        ends_quiet=True,
        is_slow=True,
    ),
    Bug("send without a ledger", 60_000, "uncounted is unsent", store.send_without_a_ledger, STORE),
    Bug(
        "keep what nobody heard of",
        600_000,
        "it holds tokens for nothing",
        store.keep_what_nobody_heard_of,
        STORE,
        turns=LONG,
        is_slow=True,
    ),
    Bug(
        "leave the ended on the table", 30_000, "an ended call holds nothing", store.leave_the_ended_on_the_table, CALM
    ),
    Bug("forget that it is unknown", 60_000, "tables agree with entries", store.forget_that_it_is_unknown, KEEPA),
    Bug("archive nothing", 40_000, "it was paid for", store.archive_nothing, CALM),
    Bug("serve nothing", 40_000, "what is there is not paid for", store.serve_nothing, CALM),
    Bug("serve at any age", 40_000, "who wants it fresh gets it fresh", store.serve_at_any_age, CALM),
    Bug("lease nothing", 40_000, "two processes pay for the same", store.lease_nothing, CALM),
    Bug("decode before archiving", 60_000, "it was paid for", keepa.decode_before_archiving, CALM),
    Bug("release after a time-out", 60_000, "it may have been charged", keepa.release_after_a_time_out, KEEPA),
    Bug("resend after a time-out", 60_000, "it is charged twice", keepa.resend_after_a_time_out, KEEPA),
    Bug("resend after an error", 200_000, "a 500 may have been charged", keepa.resend_after_an_error, KEEPA),
    Bug("take zeros for a meter", 240_000, "an envelope of zeros is no meter", keepa.take_zeros_for_a_meter, KEEPA),
    Bug("read no meter from an error", 40_000, "it tells the balance, too", keepa.read_no_meter_from_an_error, KEEPA),
    Bug("charge what was refused", 40_000, "a 429 costs nothing", keepa.charge_what_was_refused, KEEPA),
    Bug(
        "book what can be read only",
        120_000,
        "it was charged all the same",
        keepa.book_what_can_be_read,
        KEEPA,
        turns=LONG,
    ),
    Bug("forget who is cancelled", 120_000, "what he sent is charged", keepa.forget_who_is_cancelled, CALM),
    Bug("release who is cancelled", 40_000, "as above", keepa.release_who_is_cancelled, CALM),
    Bug(
        "wait beyond the deadline",
        120_000,
        "who will not wait must not",
        keepa.wait_beyond_the_deadline,
        CALM,
        ends_quiet=True,
    ),
    Bug(
        "take what does not fit", 240_000, "what is found meets all criteria", keepa.take_what_does_not_fit, turns=LONG
    ),
    Bug(
        "send past the ledger at the door",
        120_000,
        "one way past it, and all are wrong",
        keepa.send_past_the_ledger,
        CALM,
    ),
)
