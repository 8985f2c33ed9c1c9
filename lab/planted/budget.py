"""Deliberate bugs of the ground floor: what is granted, what is held, which meter is believed, who is next."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from keepahead.budget import account, ask, decide, standing
from keepahead.budget.account import Account
from keepahead.budget.entry import Absorbed, Entry, Released
from keepahead.budget.lane import LIVE, Lane
from keepahead.budget.meter import Meter
from keepahead.budget.standing import Standing
from keepahead.budget.ticket import Ticket
from keepahead.budget.verdict import Granted
from keepahead.store import round as round_

Planted = AbstractContextManager[Any]

_NEVER = timedelta(days=365)


def skip_the_reservation() -> Planted:
    """Grant, and write nothing."""
    grant = decide._grant
    return mock.patch.object(decide, "_grant", lambda *args, **how: replace(grant(*args, **how), entries=()))


def check_without_reserving() -> Planted:
    """Look whether the tokens are there, and set none aside."""
    grant = decide._grant

    def granted(*args: Any, **how: Any) -> decide.Decision:
        decision = grant(*args, **how)
        return replace(decision, entries=tuple(replace(each, tokens=0) for each in decision.entries))

    return mock.patch.object(decide, "_grant", granted)


def grant_all_for_a_part() -> Planted:
    """Set the tokens of a part aside, and let the whole call go."""
    grant = decide._grant

    def granted(ask_: Any, items: int, now: datetime, **how: Any) -> decide.Decision:
        decision = grant(ask_, items, now, **how)
        assert isinstance(decision.verdict, Granted)
        return replace(decision, verdict=replace(decision.verdict, items=ask_.items))

    return mock.patch.object(decide, "_grant", granted)


def believe_the_last_meter() -> Planted:
    """Take whatever meter came last."""
    return mock.patch.object(Meter, "is_newer_than", return_value=True)


def order_meters_by_the_asking() -> Planted:
    """Take the meter of the call that was begun last."""
    return mock.patch.object(
        Meter, "is_newer_than", lambda meter, other: other is None or meter.asked_at > other.asked_at
    )


def clamp_a_deficit_to_zero() -> Planted:
    """Take a balance below zero for an empty bucket."""
    init = Meter.__init__

    def clamped(meter: Meter, *args: Any, **fields: Any) -> None:
        init(meter, *args, **fields)
        object.__setattr__(meter, "tokens_left", max(0, meter.tokens_left))

    return mock.patch.object(Meter, "__init__", clamped)


def forget_the_capacity() -> Planted:
    """Let the bucket grow for ever."""
    return mock.patch.object(
        Meter, "balance_at", lambda meter, now: meter.tokens_left + meter._lumps_by(now) * meter.net_rate_per_minute
    )


def refill_all_the_time() -> Planted:
    """Let tokens drip in evenly, in place of lumps."""

    def balance_at(meter: Meter, now: datetime) -> int:
        grown = (now - meter.received_at) / timedelta(minutes=1) * meter.net_rate_per_minute
        return max(meter.tokens_left, min(meter.capacity, meter.tokens_left + int(grown)))

    return mock.patch.object(Meter, "balance_at", balance_at)


def count_a_lump_early() -> Planted:
    """Count the next lump as soon as the meter is read."""
    lumps_by = Meter._lumps_by
    return mock.patch.object(Meter, "_lumps_by", lambda meter, now: lumps_by(meter, now) + 1)


def ignore_the_flow_reduction() -> Planted:
    """Forget that trackings take a part of the refill."""
    return mock.patch.object(Meter, "net_rate_per_minute", property(lambda meter: meter.refill_rate_per_minute))


def believe_in_one_plan() -> Planted:
    """Reckon with 20 tokens a minute, whatever Keepa says."""
    return mock.patch.object(Meter, "net_rate_per_minute", property(lambda _: 20))


def never_refill() -> Planted:
    """Wait for a newer meter, and project nothing."""
    return mock.patch.object(Meter, "balance_at", lambda meter, _now: meter.tokens_left)


def miss_the_floor_by_one() -> Planted:
    """Grant down to one below the floor."""
    room = Standing.room.fget
    assert room is not None
    return mock.patch.object(Standing, "room", property(lambda case: room(case) + 1))


def take_the_other_floor() -> Planted:
    """Let jobs spend down to the floor of those who wait."""
    return mock.patch.object(
        Lane, "floor_of", lambda lane, capacity: min(LIVE.floor, capacity * lane.floor_percent // 100)
    )


def overwrite_what_is_in_flight() -> Planted:
    """Take a meter for what is free, whatever is under way."""
    return mock.patch.object(Account, "reserved", property(lambda _: 0))


def forget_the_unknown() -> Planted:
    """Count lost answers as free."""
    return mock.patch.object(Account, "unknown", property(lambda _: 0))


def give_back_the_unknown() -> Planted:
    """Give the tokens of a lost answer back at once."""

    def lose(held_by: Account, call_id: str, reason: str, now: datetime, *, answered: bool) -> tuple[Entry, ...]:
        _ = answered
        held = held_by.find(call_id)
        return () if held is None else (Released(at=now, label=held.label, tokens=held.tokens, reason=reason),)

    return mock.patch.object(decide, "lose", lose)


def absorb_too_early() -> Planted:
    """Take whatever meter comes after a lost answer for one that contains it."""
    return mock.patch.object(decide, "UNKNOWN_HOLD", -_NEVER)


def settle_with_the_bound() -> Planted:
    """Book what was held, in place of what was charged."""
    settle = decide.settle

    def settled(held_by: Account, call_id: str, consumed: int, meter: Meter, now: datetime) -> tuple[Entry, ...]:
        held = held_by.find(call_id)
        return settle(held_by, call_id, held.tokens if held else consumed, meter, now)

    return mock.patch.object(decide, "settle", settled)


def settle_with_the_difference() -> Planted:
    """Book the difference of two meters as what a call cost."""
    settle = decide.settle

    def settled(held_by: Account, call_id: str, consumed: int, meter: Meter, now: datetime) -> tuple[Entry, ...]:
        difference = held_by.meter.tokens_left - meter.tokens_left if held_by.meter else consumed
        return settle(held_by, call_id, max(0, difference), meter, now)

    return mock.patch.object(decide, "settle", settled)


def settle_twice() -> Planted:
    """Book one charge two times."""
    settle = decide.settle

    def settled(*facts: Any) -> tuple[Entry, ...]:
        entries = settle(*facts)
        return (*entries, *(each for each in entries if each.__class__.__name__ == "Settled"))

    return mock.patch.object(decide, "settle", settled)


def blame_others_for_our_own() -> Planted:
    """Compare two meters without what we have spent between them."""
    split = account.split
    return mock.patch.object(account, "split", lambda before, after, _own: split(before, after, 0))


def never_lapse() -> Planted:
    """Hold the tokens of dead processes for ever."""
    return mock.patch.object(decide, "_lapse", return_value=())


def lapse_too_early() -> Planted:
    """Take a process for dead one second after its grant."""
    return mock.patch.object(decide, "CALL_LIMIT", timedelta(seconds=1))


def poll_for_the_meter() -> Planted:
    """Ask /token once a minute, as if the answers did not bring the meter."""
    needs = decide._needs_probe

    def is_needed(held_by: Account, now: datetime) -> bool:
        meter = held_by.meter
        return needs(held_by, now) or meter is None or now - meter.received_at > timedelta(minutes=1)

    return mock.patch.object(decide, "_needs_probe", is_needed)


def charge_more_for_the_unknown() -> Planted:
    """Say that a lost call cost one token more than the meters show."""
    aftermath = decide._aftermath

    def told(*facts: Any) -> tuple[Entry, ...]:
        entries = aftermath(*facts)
        return tuple(
            replace(each, charged=each.charged + 1) if isinstance(each, Absorbed) else each for each in entries
        )

    return mock.patch.object(decide, "_aftermath", told)


def let_tickets_live_for_ever() -> Planted:
    """Keep the places of the dead."""
    stack = ExitStack()
    for module in (ask, round_, standing):
        stack.enter_context(mock.patch.object(module, "TICKET_LIFE", _NEVER))
    return stack


def let_nobody_stand_ahead() -> Planted:
    """Serve whoever asks and fits: small calls before the big one that waits."""
    nobody: Sequence[Ticket] = ()
    return mock.patch.object(Standing, "ahead", property(lambda _: nobody))


def let_jobs_never_age() -> Planted:
    """Serve jobs when nobody else wants anything."""
    return mock.patch.object(Ticket, "yields", property(lambda _: False))
