"""The order of the queue, and what it promises to the lane that yields: simulated against Keepa's bucket."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.budget.makers import account, ask, at, evenly, meter, ticket
from tests.budget.naive import Bucket, Place, queue_of
from tests.budget.world import World

from keepahead.budget.ask import Ask
from keepahead.budget.decide import reserve
from keepahead.budget.lane import JOBS, LIVE
from keepahead.budget.ticket import Ticket, in_order, overdue_at
from keepahead.budget.verdict import Granted

LAW = settings(max_examples=60, deadline=None)
PATIENCE_MS = 900_000


@st.composite
def queues(draw: st.DrawFn) -> list[Ticket]:
    """Make queues of both lanes over half an hour, in any order."""
    size = draw(st.integers(0, 6))
    return [
        ticket(f"c{number}", draw(st.integers(1, 50)), rank=draw(st.integers(0, 1)), ms=draw(evenly(0, 1_800_000)))
        for number in range(size)
    ]


def names(places: list[Place] | list[Ticket]) -> list[str]:
    """Return who stands where."""
    return [place.name if isinstance(place, Place) else place.call_id for place in places]


@LAW
@given(queue=queues(), yielded=st.none() | evenly(0, 1_800_000))
def test_lane_first_then_age_and_one_job_comes_forward(queue: list[Ticket], yielded: int | None) -> None:
    """Live calls by age, then jobs by age; only the oldest job passes, and only live calls that came too late."""
    places = [
        Place(each.call_id, each.rank, 0, 1, (each.opened_at - at(0)) // timedelta(milliseconds=1), PATIENCE_MS, 0)
        for each in queue
    ]
    ordered = list(in_order(queue, None if yielded is None else at(yielded)))
    assert names(ordered) == names(queue_of(places, yielded))


@LAW
@given(opened=evenly(0, 1_000_000), yielded=st.none() | evenly(0, 2_000_000), came=st.integers(-1, 1))
def test_a_job_is_overdue_when_its_patience_is_over(opened: int, yielded: int | None, came: int) -> None:
    """Patience is counted from the first ask, or from the last job that was granted, whichever is later."""
    job = ticket("job", 1, rank=1, ms=opened)
    overdue = max(opened, yielded if yielded is not None else opened) + PATIENCE_MS
    when = None if yielded is None else at(yielded)
    assert overdue_at(job, when) == at(overdue)
    ordered = in_order([ticket("live", 1, ms=overdue + came), job], when)
    assert names(list(ordered)) == (["live", "job"] if came < 0 else ["job", "live"])


@LAW
@given(tokens=st.integers(0, 50), lane=st.sampled_from([LIVE, JOBS]), ms=evenly(0, 1_000))
def test_only_tokens_granted_to_a_lane_that_yields_begin_its_patience_anew(tokens: int, lane: object, ms: int) -> None:
    """A live call, and a job's free call, leave the turn of the jobs as it was."""
    assert lane in {LIVE, JOBS}
    world = World(Bucket(500, 20, 30_000))
    world.pass_to(ms)
    wanted = ask(tokens, lane=JOBS if lane == JOBS else LIVE, ms=ms)
    assert isinstance(world.reserve(wanted), Granted)
    assert world.account.yielded_at == (at(ms) if lane == JOBS and tokens else None)


class Traffic:
    """Live calls without end: as soon as one is served the next one waits. Jobs beside them, one after another."""

    def __init__(self, seed: int, rate: int) -> None:
        self.random = Random(seed)
        self.rate = rate
        self.world = World(Bucket(12, rate, self.random.randint(1, 60_000), self.random.randint(60_190, 60_280)))
        self.wanted: dict[str, Ask] = {}
        self.count = 0
        self.running: list[tuple[int, str, int]] = []
        self.live_served = 0
        self.job_at: int | None = None
        self.bound: int | None = None
        for _ in range(4):
            self.come(live=True)

    def come(self, *, live: bool) -> str:
        """Let a new call of that lane ask."""
        self.count += 1
        most = max(2, min(60, self.rate * 3)) if live else self.rate * 10
        tokens = self.random.randint(1, most)
        name = f"{'live' if live else 'job'}{self.count}"
        self.wanted[name] = ask(tokens, name=name, lane=LIVE if live else JOBS, ms=self.world.now)
        self.try_(name)
        return name

    def try_(self, name: str) -> bool:
        """Ask once; a granted call is answered a little later."""
        verdict = self.world.reserve(self.wanted[name])
        if not isinstance(verdict, Granted):
            return False
        del self.wanted[name]
        self.running.append((self.world.now + self.random.randint(1, 4_000), name, verdict.tokens))
        self.live_served += name.startswith("live")
        return True

    def pass_to(self, moment: int) -> None:
        """Let time pass; answers come on the way, and cost all of their reservation."""
        for when, name, price in sorted(self.running):
            if when <= moment:
                self.world.pass_to(when)
                self.world.settle(name, price)
                self.running.remove((when, name, price))
        self.world.pass_to(moment)
        self.world.renew()

    def step(self) -> None:
        """Go to the next lump, or to somewhere before it; everybody who waits asks, in any order."""
        assert self.world.account.meter
        before = self.world.now
        due = self.world.account.meter.next_refill_at(at(before))
        self.pass_to(before + self.random.randint(1, max(1, (due - at(before)) // timedelta(milliseconds=1) - 1)))
        self.ask_all()
        known = self.world.account.meter
        assert known
        due = known.next_refill_at(at(self.world.now))
        self.pass_to((due - at(0)) // timedelta(milliseconds=1))
        self.ask_all()

    def ask_all(self) -> None:
        """Wake everybody; and new live calls come as others are served."""
        everybody = list(self.wanted)
        self.random.shuffle(everybody)
        for name in everybody:
            self.try_(name)
        while sum(name.startswith("live") for name in self.wanted) < 4:
            self.come(live=True)

    def latest_grant(self, job: str, overdue: int) -> int:
        """Work out by hand, once it is overdue, when the job has its tokens behind the live calls that came before."""
        world, wanted = self.world, self.wanted[job]
        known = world.account.meter
        assert known
        live = sum(
            other.tokens_max
            for name, other in self.wanted.items()
            if name.startswith("live") and other.opened_at < at(overdue)
        )
        floor = min(100, self.rate * 60 // 4)
        missing = live + wanted.tokens_max + floor - world.account.free_at(at(world.now))
        lumps = max(0, -(-missing // self.rate))
        return world.now + (lumps + 1) * 60_400


@pytest.mark.parametrize("rate", [1, 5, 20])
@pytest.mark.parametrize("seed", range(4))
def test_a_job_is_served_once_in_its_patience_under_endless_live_traffic(rate: int, seed: int) -> None:
    """It waits for its patience, then for what older live calls, itself and its floor need; then live has its turn."""
    traffic = Traffic(seed, rate)
    for _ in range(5):
        traffic.step()
    turn = 0
    for _ in range(2):
        job = traffic.come(live=False)
        begun = traffic.live_served
        while job in traffic.wanted and traffic.world.now < overdue_of(traffic, job):
            traffic.step()
        if job in traffic.wanted:
            latest = traffic.latest_grant(job, overdue_of(traffic, job))
            while job in traffic.wanted:
                assert traffic.world.now <= latest, "a job starves"
                traffic.step()
        turn += 1
        assert traffic.live_served > begun, "live starves"
    assert turn == 2


def overdue_of(traffic: Traffic, job: str) -> int:
    """Return from when on newer live calls stand behind that job."""
    wanted = traffic.wanted[job]
    since = max(wanted.opened_at, traffic.world.account.yielded_at or wanted.opened_at)
    return (since - at(0)) // timedelta(milliseconds=1) + PATIENCE_MS


@LAW
@given(tokens=st.integers(1, 200), late=st.integers(1, 100))
def test_an_overdue_job_is_not_passed_by_a_live_call_that_came_later(tokens: int, late: int) -> None:
    """What the job needs above its floor is left alone by live calls that came after its patience."""
    job = replace(ticket("job", 300, rank=1), expires_at=at(PATIENCE_MS * 2))
    state = account(meter(500, ms=PATIENCE_MS), tickets=[job])
    now = PATIENCE_MS + late
    verdict = reserve(state, ask(tokens, ms=now), at(now)).verdict
    assert isinstance(verdict, Granted) == (tokens <= 500 - 300 - 100)
    early = reserve(state, ask(tokens, ms=PATIENCE_MS - 1), at(now)).verdict
    assert isinstance(early, Granted)
