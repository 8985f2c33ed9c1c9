"""What may pass those who wait: never anything that makes one of them wait longer, and whatever a lump leaves."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.budget.makers import DEFICIT, account, after, ask, at, evenly, held, meter, ticket
from tests.budget.naive import Bucket, Place, Till
from tests.budget.world import World

from keepahead.budget.account import Account
from keepahead.budget.ask import Ask
from keepahead.budget.decide import reserve
from keepahead.budget.lane import JOBS, LIVE, Lane
from keepahead.budget.ticket import in_order
from keepahead.budget.verdict import Granted, Later, Verdict

LAW = settings(max_examples=150, deadline=None)
RATES = st.sampled_from([1, 5, 20, 60])


@st.composite
def waiting_rooms(draw: st.DrawFn) -> tuple[Account, list[Ask]]:
    """Make accounts with up to four who wait, of any lane and size, and the asks that they would repeat."""
    rate = draw(RATES)
    known = meter(draw(evenly(-rate, rate * 60)), rate=rate, flow=draw(st.sampled_from([0, 0, 0, 1])))
    holds = [held("h", draw(evenly(1, rate * 20)))] if draw(st.booleans()) else []
    floor = draw(st.sampled_from([LIVE, LIVE, DEFICIT]))
    wanted: list[Ask] = []
    for number in range(draw(st.integers(1, 4))):
        lane = draw(st.sampled_from([floor, floor, JOBS]))
        largest = known.capacity - lane.floor_of(known.capacity)
        wanted.append(ask(draw(evenly(1, largest)), name=f"w{number}", lane=lane))
    tickets = [each.ticket(at(0), known.capacity) for each in wanted]
    return account(known, *holds, tickets=tickets), wanted


def again(state: Account, wanted: Ask) -> Verdict:
    """Say what somebody who waits would be told now."""
    return reserve(state, wanted, at(1)).verdict


def moment_of(verdict: Verdict) -> float | str:
    """Return when somebody who waits has all its tokens: now, in so many seconds, or why never."""
    match verdict:
        case Granted():
            return 0.0
        case Later():
            return verdict.wait_seconds
        case _:
            return verdict.reason


@LAW
@given(room=waiting_rooms(), tokens=evenly(1, 300), lane=st.sampled_from([LIVE, DEFICIT, JOBS]))
def test_what_passes_never_moves_the_moment_of_anybody_ahead(
    room: tuple[Account, list[Ask]], tokens: int, lane: Lane
) -> None:
    """Whoever waits is told the same moment before and after a younger call was granted its tokens.

    Who stands second may lose the chance to pass the first, never its own place behind the first.
    """
    state, waiting = room
    decision = reserve(state, ask(tokens, name="young", lane=lane, ms=1), at(1))
    if isinstance(decision.verdict, Granted):
        state, then = immortal(state), immortal(after(state, decision.entries))
        first = in_order(state.tickets, None)[0].call_id
        for each in waiting:
            before = again(state, each)
            waits = isinstance(before, Later) or each.label.call_id == first
            if each.lane.rank <= lane.rank and waits:
                assert moment_of(again(then, each)) == moment_of(before)


def immortal(state: Account) -> Account:
    """Let no process die, so that only refill is waited for."""
    return replace(state, reservations=tuple(replace(each, lapses_at=at(1 << 40)) for each in state.reservations))


@LAW
@given(room=waiting_rooms())
def test_the_room_that_is_told_can_be_taken(room: tuple[Account, list[Ask]]) -> None:
    """As much as `Later.room` says may be taken by the last in the queue, as far as its own floor allows, no more."""
    state, waiting = room
    last = ask(waiting[-1].tokens_max, name="last", lane=JOBS, ms=2)
    verdict = reserve(state, last, at(2)).verdict
    if isinstance(verdict, Later) and verdict.ticket and state.balance_at(at(2)) >= 1:
        state = replace(state, tickets=(*state.tickets, verdict.ticket))
        floor = JOBS.floor_of(state.meter.capacity if state.meter else 0)
        most = min(verdict.room, state.free_at(at(2)) - floor)
        for tokens in {max(1, most), max(1, most + 1)}:
            wanted = ask(tokens, name="young", lane=JOBS, ms=3)
            assert isinstance(reserve(state, wanted, at(3)).verdict, Granted) == (tokens <= most)


@LAW
@given(rate=RATES, left=evenly(0, 400), head=evenly(1, 1_000), tokens=evenly(1, 80))
def test_a_small_call_passes_when_a_lump_leaves_room(rate: int, left: int, head: int, tokens: int) -> None:
    """The lumps that the head waits for bring more than it needs: exactly what is over may pass."""
    lacking = head + LIVE.floor - left
    state = account(meter(left, rate=rate), tickets=[ticket("head", head)])
    verdict = reserve(state, ask(tokens, ms=1), at(1)).verdict
    lumps = Till(left, 0, rate, rate * 60).lumps_until(Place("head", 0, LIVE.floor, head, 0, 0, 0), 0, 0)
    assert lumps is not None or head + LIVE.floor > rate * 60
    over = -lacking if lacking <= 0 else -lacking % rate
    if head + LIVE.floor <= rate * 60:
        over = min(over, rate * 60 - head - LIVE.floor) if lacking > 0 else over
        fits = left - tokens >= LIVE.floor and tokens <= over
        assert isinstance(verdict, Granted) == fits


@LAW
@given(left=evenly(1, 1_200), tokens=evenly(1, 1_500))
def test_a_chosen_deficit_may_be_spent_whole(left: int, tokens: int) -> None:
    """With nobody ahead only the floor stops a call, also when it needs more than the bucket ever holds."""
    verdict = reserve(account(meter(left)), ask(tokens, lane=DEFICIT), at(0)).verdict
    assert isinstance(verdict, Granted) == (left - tokens >= DEFICIT.floor)


@LAW
@given(left=evenly(1, 1_200), head=evenly(1, 1_400), tokens=evenly(1, 1_400))
def test_a_deficit_is_never_dug_before_somebody_who_waits(left: int, head: int, tokens: int) -> None:
    """Keepa runs nothing on an empty bucket: what passes leaves one token for the head, whatever floor it chose."""
    state = account(meter(left), tickets=[ticket("head", head, floor=DEFICIT.floor)])
    verdict = reserve(state, ask(tokens, lane=DEFICIT, ms=1), at(1)).verdict
    if isinstance(verdict, Granted) and left - head >= DEFICIT.floor:
        assert left - tokens >= 1


@pytest.mark.parametrize("head", [300, 600, 1_190])
@pytest.mark.parametrize("seed", range(4))
def test_a_stream_of_small_calls_never_delays_the_head(head: int, seed: int) -> None:
    """The big call is granted no later than the moment worked out when it began to wait, a full bucket included."""
    random = Random(seed)
    least = 20 if head < 1_190 else 1_160
    world = World(Bucket(random.randint(least, head), 20, random.randint(1, 60_000), random.randint(60_190, 60_280)))
    wanted = ask(head, name="head", ms=0)
    verdict = world.reserve(wanted)
    assert isinstance(verdict, Later)
    latest, count, passed = round(verdict.wait_seconds * 1_000), 0, 0
    running: list[tuple[int, str, int]] = []
    while not isinstance(verdict, Granted):
        assert world.now < latest, "the head is delayed"
        for _ in range(3):
            count += 1
            small = ask(random.randint(1, 12), name=f"s{count}", ms=world.now + 1)
            decided = world.reserve(small)
            if isinstance(decided, Granted):
                passed += 1
                running.append((world.now + random.randint(1, 70_000), f"s{count}", decided.tokens))
            else:
                world.account = replace(world.account, tickets=world.account.tickets[:1])
        world.renew()
        moment = min(latest, world.now + random.randint(1_000, 25_000))
        for when, name, price in sorted(running):
            if when <= moment:
                world.pass_to(when)
                world.settle(name, price)
                running.remove((when, name, price))
        world.pass_to(moment)
        verdict = world.reserve(wanted)
    assert passed or head == 1_190
