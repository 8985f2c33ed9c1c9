"""The last hour in memory: what is a pace, who spent, what failed; small however much happens, whatever clocks do."""

from datetime import timedelta

import pytest
from tests.work.alerts.standing import T0, at

from keepahead.budget.account import Account
from keepahead.budget.entry import Absorbed, Label, Lost, Observed, Refusal, Released, Served, Settled
from keepahead.budget.meter import Meter
from keepahead.work.alerts.alert import Balance, Spender
from keepahead.work.alerts.facts import floor_ahead
from keepahead.work.alerts.history import CALLS, History, Pace, Seen


def meter(minutes, left, rate=20, reduction=0) -> Meter:
    """A meter of that moment; the next lump comes half a minute later."""
    return Meter(at(minutes), at(minutes), at(minutes), left, rate, 30_000, reduction)


def label(caller="web", endpoint="product", lane="live") -> Label:
    """Whose call it was."""
    return Label("call", endpoint, lane, caller)


def settled(minutes, tokens, reserved=None, left=300, counted=0, **of) -> Settled:
    """A charge."""
    return Settled(
        at=at(minutes),
        label=label(**of),
        tokens=tokens,
        reserved=tokens if reserved is None else reserved,
        meter=meter(minutes, left),
        counted_before=counted,
    )


def lost(minutes, tokens, reason="ReadTimeout") -> Lost:
    """A call whose answer was lost."""
    return Lost(at=at(minutes), label=label(), tokens=tokens, reason=reason, proven_after=at(minutes))


def observed(minutes, left=300, external=0, **more) -> Observed:
    """A meter that tells of more than the call that it came with."""
    return Observed(at=at(minutes), meter=meter(minutes, left, **more.pop("of", {})), external_tokens=external, **more)


def history(*entries) -> History:
    """The history of these entries."""
    made = History(at(-60))
    for entry in entries:
        made.take(entry)
    return made


def test_a_pace_takes_three_charges():
    """One dear call is no pace, nor are two; with the third the five minutes count, and then they are over."""
    made = history(settled(0, 50), settled(1, 100))
    assert made.pace(at(1)) == Pace()
    made.take(settled(2, 30, lane="jobs"))
    assert made.pace(at(2)) == Pace(jobs=6, others=30)
    assert made.pace(at(2)).per_minute == 36
    assert made.pace(at(5.5)) == Pace()


def test_what_counts_as_spent():
    """A lost call counts at its most until it is known better; somebody else's counts, the archive's does not."""
    absorbed = Absorbed(at=at(0.3), label=label(), tokens=100, charged=20)
    served = Served(at=at(0.4), label=label(), tokens=500, shape="product x1")
    made = history(lost(0, 100), lost(0.1, 50), settled(0.2, 10, counted=50), absorbed, served)
    assert made.pace(at(1)) == Pace()
    made.take(observed(0.5, external=70))
    assert made.pace(at(1)) == Pace(others=20)
    assert made.spenders() == (Spender("", "", 70), Spender("web", "product", 30))


def test_who_spends():
    """The dearest first, each with the endpoint that took most; five of them."""
    many = [settled(0, number, caller=f"caller {number}") for number in range(1, 9)]
    made = history(*many, settled(1, 5, endpoint="deal"), settled(2, 9), settled(3, 7, endpoint="deal"))
    assert made.spenders()[:2] == (Spender("web", "deal", 21), Spender("caller 8", "product", 8))
    assert len(made.spenders()) == 5


def test_what_is_old_is_forgotten():
    """After an hour nothing is left, and all of it was kept in little room."""
    made = history(*(settled(minute / 1000, 1, reserved=0) for minute in range(10_000)), lost(10, 5))
    assert made.overage.times == 10_000
    assert len(made._slots) <= 62
    made.forget(at(10) + timedelta(minutes=61))
    assert (made._slots, made.overage, list(made.calls()), made.spenders()) == ({}, Seen(), [], ())


def test_how_calls_end():
    """Keepa's failures count; what ended for our own reasons does not; of the last 100 calls is known."""
    away = Released(at=at(0), label=label(), tokens=5, reason="ConnectError: refused")
    ours = [Released(at=at(0), label=label(), tokens=5, reason=why) for why in ("not sent", "somebody else fetches it")]
    made = history(settled(0, 1), away, *ours, lost(0, 5, "interrupted"), lost(0, 5, "its process ended"), lost(0, 5))
    assert list(made.calls()) == ["", "ConnectError: refused", "ReadTimeout"]
    for _ in range(2 * CALLS):
        made.take(settled(1, 1))
    assert list(made.calls()) == [""] * CALLS


def test_what_happened():
    """External spending and overage are summed up, with the last of them."""
    made = history(observed(0, external=30), observed(2, external=40), settled(1, 8, reserved=5, endpoint="deal"))
    assert made.external == Seen(2, 70, at(2))
    assert made.overage == Seen(1, 3, at(1), "deal")


def test_the_refill_changes():
    """A rate or a reduction that changes what is gained is a change; one that makes no difference is none."""
    assert history(observed(0)).rate_change is None
    change = history(observed(0, rate_before=5)).rate_change
    assert (change.before, change.after) == (5, 20)
    trackings = history(observed(0, reduction_before=0, of={"reduction": 3})).rate_change
    assert (trackings.before, trackings.after) == (20, 17)
    assert history(observed(0, rate_before=25, reduction_before=8, of={"rate": 20, "reduction": 3})).rate_change is None


def test_who_was_refused():
    """A refusal for the caller's limit is remembered for an hour; others are not."""

    def refusal(reason, caller):
        told = {"shape": "", "balance": 0, "free": 0, "floor": 0}
        return Refusal(at=at(0), label=label(caller), tokens=5, reason=reason, **told)

    made = history(refusal("caller_limit", "web"), refusal("not_in_time", "nightly"))
    assert made.refused_at == {"web": at(0)}
    made.forget(at(62))
    assert made.refused_at == {}


def test_the_trend():
    """The balance of each minute that meters tell of, refill included, and now."""
    made = history(settled(-10, 5, left=100), settled(-5, 5, left=60))
    trend = made.trend(Account("account", meter(-5, 60)), at(0))
    assert [each.tokens for each in trend] == [100, 120, 140, 160, 180, 60, 80, 100, 120, 140, 160]
    assert (trend[0].at, trend[-1]) == (at(-10), Balance(at(0), 160))
    assert History(at(-60)).trend(Account("account"), at(0)) == ()


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_jumps(days):
    """What is from before a jump is forgotten, what comes after it counts."""
    made = history(settled(0, 5), settled(0, 5), settled(0, 5), observed(0, external=5, rate_before=5))
    now = T0 + timedelta(days=days)
    made.forget(now)
    assert (made.pace(now), made.external, made.rate_change, made.spenders()) == (Pace(), Seen(), None, ())
    assert made.since <= now
    made.take(observed(days * 24 * 60, external=5))
    made.forget(now)
    assert made.external.tokens == 5


def test_when_the_floor_is_reached():
    """The pace leads to the floor; background work leads no further than to its own."""

    def reached(balance, pace, jobs_floor=100):
        account = Account("account", meter(0, balance))
        when = floor_ahead(account, pace, floor=10, jobs_floor=jobs_floor, now=at(0))
        return None if when is None else round((when - at(0)) / timedelta(minutes=1), 2)

    assert reached(210, Pace(), 10) is None
    assert reached(210, Pace(0, 20), 10) is None
    assert reached(210, Pace(0, 30), 10) == 20
    assert reached(210, Pace(60, 0)) is None
    assert reached(210, Pace(20, 22)) == 5 + 45
    assert reached(10, Pace(0, 30)) == 0
    assert reached(5, Pace(30, 0)) == 0
    assert reached(210, Pace(20, 30), -200) == reached(210, Pace(20, 30), 10)
    assert floor_ahead(Account("account"), Pace(0, 30), floor=10, jobs_floor=100, now=at(0)) is None
