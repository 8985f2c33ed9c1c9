"""Freezes, and limits of one caller per hour and day: what they forbid, for how long, and whom they leave alone."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.budget.makers import account, after, ask, at, evenly, held, meter, ticket
from tests.budget.naive import Bucket
from tests.budget.world import World

from keepahead.budget.ask import Ask
from keepahead.budget.decide import foresee, reserve
from keepahead.budget.entry import Refusal, Reserved
from keepahead.budget.lane import JOBS, LIVE
from keepahead.budget.rule import Freeze, Limit, Rules, day_of, hour_of
from keepahead.budget.verdict import Granted, Later, Reason, Refused, Verdict

LAW = settings(max_examples=80, deadline=None)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MIDNIGHT_MS = 12 * HOUR_MS
"""The origin is at noon."""


def freeze(**terms: object) -> Freeze:
    """Return a freeze of everything, narrowed by the terms."""
    return Freeze(freeze_id=1, words="too much spent", made_at=at(0), **terms)  # pyright: ignore[reportArgumentType]


def limit_of(caller: str, hour: int | None, day: int | None) -> Limit:
    """Return a limit."""
    return Limit(caller=caller, tokens_per_hour=hour, tokens_per_day=day)


def limited_by(hour: int | None, day: int | None = None, *, spent: tuple[int, int] = (0, 0)) -> Rules:
    """Return the rules of a caller who has spent so much of an hour's and a day's limit."""
    return Rules(limit=limit_of("tester", hour, day), spent_hour=spent[0], spent_day=spent[1])


def told(wanted: Ask, rules: Rules, *, left: int = 1_000, ms: int = 0) -> Verdict:
    """Say what is decided at `ms` where the bucket has enough."""
    return reserve(account(meter(left, ms=ms)), wanted, at(ms), rules).verdict


# Freezes


@LAW
@given(
    tokens=evenly(0, 200),
    above=st.none() | evenly(0, 200),
    endpoints=st.sampled_from([(), ("product",), ("deal",), ("deal", "product")]),
    lane=st.sampled_from([None, "live", "jobs"]),
    caller=st.sampled_from([None, "tester", "other"]),
    mine=st.sampled_from([LIVE, JOBS]),
)
def test_a_freeze_forbids_what_it_says_and_nothing_else(
    *, tokens: int, above: int | None, endpoints: tuple[str, ...], lane: str | None, caller: str | None, mine: object
) -> None:
    """Endpoint, lane and caller must all be meant, and the call must cost more than `above`; free calls go on."""
    rule = freeze(above=above, endpoints=endpoints, lane=lane, caller=caller)
    wanted = ask(tokens, lane=JOBS if mine == JOBS else LIVE)
    meant = (
        tokens > (above if above is not None else 0)
        and ("product" in endpoints or endpoints == ())
        and lane in (None, wanted.lane.name)
        and caller in (None, "tester")
    )
    decision = reserve(account(meter(1_000)), wanted, at(0), Rules(freezes=(rule,)))
    if meant:
        assert isinstance(decision.verdict, Refused)
        assert (decision.verdict.reason, decision.verdict.freeze) == (Reason.FROZEN, rule)
        (line,) = decision.entries
        assert isinstance(line, Refusal)
        assert (line.reason, line.tokens) == ("frozen: too much spent", tokens)
    else:
        assert isinstance(decision.verdict, Granted)


@LAW
@given(until=evenly(0, HOUR_MS), now=evenly(0, HOUR_MS))
@example(until=1_000, now=1_000)
def test_a_freeze_ends_at_its_moment(until: int, now: int) -> None:
    """Before `until` calls are refused and told how long it lasts; from then on it is as if it had never been."""
    verdict = told(ask(10, ms=now), Rules(freezes=(freeze(until=at(until)),)), ms=now)
    if now < until:
        assert isinstance(verdict, Refused)
        assert verdict.wait_seconds == (until - now) / 1_000
    else:
        assert isinstance(verdict, Granted)


@LAW
@given(enough=evenly(0, 400), left=evenly(20, 400), tokens=st.integers(1, 10))
def test_a_freeze_ends_when_the_balance_is_back(enough: int, left: int, tokens: int) -> None:
    """Below `until_balance` calls are refused, and nobody can say for how long; at it they are not."""
    verdict = told(ask(tokens), Rules(freezes=(freeze(until_balance=enough),)), left=left)
    assert isinstance(verdict, Refused) == (left < enough)
    if isinstance(verdict, Refused):
        assert (verdict.reason, verdict.wait_seconds) == (Reason.FROZEN, None)


@LAW
@given(first=st.booleans(), second=st.booleans())
def test_any_freeze_in_force_is_enough(first: bool, second: bool) -> None:
    """Freezes that are over, or mean somebody else, do not hide one that holds."""
    rules = Rules(
        freezes=(
            freeze(until=at(10)) if first else freeze(caller="other"),
            freeze(lane="jobs") if second else freeze(),
        )
    )
    assert isinstance(told(ask(5, ms=20), rules, ms=20), Granted if second else Refused)


def test_a_balance_that_is_not_known_ends_no_freeze() -> None:
    """As long as no meter is known, nothing is sent that costs anything, frozen or not."""
    rule = freeze(until_balance=5)
    assert not rule.is_over(None, at(0))
    assert rule.is_over(5, at(0))
    assert isinstance(reserve(account(None), ask(5), at(0), Rules(freezes=(rule,))).verdict, Later)


# Limits


@LAW
@given(
    hour=st.none() | evenly(0, 300),
    day=st.none() | evenly(0, 300),
    spent=st.tuples(evenly(0, 300), evenly(0, 300)),
    open_calls=st.lists(st.tuples(evenly(1, 60), st.booleans(), st.booleans()), max_size=4),
    tokens=evenly(1, 200),
    now=evenly(0, HOUR_MS - 1),
)
def test_a_caller_spends_no_more_than_its_limit(
    *,
    hour: int | None,
    day: int | None,
    spent: tuple[int, int],
    open_calls: list[tuple[int, bool, bool]],
    tokens: int,
    now: int,
) -> None:
    """Spent + held + asked stays within hour and day; what is held for others, or lost and counted, is left out."""
    holds = [
        replace(each, label=replace(each.label, caller="tester" if mine else "other"))
        for number, (held_tokens, mine, lost) in enumerate(open_calls)
        for each in [held(f"h{number}", held_tokens, ms=now, proven=DAY_MS if lost else None)]
    ]
    under_way = sum(tokens for tokens, mine, lost in open_calls if mine and not lost)
    rules = Rules(limit=limit_of("tester", hour, day), spent_hour=spent[0], spent_day=spent[1])
    verdict = reserve(account(meter(1_200, ms=now), *holds), ask(tokens, ms=now), at(now), rules).verdict
    fits_hour = hour is None or spent[0] + under_way + tokens <= hour
    fits_day = day is None or spent[1] + under_way + tokens <= day
    assert isinstance(verdict, Granted) == (fits_hour and fits_day)
    if isinstance(verdict, Later):
        assert verdict.ticket is None
        ends = {round(verdict.wait_seconds * 1_000) + now}
        assert ends <= {HOUR_MS, MIDNIGHT_MS}
    if isinstance(verdict, Refused):
        assert verdict.reason is Reason.CALLER_LIMIT
        assert verdict.window
        assert verdict.wait_seconds is None
        assert tokens > verdict.window.tokens


@LAW
@given(spent=evenly(41, 100), now=evenly(0, HOUR_MS - 1), patience=st.none() | evenly(0, 2 * HOUR_MS))
def test_whoever_is_over_its_limit_waits_in_nobodys_way(spent: int, now: int, patience: int | None) -> None:
    """It waits for its window without a ticket, and is refused at once if the window ends after its deadline."""
    deadline = None if patience is None else now + patience
    verdict = told(ask(60, ms=now, deadline=deadline), limited_by(100, spent=(spent, spent)), ms=now)
    left = (HOUR_MS - now) / 1_000
    if patience is None or patience >= HOUR_MS - now:
        assert verdict == Later(left, None)
    else:
        assert isinstance(verdict, Refused)
        assert (verdict.reason, verdict.wait_seconds) == (Reason.CALLER_LIMIT, left)


@LAW
@given(price=st.integers(1, 30), items=st.integers(1, 40), allowed=evenly(0, 400))
def test_a_call_that_can_be_divided_gets_what_the_window_leaves(price: int, items: int, allowed: int) -> None:
    """As many items as the limit leaves, less than a lump's worth too; one that fits no window at all is refused."""
    verdict = told(ask(price * items, items=items), limited_by(allowed))
    most = min(items, allowed // price)
    if most:
        assert isinstance(verdict, Granted)
        assert (verdict.items, verdict.tokens) == (most, most * price)
    else:
        assert isinstance(verdict, Refused)
        assert (verdict.reason, verdict.wait_seconds) == (Reason.CALLER_LIMIT, None)


@LAW
@given(now=evenly(-DAY_MS, DAY_MS))
def test_windows_are_full_hours_and_days(now: int) -> None:
    """A window begins with the hour or the day in UTC and ends with it, so that all hosts mean the same."""
    hour, day = limited_by(1, 1).windows(0, at(now))
    assert hour.ends_at == at(now // HOUR_MS * HOUR_MS + HOUR_MS)
    assert day.ends_at == at((now - MIDNIGHT_MS) // DAY_MS * DAY_MS + MIDNIGHT_MS + DAY_MS)
    assert hour_of(at(now)) <= at(now) < hour.ends_at
    assert day_of(at(now)) <= at(now) < day.ends_at


@LAW
@given(tokens=evenly(1, 100))
def test_a_limit_of_somebody_else_is_no_limit(tokens: int) -> None:
    """Without a limit of its own a caller may spend what there is; one whose limit says nothing, too."""
    assert isinstance(told(ask(tokens), Rules(spent_hour=5_000, spent_day=5_000)), Granted)
    assert isinstance(told(ask(tokens), limited_by(None, spent=(5_000, 5_000))), Granted)


@LAW
@given(waits=evenly(1, 900))
def test_a_limit_does_not_help_past_the_queue(waits: int) -> None:
    """What the window leaves is had only as far as those ahead leave it."""
    state = account(meter(1_000, ms=1), tickets=[ticket("older", waits)])
    verdict = reserve(state, ask(1_000, items=1_000, ms=2), at(2), limited_by(500)).verdict
    room = 1_000 - 10 - waits
    assert isinstance(verdict, Granted) == (room >= 20)
    if isinstance(verdict, Granted):
        assert verdict.tokens == min(500, room)


@pytest.mark.parametrize("seed", range(6))
def test_in_no_window_more_than_the_limit_is_spent_or_held(seed: int) -> None:
    """Over many hours, with calls under way across the hour: spent + held never exceeds the limit in its window."""
    random = Random(seed)
    world = World(Bucket(1_200, 20, 30_000))
    hour, day = random.randint(60, 200), random.randint(300, 600)
    spent: list[tuple[int, int]] = []
    running: list[tuple[str, int]] = []
    for number in range(400):
        world.pass_to(world.now + random.randint(1_000, 200_000))
        now = world.now
        this_hour = now // HOUR_MS * HOUR_MS
        today = (now - MIDNIGHT_MS) // DAY_MS * DAY_MS + MIDNIGHT_MS
        if running and random.random() < 0.5:
            name, tokens = running.pop(random.randrange(len(running)))
            price = random.randint(0, tokens)
            world.settle(name, price)
            spent.append((now, price))
        in_hour = sum(price for when, price in spent if when >= this_hour)
        in_day = sum(price for when, price in spent if when >= today)
        rules = Rules(limit=limit_of("tester", hour, day), spent_hour=in_hour, spent_day=in_day)
        items = random.randint(1, 80)
        verdict = world.reserve(ask(items, items=items, name=f"c{number}", ms=now), rules)
        if isinstance(verdict, Granted):
            running.append((f"c{number}", verdict.tokens))
            under_way = sum(held.tokens for held in world.account.reservations if not held.is_unknown)
            assert in_hour + under_way <= hour
            assert in_day + under_way <= day
        world.account = replace(world.account, tickets=())
    assert sum(isinstance(entry, Reserved) for entry in world.entries) > 20


@LAW
@given(ends=evenly(1, 60_000), over=st.booleans())
def test_a_new_window_begins_with_everything(ends: int, *, over: bool) -> None:
    """A caller who had spent all is served when the hour is over and its count begins anew."""
    now = HOUR_MS if over else HOUR_MS - ends
    rules = limited_by(100, spent=(0 if over else 100, 100))
    decision = reserve(account(meter(1_000, ms=now)), ask(100, ms=HOUR_MS - ends), at(now), rules)
    assert isinstance(decision.verdict, Granted if over else Later)
    assert after(account(meter(1_000, ms=now)), decision.entries).reserved == (100 if over else 0)


@LAW
@given(whole=evenly(1, 200), limit=evenly(0, 200), spent=evenly(0, 200), wait=evenly(0, 2 * HOUR_MS))
def test_work_beyond_a_limit_is_not_begun(whole: int, limit: int, spent: int, wait: int) -> None:
    """Work that must end before a limit begins anew is begun only if what is left of the limit is enough for all."""
    rules = Rules(limit=limit_of("tester", limit, None), spent_hour=spent)
    decision = foresee(account(meter(1_200)), ask(whole, deadline=wait), at(0), rules)
    fits = whole <= max(0, limit - spent) or at(wait) >= hour_of(at(0)) + timedelta(hours=1)
    assert (decision is None) == fits
    if decision:
        assert isinstance(decision.verdict, Refused)
        assert (decision.verdict.reason, decision.verdict.tokens_max) == (Reason.CALLER_LIMIT, whole)
        assert (decision.verdict.wait_seconds is None) == (whole > limit)
