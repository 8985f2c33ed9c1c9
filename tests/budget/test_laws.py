"""The accounting rules of docs/design.md, one property test for each."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.budget.makers import DEFICIT, MILLISECOND, account, after, ask, at, evenly, held, label, meter, ticket
from tests.budget.naive import Bucket, Reading

from keepahead.budget.account import Account, replay
from keepahead.budget.ask import Ask
from keepahead.budget.cost import Cost, sum_costs
from keepahead.budget.decide import (
    CALL_LIMIT,
    OTHERS_WAIT,
    PROBE_LIFE,
    UNKNOWN_HOLD,
    foresee,
    lose,
    observe,
    release,
    reserve,
    settle,
)
from keepahead.budget.entry import Entry, Lost, Refusal, Reserved, Settled
from keepahead.budget.lane import JOBS, LIVE, Lane
from keepahead.budget.meter import GRACE_MS, TICK_MS, Meter
from keepahead.budget.status import status_of
from keepahead.budget.ticket import TICKET_LIFE
from keepahead.budget.verdict import Granted, Later, Reason, Refused

LAW = settings(max_examples=50, deadline=None)

RATES = st.sampled_from([1, 5, 20, 60, 500])
LANES = st.sampled_from([LIVE, JOBS, DEFICIT, Lane("zero", 0, 0)])
TOKENS = evenly(1, 400)
HOUR_MS = 3_600_000
YOUNG_MS = HOUR_MS - 299_999
"""A meter received since then is young enough, after an hour, to refuse for good on it."""


@st.composite
def meters(draw: st.DrawFn, earliest: int = 0) -> Meter:
    """Make meters received within the first hour, and not before `earliest`."""
    rate = draw(RATES)
    flow = draw(st.sampled_from([0, 0, 0, 1, rate, rate + 1]))
    left = draw(evenly(-rate * 10, rate * 60))
    return meter(left, rate=rate, flow=flow, tick=draw(evenly(0, 60_280)), ms=draw(evenly(earliest, HOUR_MS)))


@st.composite
def holdings(draw: st.DrawFn, earliest: int = 0) -> Account:
    """Make accounts whose meter is known and that hold tokens, open and unknown; none of them is due."""
    newest = draw(meters(earliest))
    holds = [
        held(f"h{number}", draw(TOKENS), ms=HOUR_MS, proven=draw(st.sampled_from([None, 4 * HOUR_MS])))
        for number in range(draw(st.integers(0, 3)))
    ]
    return account(newest, *holds)


def verdict_of(state: Account, wanted: Ask, ms: int) -> Granted | Later | Refused:
    """Return only the verdict."""
    return reserve(state, wanted, at(ms)).verdict


def balance_of(state: Account, ms: int) -> int:
    """Project the newest meter lump by lump."""
    known = state.meter
    assert known
    received = (known.received_at - at(0)) // MILLISECOND
    flow, rate = known.flow_reduction_per_minute, known.refill_rate_per_minute
    return Reading(0, 0, received, known.tokens_left, rate, known.refill_in_ms, flow).projected(ms)


# The meter


@LAW
@given(first=meters(), second=meters(), skews=st.tuples(st.integers(0, 3), st.integers(0, 3)))
def test_the_newest_meter_is_the_one_with_keepas_newest_time(
    first: Meter, second: Meter, skews: tuple[int, int]
) -> None:
    """Keepa's timestamp orders meters, not their arrival; on a tie the lower balance is believed."""
    pair = [
        meter(each.tokens_left, rate=each.refill_rate_per_minute, ms=0, keepa_ms=skew)
        for each, skew in zip((first, second), skews, strict=True)
    ]
    believed = [after(Account("key"), observe_all(order)).meter for order in (pair, pair[::-1])]
    expected = min(pair, key=lambda each: (-each.measured_at.timestamp(), each.tokens_left))
    assert believed[0]
    assert believed[1]
    assert believed[0].tokens_left == believed[1].tokens_left == expected.tokens_left
    assert believed[0].measured_at == believed[1].measured_at == expected.measured_at


def observe_all(arriving: list[Meter]) -> list[object]:
    """Return the entries of meters that arrive in that order."""
    state, entries = Account("key"), []
    for each in arriving:
        new = observe(state, each, at(0))
        entries += new
        state = after(state, new)
    return entries


@LAW
@given(rate=st.integers(-1, 2), left=st.integers(-1, 1), stamp=st.sampled_from([0, 1]))
def test_an_envelope_without_rate_or_timestamp_is_no_meter(rate: int, left: int, stamp: int) -> None:
    """Refill rate 0 or timestamp 0 makes no meter; -1 and 0 tokens left are balances like any other."""
    measured = datetime.fromtimestamp(stamp, UTC)
    if rate > 0 and stamp:
        assert Meter(measured, at(0), at(0), left, rate, 0).balance_at(at(0)) == left
    else:
        with pytest.raises(ValueError, match="no meter"):
            Meter(measured, at(0), at(0), left, rate, 0)


@LAW
@given(refill_in=st.integers(-2, 1), flow=st.integers(-2, 1))
def test_refill_time_and_flow_are_never_negative(refill_in: int, flow: int) -> None:
    """A meter whose lump lies in the past, or whose trackings give tokens, is a mistake."""
    assume(refill_in < 0 or flow < 0)
    with pytest.raises(ValueError, match="never negative"):
        meter(1, tick=refill_in, flow=flow)


@LAW
@given(known=meters(), later=evenly(0, 5 * HOUR_MS))
def test_refill_comes_in_whole_lumps_less_flow_and_is_capped(known: Meter, later: int) -> None:
    """Nothing grows between ticks; each lump is the rate less the flow reduction; 60 minutes' worth is all it holds."""
    balance = known.balance_at(known.received_at + later * MILLISECOND)
    lump = max(0, known.refill_rate_per_minute - known.flow_reduction_per_minute)
    grown = balance - known.tokens_left
    assert known.net_rate_per_minute == lump
    assert known.tokens_left <= balance <= max(known.tokens_left, known.refill_rate_per_minute * 60)
    assert grown == 0 if lump == 0 else (grown % lump == 0 or balance == known.refill_rate_per_minute * 60)
    if later < known.refill_in_ms:
        assert grown == 0
    if lump and later >= known.refill_in_ms + GRACE_MS + 62 * TICK_MS and known.tokens_left >= 0:
        assert balance == known.capacity or known.flow_reduction_per_minute


@LAW
@given(
    rate=RATES,
    flow=st.integers(0, 3),
    tick=st.integers(60_190, 60_280),
    refill_in=evenly(1, 60_280),
    times=st.tuples(evenly(0, 30_000), evenly(0, 3 * HOUR_MS)),
)
@example(rate=20, flow=0, tick=60_280, refill_in=60_280, times=(0, 58 * 60_280))
@example(rate=20, flow=0, tick=60_280, refill_in=60_280, times=(0, 59 * 60_280 - 1))
def test_a_lump_is_never_counted_before_the_true_tick(
    rate: int, flow: int, tick: int, refill_in: int, times: tuple[int, int]
) -> None:
    """Whatever Keepa's tick between 60.19 and 60.28 s, and however slow the answer, the projection never exceeds it."""
    bucket = Bucket(-rate, rate, refill_in, tick, flow)
    road, later = times
    known = Meter(at(0), at(0), at(road), bucket.balance, rate, bucket.refill_in, flow)
    bucket.pass_to(road + later)
    assert known.balance_at(at(road + later)) <= bucket.balance


@LAW
@given(known=meters(), wanted=evenly(-50, 1_300))
def test_the_moment_of_a_balance_is_the_first_at_which_it_is_there(known: Meter, wanted: int) -> None:
    """At `moment_of` the balance is reached, a millisecond before it is not, and None means never."""
    moment = known.moment_of(wanted)
    if moment is None:
        assert known.balance_at(known.received_at + 1_000 * HOUR_MS * MILLISECOND) < wanted
    else:
        assert known.balance_at(moment) >= wanted
        assert moment == known.received_at or known.balance_at(moment - MILLISECOND) < wanted


@LAW
@given(known=meters(), later=evenly(0, 3 * HOUR_MS), lumps=st.integers(1, 90), less=st.integers(0, 4))
def test_refill_is_counted_from_now_on(known: Meter, later: int, lumps: int, less: int) -> None:
    """What refills after now takes its time also when the reading is old and the bucket has long been full."""
    now = known.received_at + later * MILLISECOND
    moment = known.moment_of_refill(lumps * known.net_rate_per_minute - less, now)
    if known.net_rate_per_minute == 0:
        assert moment == (now if less >= 0 else None)
        assert known.moment_of_refill(1, now) is None
    elif known.net_rate_per_minute > less:
        first = known.next_refill_at(now)
        assert moment == first + (lumps - 1) * TICK_MS * MILLISECOND
        assert now < first <= now + max(TICK_MS, known.refill_in_ms + GRACE_MS) * MILLISECOND


# Free tokens and the grant


@LAW
@given(state=holdings(), later=evenly(HOUR_MS, 3 * HOUR_MS))
def test_free_is_the_projection_less_all_that_is_held(state: Account, later: int) -> None:
    """Open and unknown reservations are taken off at their maximum."""
    everything = sum(each.tokens for each in state.reservations)
    assert state.reserved + state.unknown == everything
    assert state.free_at(at(later)) == balance_of(state, later) - everything
    assert Account("key", None, state.reservations).free_at(at(later)) == -everything


@LAW
@given(state=holdings(), newer=evenly(-100, 1_000), later=evenly(1, 60_000))
def test_a_newer_meter_does_not_forget_calls_in_flight(state: Account, newer: int, later: int) -> None:
    """A meter that comes with another call replaces the balance, never what is held."""
    assert state.meter
    state = replace(state, reservations=tuple(replace(each, lapses_at=at(3 * HOUR_MS)) for each in state.reservations))
    known = meter(newer, rate=state.meter.refill_rate_per_minute, ms=2 * HOUR_MS + later)
    then = after(state, observe(state, known, known.received_at))
    assert then.reservations == state.reservations
    assert then.free_at(known.received_at) == newer - state.reserved - state.unknown


@LAW
@given(state=holdings(), tokens=TOKENS, lane=LANES)
def test_a_grant_needs_a_positive_balance_and_leaves_the_floor(state: Account, tokens: int, lane: Lane) -> None:
    """An undivided call is granted exactly when the balance is at least 1 and free - tokens >= floor, negative too."""
    assert state.meter
    now = HOUR_MS
    capacity = state.meter.refill_rate_per_minute * 60
    floor = min(lane.floor, capacity * lane.floor_percent // 100)
    free = balance_of(state, now) - state.reserved - state.unknown
    verdict = verdict_of(state, ask(tokens, lane=lane, ms=now), now)
    fits = balance_of(state, now) >= 1 and free - tokens >= floor
    assert isinstance(verdict, Granted) == fits
    if fits:
        assert verdict == Granted(tokens, 1, free - tokens, floor)


@LAW
@given(state=holdings(), tokens=TOKENS, lane=LANES)
def test_a_decision_and_its_entries_say_the_same(state: Account, tokens: int, lane: Lane) -> None:
    """A grant makes one reservation of its size, a refusal one line that says why, a wait none."""
    wanted = ask(tokens, lane=lane, ms=HOUR_MS)
    decision = reserve(state, wanted, at(HOUR_MS))
    then = after(state, decision.entries)
    balance, free = state.balance_at(at(HOUR_MS)), state.free_at(at(HOUR_MS))
    match decision.verdict:
        case Granted() as granted:
            (entry,) = decision.entries
            assert isinstance(entry, Reserved)
            assert (entry.tokens, entry.balance, entry.free, entry.floor) == (tokens, balance, free, granted.floor)
            assert then.free_at(at(HOUR_MS)) == granted.free
        case Refused() as refused:
            (entry,) = decision.entries
            assert isinstance(entry, Refusal)
            assert (entry.reason, entry.shape, entry.tokens) == (refused.reason, wanted.shape, tokens)
            assert (entry.balance, entry.free, entry.floor) == (balance, free, refused.floor)
            assert then == state
        case Later():
            assert decision.entries == ()


@LAW
@given(known=meters(YOUNG_MS), lane=LANES, beyond=evenly(1, 500), deadline=st.sampled_from([None, 0, HOUR_MS * 10]))
def test_what_can_never_fit_is_refused_at_once(known: Meter, lane: Lane, beyond: int, deadline: int | None) -> None:
    """More than capacity - floor is refused now, with the largest that could ever be granted, and never waits."""
    floor = lane.floor_of(known.capacity)
    largest = max(0, known.capacity - floor)
    verdict = verdict_of(account(known), ask(largest + beyond, lane=lane, deadline=deadline), HOUR_MS)
    assert isinstance(verdict, Refused)
    assert (verdict.reason, verdict.largest, verdict.wait_seconds) == (Reason.NEVER_FITS, largest, None)


@LAW
@given(lane=LANES, flow=st.sampled_from([0, 20]), beyond=evenly(1, 500), age=evenly(0, HOUR_MS))
def test_nothing_is_refused_for_good_on_an_old_meter(lane: Lane, flow: int, beyond: int, age: int) -> None:
    """Plans change, and so does what trackings take: on a meter of five minutes and more a new one is asked for."""
    known = account(meter(0, flow=flow))
    tokens = beyond if flow else 1_200 - lane.floor_of(1_200) + beyond
    verdict = verdict_of(known, ask(tokens, lane=lane, ms=age), age)
    probe = verdict_of(known, ask(0, name="probe", endpoint="token", is_probe=True), age)
    if age < 300_000:
        assert isinstance(verdict, Refused)
        assert isinstance(probe, Later)
    else:
        assert isinstance(verdict, Later)
        assert verdict.needs_meter
        assert isinstance(probe, Granted)


@LAW
@given(known=meters(), lane=LANES)
def test_the_largest_that_fits_is_granted_in_the_end(known: Meter, lane: Lane) -> None:
    """Exactly capacity - floor is not refused: it gets its turn when the bucket is full."""
    largest = known.capacity - lane.floor_of(known.capacity)
    assume(largest > 0)
    assume(known.net_rate_per_minute > 0)
    verdict = verdict_of(account(known), ask(largest, lane=lane), HOUR_MS)
    assert isinstance(verdict, Granted | Later)
    assert isinstance(verdict_of(account(known), ask(largest, lane=lane), 100 * HOUR_MS), Granted)


@LAW
@given(balance=st.integers(-100, 0), lane=LANES, tokens=st.integers(1, 100))
def test_without_refill_nobody_waits_for_a_lump(balance: int, lane: Lane, tokens: int) -> None:
    """When trackings take the whole refill, a call that the balance cannot carry is refused at once."""
    verdict = verdict_of(account(meter(balance, flow=20)), ask(tokens, lane=lane), 0)
    assert isinstance(verdict, Refused)
    assert (verdict.reason, verdict.wait_seconds) == (Reason.NO_REFILL, None)


@LAW
@given(known=meters(), room=st.integers(-5, 90), price=st.integers(1, 60), items=st.integers(1, 100), lane=LANES)
def test_a_batch_gets_the_largest_part_that_fits(known: Meter, room: int, price: int, items: int, lane: Lane) -> None:
    """A part is as large as fits, and not less than a lump's worth unless that is all it needs or can ever have."""
    now = HOUR_MS
    floor = lane.floor_of(known.capacity)
    excess = balance_of(account(known), now) - floor - room
    assume(excess >= 0)
    state = account(known, held("other", excess, ms=now))
    fitting = max(n for n in range(items + 1) if n == 0 or n * price <= room)
    lump, ever = known.net_rate_per_minute, known.capacity - floor
    least = max([n for n in range(1, items + 1) if n * price <= lump and n * price <= ever], default=1)
    verdict = verdict_of(state, ask(price * items, items=items, lane=lane, ms=now), now)
    if balance_of(state, now) >= 1 and fitting >= least:
        assert isinstance(verdict, Granted)
        assert (verdict.items, verdict.tokens) == (fitting, fitting * price)
    else:
        assert not isinstance(verdict, Granted)


@LAW
@given(state=holdings(), lane=LANES, items=st.integers(1, 5), known=st.booleans())
def test_free_calls_are_always_granted(state: Account, lane: Lane, items: int, *, known: bool) -> None:
    """A call that costs nothing needs no meter, no balance and no place in the queue."""
    queue = [ticket("older", 10, rank=0)]
    state = account(state.meter if known else None, *state.reservations, tickets=queue)
    verdict = verdict_of(state, ask(0, items=items, lane=lane), 1_000)
    assert isinstance(verdict, Granted)
    assert (verdict.tokens, verdict.items) == (0, items)


@LAW
@given(tokens=st.integers(-5, 20), items=st.integers(-1, 6))
def test_an_ask_is_made_of_equal_shares(tokens: int, items: int) -> None:
    """A batch whose shares are not equal whole tokens, or that has no item, cannot be asked for."""
    if tokens >= 0 and items >= 1 and tokens % items == 0:
        assert ask(tokens, items=items).tokens_per_item * items == tokens
    else:
        with pytest.raises(ValueError, match="equal shares"):
            ask(tokens, items=items)


# The end of a call


@LAW
@given(reserved=TOKENS, consumed=evenly(0, 900), before=evenly(400, 1_200))
def test_what_keepa_charged_is_recorded_and_never_refused(reserved: int, consumed: int, before: int) -> None:
    """More than reserved is recorded with its overage, and the next decision sees the balance that it left."""
    state = account(meter(before), held("call", reserved))
    told = meter(before - consumed, ms=1_000)
    (entry,) = settle(state, "call", consumed, told, at(1_000))
    assert isinstance(entry, Settled)
    assert (entry.tokens, entry.reserved, entry.overage) == (consumed, reserved, max(0, consumed - reserved))
    then = after(state, [entry])
    assert then.reservations == ()
    assert then.free_at(at(1_000)) == before - consumed


@LAW
@given(state=holdings(), consumed=st.integers(0, 50), times=st.integers(1, 3))
def test_a_repeated_settle_is_harmless(state: Account, consumed: int, times: int) -> None:
    """Settling, releasing or losing a call that has ended changes nothing."""
    assume(state.reservations)
    call_id = state.reservations[0].label.call_id
    told = meter(100, ms=2 * HOUR_MS)
    once = after(state, settle(state, call_id, consumed, told, at(2 * HOUR_MS)))
    for _ in range(times):
        assert settle(once, call_id, consumed, told, at(2 * HOUR_MS)) == ()
        assert release(once, call_id, "again", at(2 * HOUR_MS)) == ()
        assert lose(once, call_id, "again", at(2 * HOUR_MS), answered=True) == ()


@LAW
@given(tokens=TOKENS, asked=evenly(1, 300_000), answered=st.booleans(), measured=st.integers(1, 10))
def test_an_unknown_call_counts_until_a_meter_asked_for_after_its_proof(
    tokens: int, asked: int, measured: int, *, answered: bool
) -> None:
    """Lost tokens stay held until a meter asked for 120 s later (0 after an answer); Keepa's clock proves nothing."""
    state = account(meter(500), held("call", tokens))
    state = after(state, lose(state, "call", "time-out", at(1_000), answered=answered))
    proof = 1_000 if answered else 1_000 + UNKNOWN_HOLD // MILLISECOND
    assert state.unknown == tokens
    assert lose(state, "call", "again", at(2_000), answered=True) == ()
    told = meter(500, ms=asked, keepa_ms=asked + measured * HOUR_MS)
    then = after(state, observe(state, told, told.received_at))
    assert then.unknown == (0 if asked >= proof else tokens)


@LAW
@given(tokens=TOKENS, asked=evenly(1, 300_000), price=st.integers(0, 9))
def test_the_meter_of_any_call_can_be_the_proof(tokens: int, asked: int, price: int) -> None:
    """A settlement absorbs unknown calls as a bare meter does, when it was asked for late enough."""
    state = account(meter(500), held("gone", tokens, proven=120_000), held("call", 9, ms=asked))
    told = meter(400, ms=asked)
    then = after(state, settle(state, "call", price, told, at(asked)))
    assert then.unknown == (0 if asked >= 120_000 else tokens)
    assert then.reserved == 0


@LAW
@given(tokens=TOKENS, age=evenly(0, 720_000))
def test_a_reservation_whose_process_is_gone_lapses_into_unknown(tokens: int, age: int) -> None:
    """After the longest life of a call a reservation counts as unknown; its tokens are not given back."""
    state = account(meter(500), held("dead", tokens))
    decision = reserve(state, ask(1, lane=DEFICIT, ms=age), at(age))
    lapsed = [entry for entry in decision.entries if isinstance(entry, Lost)]
    then = after(state, lapsed)
    gone = age >= CALL_LIMIT // MILLISECOND
    assert (then.reserved, then.unknown) == ((0, tokens) if gone else (tokens, 0))
    assert then.free_at(at(age)) == balance_of(state, age) - tokens


@LAW
@given(tokens=TOKENS, age=evenly(0, 720_000), price=evenly(0, 400))
def test_a_reservation_lapses_whatever_brings_the_news(tokens: int, age: int, price: int) -> None:
    """Every meter that comes in takes the dead out, but not the call that it belongs to, however late that is."""
    state = account(meter(500), held("dead", tokens), held("late", price))
    told = meter(500 - price, ms=age, tick=0)
    gone = age >= CALL_LIMIT // MILLISECOND
    assert lapsed_by(settle(state, "late", price, told, at(age))) == (["dead"] if gone else [])
    assert lapsed_by(observe(state, told, at(age))) == (["dead", "late"] if gone else [])


def lapsed_by(entries: Iterable[Entry]) -> list[str]:
    """Return the calls that were found dead."""
    return [entry.label.call_id for entry in entries if isinstance(entry, Lost)]


@LAW
@given(tokens=TOKENS, late=evenly(1, 29_999), price=evenly(0, 400))
def test_a_late_answer_settles_a_call_given_up_for_lost(tokens: int, late: int, price: int) -> None:
    """An answer after the time-out is worth as much as one in time; the entry says what had been counted meanwhile."""
    state = account(meter(500), held("call", tokens, proven=120_000))
    told = meter(500 - price, ms=late, tick=30_000 - late)
    (entry,) = settle(state, "call", price, told, at(late))
    assert isinstance(entry, Settled)
    assert (entry.tokens, entry.counted_before) == (price, tokens)
    assert after(state, [entry]).free_at(at(late)) == 500 - price


@LAW
@given(tokens=TOKENS, proven=st.sampled_from([None, 120_000]))
def test_a_release_gives_everything_back(tokens: int, proven: int | None) -> None:
    """A call of which nothing was sent costs nothing."""
    state = account(meter(500), held("call", tokens, proven=proven))
    assert after(state, release(state, "call", "no connection", at(0))).free_at(at(0)) == 500


# Waiting


@LAW
@given(
    mine=evenly(0, 1_000),
    other=evenly(0, 1_000),
    ranks=st.tuples(st.integers(0, 1), st.integers(0, 1)),
    now=evenly(1_000, 40_000),
    tokens=st.integers(1, 200),
)
def test_nobody_delays_an_older_ticket(mine: int, other: int, ranks: tuple[int, int], now: int, tokens: int) -> None:
    """Whoever stands behind somebody whose tokens are there is granted only what that one leaves above its floor."""
    lane = Lane("mine", ranks[0], 0)
    older = ticket("b", 900, rank=ranks[1], ms=other)
    state = account(meter(1_000), tickets=[older])
    verdict = verdict_of(state, ask(tokens, name="a", lane=lane, ms=mine), now)
    is_behind = (ranks[1], other, "b") < (ranks[0], mine, "a")
    is_alive = now < other + TICKET_LIFE // MILLISECOND
    left = balance_of(state, now) - (900 + older.floor if is_behind and is_alive else 0)
    assert isinstance(verdict, Granted if tokens <= left else Later)


@LAW
@given(back_s=st.integers(31, 7_200), left=st.integers(-50, 1_200))
def test_a_clock_that_is_put_back_does_not_freeze_the_refill(back_s: int, left: int) -> None:
    """A meter that came in what is now the future is asked for anew, and replaced by whatever comes."""
    state = account(meter(0, ms=back_s * 1_000))
    verdict = verdict_of(state, ask(50, ms=0), 0)
    assert isinstance(verdict, Later)
    assert verdict.needs_meter
    fresh = Meter(at(-60_000), at(0), at(1), left, 20, 30_000)
    assert after(state, observe(state, fresh, at(1))).meter == fresh


@LAW
@given(opened=evenly(0, 100_000), now=evenly(100_000, 200_000))
def test_a_ticket_keeps_the_place_and_is_renewed(opened: int, now: int) -> None:
    """The place is the moment of the first ask; each ask renews the ticket from now."""
    wanted = ask(100, ms=opened, lane=JOBS)
    verdict = verdict_of(account(meter(0, ms=100_000)), wanted, now)
    assert isinstance(verdict, Later)
    assert verdict.ticket == ticket("ask", 100, rank=JOBS.rank, ms=opened, renewed=now)
    assert verdict.ticket.place == (JOBS.rank, at(opened), "ask")


@LAW
@given(state=holdings(YOUNG_MS), tokens=TOKENS, lane=LANES, patience=st.none() | evenly(0, HOUR_MS))
def test_a_wait_ends_when_something_can_have_changed(
    state: Account, tokens: int, lane: Lane, patience: int | None
) -> None:
    """A waiter wakes no later than the tokens, its deadline, or the end of a call on which it depends."""
    now = HOUR_MS
    deadline = None if patience is None else now + patience
    wanted = ask(tokens, lane=lane, ms=now, deadline=deadline)
    verdict = verdict_of(state, wanted, now)
    if isinstance(verdict, Later):
        wake = now + round(verdict.wait_seconds * 1_000)
        assert wake > now
        assert deadline is None or wake <= deadline
        assert wake - now <= OTHERS_WAIT // MILLISECOND or isinstance(verdict_of(state, wanted, wake - 1), Later)
        if not state.reservations and wake != deadline:
            assert isinstance(verdict_of(state, wanted, wake), Granted)


@LAW
@given(patience=evenly(1, HOUR_MS), room=evenly(500, 1_000))
def test_a_waiter_for_the_end_of_other_calls_looks_again_in_a_while(patience: int, room: int) -> None:
    """Where refill alone brings nothing, nobody can say when the tokens come: ten seconds, or until the deadline."""
    verdict = verdict_of(account(meter(room), held("gone", 1_150)), ask(50, ms=1, deadline=1 + patience), 1)
    assert isinstance(verdict, Later)
    assert verdict.wait_seconds == min(10.0, patience / 1_000)


@LAW
@given(tokens=evenly(1, 400), opened=evenly(0, 400_000), lost=st.booleans())
def test_a_waiter_wakes_when_a_call_on_which_it_depends_can_have_died(tokens: int, opened: int, *, lost: bool) -> None:
    """A process that is gone rings no bell: its reservation is looked at again when it lapses or can be proven."""
    now = 400_000
    proven = now + 120_000 if lost else None
    state = account(meter(-2_000, ms=now), held("gone", tokens, ms=opened, proven=proven))
    verdict = verdict_of(state, ask(1, ms=now), now)
    assert isinstance(verdict, Later)
    assert verdict.wait_seconds * 1_000 == (120_000 if lost else opened + CALL_LIMIT // MILLISECOND - now)


@LAW
@given(state=holdings(HOUR_MS - 200_000), tokens=TOKENS, lane=LANES, late=evenly(0, 1_000))
def test_after_its_deadline_a_call_is_sent_now_or_never(state: Account, tokens: int, lane: Lane, late: int) -> None:
    """An ask at or after its deadline never waits: it is granted or refused."""
    verdict = verdict_of(state, ask(tokens, lane=lane, deadline=HOUR_MS), HOUR_MS + late)
    assert isinstance(verdict, Granted | Refused)


@LAW
@given(known=meters(YOUNG_MS), tokens=TOKENS, lane=LANES, patience=evenly(1, 2 * HOUR_MS))
def test_what_cannot_be_there_in_time_is_refused_at_once(known: Meter, tokens: int, lane: Lane, patience: int) -> None:
    """When even at best the tokens come after the deadline, nobody is kept waiting for them; else nobody is refused."""
    now = HOUR_MS
    target = max(1, tokens + lane.floor_of(known.capacity))
    assume(target <= known.capacity)
    verdict = verdict_of(account(known), ask(tokens, lane=lane, ms=now, deadline=now + patience), now)
    if balance_of(account(known), now + patience) >= target:
        assert not isinstance(verdict, Refused)
    else:
        assert isinstance(verdict, Refused)
        moment = known.moment_of(target)
        assert verdict.reason == (Reason.NOT_IN_TIME if moment else Reason.NO_REFILL)
        assert verdict.wait_seconds == (moment and (moment - at(now)).total_seconds())


@LAW
@given(
    whole=evenly(1, 4_000),
    left=evenly(0, 1_200),
    old=evenly(0, 3 * HOUR_MS),
    wait=evenly(0, HOUR_MS),
)
@example(whole=1_510, left=1_200, old=2 * HOUR_MS, wait=60_000)
@example(whole=1_510, left=1_200, old=0, wait=0)
def test_work_that_cannot_be_finished_in_time_is_not_begun(whole: int, left: int, old: int, wait: int) -> None:
    """Work of many calls, bigger than the bucket or not, is refused before its first call if it must end too late."""
    state = account(meter(left))
    lumps = Reading(0, 0, 0, left, 20, 30_000, 0).lumps_between(old, old + wait)
    possible = balance_of(state, old) + lumps * 20 - whole >= LIVE.floor
    decision = foresee(state, ask(whole, ms=old, deadline=old + wait), at(old))
    assert (decision is None) == possible
    if decision:
        assert isinstance(decision.verdict, Refused)
        never = not wait and whole + LIVE.floor > 1_200
        reason = Reason.NEVER_AT_ONCE if never else Reason.NOT_IN_TIME
        assert (decision.verdict.reason, decision.verdict.tokens_max) == (reason, whole)
        assert (decision.verdict.wait_seconds is None, decision.verdict.takes_seconds is None) == (never, not never)
        assert (decision.verdict.wait_seconds or decision.verdict.takes_seconds or 0) * 1_000 > wait
        assert [type(entry) for entry in decision.entries] == [Refusal]


@LAW
@given(left=evenly(-50, 1_200), tokens=evenly(0, 4_000), deadline=st.none() | evenly(0, HOUR_MS))
def test_nothing_speaks_against_beginning_work(left: int, tokens: int, deadline: int | None) -> None:
    """Work is begun when it is free, has no deadline, or nothing is known of the bucket yet."""
    assert foresee(account(None), ask(tokens, deadline=deadline), at(0)) is None
    assert foresee(account(meter(left)), ask(tokens), at(0)) is None
    assert foresee(account(meter(left)), ask(0, deadline=deadline), at(0)) is None


# The first meter, and a new one


@LAW
@given(age=evenly(0, 30_000), lost=st.booleans(), tokens=TOKENS)
def test_without_a_meter_one_asks_and_the_others_wait(age: int, tokens: int, *, lost: bool) -> None:
    """Nothing is granted before a meter is known; a /token call under way is waited for, one that died is replaced."""
    first = verdict_of(account(None), ask(tokens), 0)
    assert isinstance(first, Later)
    assert (first.needs_meter, first.wait_seconds) == (True, 0)
    probing = account(None, held("probe", 0, endpoint="token", proven=120_000 if lost else None))
    other = verdict_of(probing, ask(tokens, ms=age), age)
    assert isinstance(other, Later)
    assert other.needs_meter == (lost or age >= PROBE_LIFE // MILLISECOND)
    assert (other.wait_seconds > 0) != other.needs_meter


@LAW
@given(age=evenly(0, 30_000), lost=st.booleans(), known=st.booleans())
def test_a_probe_is_not_made_while_another_is_under_way(age: int, *, lost: bool, known: bool) -> None:
    """Of many who were told to ask for a meter only the first is granted the call, and nobody once it has come."""
    state = account(meter(-5) if known else None, held("probe", 0, endpoint="token", proven=120_000 if lost else None))
    verdict = verdict_of(state, ask(0, endpoint="token", is_probe=True, ms=age), age)
    if not known and (lost or age >= PROBE_LIFE // MILLISECOND):
        assert isinstance(verdict, Granted)
    else:
        assert isinstance(verdict, Later)
        assert verdict.ticket is None
        assert (verdict.wait_seconds > 0) == (not known)
    assert isinstance(verdict_of(state, ask(0, endpoint="token", ms=age), age), Granted)


@LAW
@given(tokens=TOKENS, now=evenly(100_000, 140_000), cost=st.integers(0, 5), probe=st.booleans())
def test_a_new_meter_is_asked_for_once_when_it_would_free_tokens(
    tokens: int, now: int, cost: int, *, probe: bool
) -> None:
    """Waiters ask for a meter only when it can prove an unknown call that may have cost something, one at a time."""
    gone = held("gone", cost, proven=120_000)
    probes = [held("probe", 0, ms=now - 1, endpoint="token")] if probe else []
    state = account(meter(10), gone, *probes)
    verdict = verdict_of(state, ask(tokens + 200, ms=now), now)
    assert isinstance(verdict, Later)
    assert verdict.needs_meter == (cost > 0 and now >= 120_000 and not probe)


@LAW
@given(state=holdings(), tokens=TOKENS)
def test_a_grant_that_fits_does_not_wait_for_a_proof(state: Account, tokens: int) -> None:
    """An unknown call that could be proven stops nobody whose tokens are there anyway."""
    state = account(state.meter, *state.reservations, held("gone", 1, proven=0))
    fits = balance_of(state, HOUR_MS) >= 1 and state.free_at(at(HOUR_MS)) - tokens >= DEFICIT.floor
    verdict = verdict_of(state, ask(tokens, lane=DEFICIT, ms=HOUR_MS), HOUR_MS)
    assert isinstance(verdict, Granted) == fits


# The account


@LAW
@given(tokens=st.lists(TOKENS, max_size=4), ends=st.lists(st.sampled_from("srlua"), max_size=4), asked=evenly(0, 300))
def test_the_replay_of_all_entries_is_the_account(tokens: list[int], ends: list[str], asked: int) -> None:
    """Entries alone rebuild the account: reservations, their ends, and the meter."""
    start = observe(Account("key"), meter(1_200), at(0))
    entries, state = list(start), after(Account("key"), start)
    for number, amount in enumerate(tokens):
        new = reserve(state, ask(amount, name=f"c{number}"), at(0)).entries
        entries, state = [*entries, *new], after(state, new)
    for number, end in enumerate(ends):
        told = meter(900, ms=asked * 1_000 + number)
        name = f"c{number}"
        new = {
            "s": settle(state, name, 7, told, at(1)),
            "r": release(state, name, "no connection", at(1)),
            "l": lose(state, name, "time-out", at(1), answered=False),
            "u": lose(state, name, "no meter", at(1), answered=True),
            "a": observe(state, told, at(1)),
        }[end]
        entries, state = [*entries, *new], after(state, new)
    state.check()
    assert replay("key", entries) == state


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (account(None, held("a", 1), held("a", 2)), "one reservation for each call"),
        (account(None, held("a", -1)), "never negative"),
        (account(None, tickets=[ticket("a", 0)]), "only calls that cost something wait"),
        (account(None, tickets=[ticket("a", 1), ticket("a", 2)]), "one ticket for each call"),
    ],
)
def test_check_states_the_invariants(broken: Account, rule: str) -> None:
    """An account that cannot be is named for what is wrong with it."""
    with pytest.raises(AssertionError, match=rule):
        broken.check()


@LAW
@given(rate=RATES, floor=evenly(-500, 500), percent=st.integers(1, 100))
def test_a_small_plan_is_not_all_floor(rate: int, floor: int, percent: int) -> None:
    """A floor is the lane's, or its share of the capacity if that is less."""
    lane = Lane("any", 0, floor, percent)
    capacity = meter(0, rate=rate).capacity
    assert lane.floor_of(capacity) == min(floor, rate * 60 * percent // 100)
    assert label("a", lane="any").lane == lane.name


@LAW
@given(state=holdings(), lane=LANES, later=evenly(0, 3 * HOUR_MS), known=st.booleans())
def test_a_status_is_the_account_at_that_moment(state: Account, lane: Lane, later: int, *, known: bool) -> None:
    """What a person is shown are the account's own numbers; without a meter nothing is promised."""
    state = account(state.meter if known else None, *state.reservations, tickets=[ticket("dead", 1), ticket("b", 1)])
    now = HOUR_MS + later
    shown = status_of(state, lane, at(now))
    assert (shown.free, shown.reserved, shown.unknown) == (state.free_at(at(now)), state.reserved, state.unknown)
    assert shown.waiting == 0
    newest = state.meter
    if newest is None:
        assert (shown.balance, shown.capacity, shown.next_refill_at, shown.full_at) == (0, 0, None, None)
        assert (shown.floor, shown.measured_at) == (lane.floor, None)
        return
    assert (shown.balance, shown.capacity) == (balance_of(state, now), newest.capacity)
    assert (shown.floor, shown.measured_at) == (lane.floor_of(newest.capacity), newest.measured_at)
    assert (shown.next_refill_at is None) == (newest.net_rate_per_minute == 0)
    assert shown.full_at is None or newest.balance_at(shown.full_at) >= newest.capacity
    assert shown.full_at is None or shown.full_at >= at(now)


@LAW
@given(bounds=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.none() | st.integers(0, 9)), max_size=4))
def test_costs_add_up_and_one_without_bound_unbinds_the_sum(bounds: list[tuple[int, int, int | None]]) -> None:
    """Bounds add up; reasons are told once; whatever has no upper bound leaves the sum without one."""
    parts = [Cost(a, a + b, None if c is None else a + b + c, ("why", str(a))) for a, b, c in bounds]
    whole = sum_costs(parts)
    assert whole.tokens_min == sum(part.tokens_min for part in parts)
    assert whole.tokens_likely == sum(part.tokens_likely for part in parts)
    assert whole.is_bounded == all(part.is_bounded for part in parts)
    assert whole.tokens_max is None or whole.tokens_max == sum(part.tokens_max or 0 for part in parts)
    assert len(whole.because) == len(set(whole.because))


@pytest.mark.parametrize("bounds", [(-1, 0, 0), (2, 1, 3), (0, 2, 1)])
def test_a_cost_whose_bounds_cross_is_a_mistake(bounds: tuple[int, int, int]) -> None:
    """At least, likely and at most come in this order."""
    with pytest.raises(ValueError, match="a cost needs"):
        Cost(*bounds)


@LAW
@given(ahead_s=st.integers(1, 3600), calls=st.integers(2, 6))
def test_a_timestamp_that_jumps_ahead_does_not_hide_what_is_spent_later(ahead_s: int, calls: int) -> None:
    """Meters asked for after the one that jumped show less, so they are believed: what they cost is seen at once."""
    jumped = Meter(at(ahead_s * 1000), at(0), at(10), 500, 20, 60_000)
    state = Account("key", jumped)
    for number in range(1, calls):
        asked, came = at(100 * number), at(100 * number + 50)
        honest = Meter(asked, asked, came, 500 - 100 * number, 20, 60_000)
        state = after(state, observe(state, honest, came))
        assert state.balance_at(came) == 500 - 100 * number


@LAW
@given(left=st.integers(501, 1200))
def test_a_reading_that_is_not_newer_and_shows_more_is_not_believed(left: int) -> None:
    """Clocks of our hosts differ a little: an older reading that shows more must not win by our own order of events."""
    known = Meter(at(2000), at(1000), at(2000), 500, 20, 60_000)
    older = Meter(at(1000), at(2500), at(3000), left, 20, 60_000)
    assert not older.is_newer_than(known)
    assert Meter(at(1000), at(32_000), at(33_000), left, 20, 60_000).is_newer_than(known)


@LAW
@given(tokens=st.integers(1, 50), items=st.integers(1, 4))
def test_a_repeated_reserve_sets_nothing_aside_twice(tokens: int, items: int) -> None:
    """Asking again under an id that is granted already gives the same grant and writes nothing."""
    wanted = ask(tokens * items, items=items, name="a")
    first = reserve(account(meter(1_000)), wanted, at(0))
    again = reserve(after(account(meter(1_000)), first.entries), wanted, at(1))
    assert isinstance(first.verdict, Granted)
    assert isinstance(again.verdict, Granted)
    assert (again.verdict.tokens, again.verdict.items) == (first.verdict.tokens, first.verdict.items)
    assert again.entries == ()
