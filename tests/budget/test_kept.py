"""Kept places: whoever was refused and comes back at the moment that he was told is granted, whoever asks meanwhile."""

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.budget.makers import DEFICIT, MILLISECOND, account, ask, at, evenly, held, label, meter, ms_of, ticket
from tests.budget.naive import Bucket
from tests.budget.world import World

from keepahead.budget import decide
from keepahead.budget.ask import Ask
from keepahead.budget.decide import APPOINTMENT_GRACE, PLACES_PER_CALLER, foresee, kept_for_parts, reserve
from keepahead.budget.lane import JOBS, LIVE, Lane
from keepahead.budget.meter import Meter
from keepahead.budget.standing import WORK_LIFE, queue_after
from keepahead.budget.ticket import Ticket
from keepahead.budget.verdict import Granted, Later, Reason, Refused, Verdict

LAW = settings(max_examples=60, deadline=None)
ON_ITS_WAY_MS = 8_000
"""No answer is longer on its way than this, after it has left Keepa."""

GRACE_MS = APPOINTMENT_GRACE // MILLISECOND
KEEPS = timedelta(hours=3)
RATES = st.sampled_from([1, 5, 20, 60])


def visit(
    what: str, tokens: int, ms: int, *, lane: Lane = LIVE, items: int = 1, keeps: timedelta = KEEPS, caller: str = "ann"
) -> Ask:
    """Return the ask of somebody who does not wait but comes back; each visit is a new call."""
    asked = ask(tokens, name=f"{what}@{ms}", lane=lane, items=items, ms=ms, deadline=ms)
    return replace(asked, keeps_place_for=keeps, appointment=f"a:{caller:8}:{what}")


@dataclass
class Flight:
    """A call under way: charged `price` when it was sent or at `answers`; the answer is here at `ends`, or lost."""

    name: str
    tokens: int
    price: int
    answers: int
    ends: int
    is_early: bool
    is_lost: bool
    told: Meter | None = None


class Street:
    """Everybody who spends from one key: some wait, some come back, and calls end when they like."""

    def __init__(self, rate: int, balance: int, phase: int, tick: int) -> None:
        self.world = World(Bucket(balance, rate, phase, tick))
        self.flights: list[Flight] = []
        self.waiting: dict[str, Ask] = {}
        self.coming: dict[str, tuple[int, int, Ask]] = {}
        self.names = count()
        self.lowest_floor = LIVE.floor
        self.kept = 0

    @property
    def now(self) -> int:
        return self.world.now

    def ask(self, wanted: Ask, price: int, lasts: int, *, is_early: bool, is_lost: bool) -> Verdict:
        """Ask as the flow does: with a new meter if the ledger wants one; a granted call is under way."""
        verdict = self.world.reserve(wanted)
        while isinstance(verdict, Later) and verdict.needs_meter:
            self.world.observe(self.world.look())
            verdict = self.world.reserve(wanted)
        if isinstance(verdict, Granted):
            charged = verdict.tokens * price // 4
            if is_early:
                self.world.bucket.charge(charged)
            name, ends = wanted.label.call_id, self.now + lasts
            answers = ends - min(lasts // 2, ON_ITS_WAY_MS)
            self.flights.append(Flight(name, verdict.tokens, charged, answers, ends, is_early, is_lost))
            unpaid = sum(0 if each.is_early or each.told else each.tokens for each in self.flights)
            assert self.world.bucket.balance - unpaid >= verdict.floor
        return verdict

    def pass_by(self, ms: int) -> None:
        """Let time pass: calls end, those who wait look at each lump, those who were told to come back do."""
        until = self.now + ms
        while True:
            ends = [flight.ends if flight.told else flight.answers for flight in self.flights]
            visits = [when for when, _, _ in self.coming.values()]
            lump = self.now + self.world.bucket.refill_in + 150
            moment = min([lump, *ends, *visits])
            if moment > until:
                break
            self.world.pass_to(moment)
            self.world.renew()
            self.end_calls()
            self.come_back()
            self.look()
        self.world.pass_to(until)
        self.world.renew()

    def end_calls(self) -> None:
        world = self.world
        for flight in [each for each in self.flights if each.answers <= self.now and not each.told]:
            if not flight.is_early:
                world.bucket.charge(flight.price)
            flight.told = world.look()
        for flight in [each for each in self.flights if each.ends <= self.now]:
            self.flights.remove(flight)
            if flight.is_lost:
                world.write(decide.lose(world.account, flight.name, "lost", at(self.now), answered=False))
            else:
                world.settle(flight.name, flight.price, flight.told)

    def come_back(self) -> None:
        for what, (when, lasts, wanted) in list(self.coming.items()):
            if when <= self.now:
                del self.coming[what]
                again = replace(
                    wanted, label=label(f"{what}@{self.now}b"), opened_at=at(self.now), deadline=at(self.now)
                )
                verdict = self.ask(again, 4, lasts, is_early=False, is_lost=False)
                if isinstance(verdict, Later):  # only for answers on their way, and calls that others are asked to end
                    assert any(ticket.is_kept and again.owns(ticket) for ticket in self.world.account.tickets)
                    assert verdict.wait_seconds > 0
                    self.coming[what] = (self.now + round(verdict.wait_seconds * 1_000), lasts, wanted)
                    continue
                assert isinstance(verdict, Granted), (what, verdict)
                assert verdict.tokens == wanted.tokens_max

    def look(self) -> None:
        """Those who wait ask again, in any order; who gets a part goes on with the rest."""
        for name, wanted in list(self.waiting.items()):
            verdict = self.ask(wanted, 4, 3_000, is_early=False, is_lost=False)
            if isinstance(verdict, Granted):
                del self.waiting[name]
                left = wanted.items - verdict.items
                if left:
                    self.wait(left * wanted.tokens_per_item, wanted.lane, left, ms_of(wanted.opened_at))

    def wait(self, tokens: int, lane: Lane, items: int, opened: int) -> None:
        name = f"w{next(self.names)}"
        self.waiting[name] = ask(tokens, name=name, lane=lane, items=items, ms=opened)

    def visit(self, tokens: int, late: int, *, early: bool, lasts: int, price: int) -> None:
        """Come once; if a place is kept come back at the moment told, or so much later, and maybe once too early."""
        what = f"v{next(self.names)}"
        wanted = visit(what, tokens, self.now)
        verdict = self.ask(wanted, price, lasts, is_early=early, is_lost=False)
        if isinstance(verdict, Refused) and verdict.ticket:
            self.kept += 1
            assert verdict.wait_seconds is not None
            told = self.now + round(verdict.wait_seconds * 1_000)
            assert ms_of(verdict.ticket.expires_at) == told + GRACE_MS
            self.coming[what] = (told + late, lasts, wanted)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["visit", "visit", "visit", "call", "wait", "batch", "time"]),
        evenly(1, 400),
        evenly(0, GRACE_MS - 1),
        st.booleans(),
        evenly(100, 400_000) | evenly(100, 5_000),
        st.integers(0, 4),
        evenly(1, 240_000),
    ),
    min_size=4,
    max_size=25,
)


@LAW
@given(rate=RATES, share=st.integers(-2, 60), phase=evenly(1, 60_000), tick=st.integers(60_190, 60_280), events=EVENTS)
def test_who_comes_back_at_the_moment_he_was_told_is_granted(
    rate: int,
    share: int,
    phase: int,
    tick: int,
    events: list[tuple[str, int, int, bool, int, int, int]],
) -> None:
    """At that moment or until the place expires; whoever else asks, waits, is granted, is late or is lost meanwhile."""
    street = Street(rate, rate * share, phase, tick)
    largest = rate * 60 - LIVE.floor
    for kind, wish, late, early, lasts, price, gap in events:
        tokens = 1 + (wish - 1) % largest
        if kind == "visit":
            street.visit(tokens, late, early=early, lasts=lasts, price=price)
        elif kind == "call":
            wanted = ask(tokens, name=f"c{next(street.names)}", ms=street.now, deadline=street.now)
            street.ask(wanted, price, lasts, is_early=early, is_lost=late % 3 == 0)
        elif kind == "wait":
            street.wait(tokens, LIVE if early else JOBS, 1, street.now)
        elif kind == "batch":
            street.wait(tokens - tokens % 5 + 5, LIVE, 5, street.now)
        street.look()
        street.pass_by(gap)
    street.pass_by(4 * 3_600_000)
    assert not street.coming
    assert not any(ticket.is_kept for ticket in street.world.account.tickets if at(street.now) < ticket.expires_at)


@LAW
@given(
    rate=RATES,
    share=st.integers(-2, 60),
    visits=st.lists(st.tuples(evenly(1, 400), evenly(1, 30_000), st.booleans()), min_size=3, max_size=20),
    tokens=evenly(1, 20),
)
def test_no_small_call_starves(rate: int, share: int, visits: list[tuple[int, int, bool]], tokens: int) -> None:
    """A call that waits is granted at the moment that it would be told now, however many places are kept after it."""
    street = Street(rate, rate * share, 30_000, 60_200)
    largest = rate * 60 - LIVE.floor
    for number, (wanted, gap, comes) in enumerate(visits):
        if number == len(visits) // 2:
            asked = ask(tokens, name="0", ms=street.now, deadline=street.now)
            told = reserve(street.world.account, asked, at(street.now)).verdict
            street.waiting["0"] = replace(asked, deadline=None)
            street.look()
            until = street.now + (round((told.wait_seconds or 0) * 1_000) if isinstance(told, Refused) else 0)
        street.visit(1 + (wanted - 1) % largest, 0, early=False, lasts=100, price=4)
        if not comes:
            street.coming.clear()
        street.pass_by(gap)
    street.pass_by(max(0, until - street.now) + 1_000)  # an answer may be on its way
    street.look()
    assert "0" not in street.waiting


@LAW
@given(
    rate=RATES,
    share=st.integers(-2, 60),
    holds=st.lists(evenly(1, 200), max_size=2),
    ahead=st.lists(st.tuples(evenly(1, 200), st.booleans()), max_size=4),
    wish=st.tuples(evenly(1, 1_200), st.sampled_from([LIVE, JOBS, DEFICIT])),
)
def test_the_moment_named_is_not_too_early(
    rate: int, share: int, holds: list[int], ahead: list[tuple[int, bool]], wish: tuple[int, Lane]
) -> None:
    """At that moment it is granted, though nobody ahead has taken anything yet and nothing that is held has ended."""
    tokens, lane = wish
    tickets = [ticket(f"t{number}", each, rank=is_job) for number, (each, is_job) in enumerate(ahead)]
    state = account(
        meter(rate * share, rate=rate), *(held(f"h{n}", each) for n, each in enumerate(holds)), tickets=tickets
    )
    verdict = reserve(state, ask(tokens, lane=lane, ms=1, deadline=1), at(1)).verdict
    if not isinstance(verdict, Refused) or verdict.wait_seconds is None:
        return
    then = 1 + round(verdict.wait_seconds * 1_000)
    alive = tuple(replace(each, expires_at=at(then + 1)) for each in tickets)
    verdict = reserve(replace(state, tickets=alive), ask(tokens, lane=lane, ms=then, deadline=then), at(then)).verdict
    ended = then >= decide.CALL_LIMIT // MILLISECOND  # what fills the bucket has ended: a meter would prove it
    assert isinstance(verdict, Granted) or ended


def test_what_can_never_be_there_at_once_is_told_no_moment() -> None:
    """Work above the bucket is told how long it takes whoever waits, and no moment at which it is refused again."""
    state = account(meter(1_200))
    whole = replace(visit("v", 3_000, 0, items=100), keeps_place_for=KEEPS)
    for decision in (reserve(state, whole, at(0)), foresee(state, whole, at(0))):
        assert decision
        assert isinstance(decision.verdict, Refused)
        assert (decision.verdict.reason, decision.verdict.wait_seconds) == (Reason.NEVER_AT_ONCE, None)
        assert decision.verdict.ticket is None
        assert decision.verdict.takes_seconds == pytest.approx(30.1 + 90 * 60.3)


def test_a_place_is_kept_only_as_long_as_was_asked() -> None:
    """The whole must surely be there within that time; a place is kept for no longer than its moment and a little."""
    state = account(meter(10))
    for tokens, is_kept in ((20, True), (21, False)):
        verdict = reserve(state, visit("v", tokens, 0, keeps=timedelta(seconds=31)), at(0)).verdict
        assert isinstance(verdict, Refused)
        assert (verdict.ticket is not None) == is_kept
        if verdict.ticket:
            assert verdict.ticket.expires_at == at(30_100) + APPOINTMENT_GRACE


def test_a_caller_has_only_so_many_places() -> None:
    """One more is refused without a place; asked again an old one stays, and another caller has his own."""
    tickets: list[Ticket] = []

    def kept(what: str, caller: str) -> bool:
        asked = visit(what, 1, 0, caller=caller)
        verdict = reserve(account(meter(0), tickets=tickets), asked, at(0)).verdict
        tickets[:] = queue_after(tickets, asked, verdict, at(0))
        assert isinstance(verdict, Refused)
        return verdict.ticket is not None

    assert all(kept(f"v{number}", "ann") for number in range(PLACES_PER_CALLER))
    assert not kept("more", "ann")
    assert kept("v0", "ann")
    assert kept("more", "bob")


def test_who_comes_back_waits_for_an_answer_on_its_way() -> None:
    """A call that is charged already and still held counts twice for a moment: whoever was told now is not refused."""
    kept = visit("v", 50, 0).kept(at(30_100) + APPOINTMENT_GRACE, 1_200)
    again = visit("v", 50, 30_200)
    state = account(meter(60, ms=30_200), held("h", 30, ms=29_000), tickets=[kept])
    verdict = reserve(state, again, at(30_200)).verdict
    assert isinstance(verdict, Later)
    assert verdict.ticket
    assert (verdict.ticket.is_kept, verdict.ticket.opened_at) == (True, at(0))
    ended = account(meter(60, ms=30_200), tickets=[verdict.ticket])
    assert isinstance(reserve(ended, again, at(33_000)).verdict, Granted)
    early = reserve(state, visit("v", 50, 20_000), at(20_000)).verdict
    assert isinstance(early, Refused)
    elsewhere = reserve(account(meter(40, ms=30_200), held("h", 5), tickets=[kept]), again, at(30_200)).verdict
    assert isinstance(elsewhere, Refused)  # somebody else spent with the same key


def test_work_strictly_foreseen_lets_everybody_go_first() -> None:
    """It counts what is held and who waits; without refill it is refused though it could wait for ever."""
    state = account(meter(100), held("h", 30), tickets=[ticket("t", 40)])
    for tokens, deadline, begins in ((20, 0, True), (21, 0, False), (40, 30_100, True), (41, 30_100, False)):
        wanted = ask(tokens, name="zz", ms=0, deadline=deadline)
        assert (foresee(state, wanted, at(0), strictly=True) is None) == begins
    flat = foresee(account(meter(0, flow=20)), ask(20), at(0), strictly=True)
    assert flat
    assert isinstance(flat.verdict, Refused)
    assert flat.verdict.reason is Reason.NO_REFILL


def test_what_is_let_in_is_kept_for_its_parts() -> None:
    """As long as parts of it are asked for, and only if all of it was there."""
    work = visit("w", 60, 0)
    assert kept_for_parts(account(meter(60)), work, at(0)) is None
    kept = kept_for_parts(account(meter(70)), work, at(0))
    assert kept
    assert (kept.tokens, kept.expires_at) == (60, at(0) + WORK_LIFE)
    part = replace(visit("w", 25, 10), is_part=True)
    (left,) = queue_after([kept], part, Granted(25, 1, 0, 10), at(10))
    assert (left.tokens, left.opened_at, left.expires_at) == (35, at(0), at(10) + WORK_LIFE)
    assert queue_after([left], part, Granted(35, 1, 0, 10), at(20)) == []
    verdict = reserve(account(meter(0)), part, at(10)).verdict
    assert isinstance(verdict, Refused)
    assert verdict.ticket is None


def test_who_waits_at_a_place_that_was_kept_for_it_stays_there():
    """Once it waits by itself nothing is kept for it any more, and its next ask still has the age of that place."""
    standing = [ticket("guest", 50, ms=0), ticket("other", 50, ms=1_000)]
    verdict = reserve(account(meter(20), tickets=standing), ask(50, name="guest", ms=5_000), at(6_000)).verdict
    assert isinstance(verdict, Later)
    assert verdict.ticket is not None
    assert verdict.ticket.opened_at == at(0)
    assert verdict.first == "guest"
