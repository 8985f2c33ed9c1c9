"""What the meters show against what the ledger knows: every token is ours, a lost call's, or somebody else's."""

from dataclasses import dataclass, replace

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.budget.makers import account, after, ask, at, evenly, held, meter
from tests.budget.naive import Bucket
from tests.budget.world import World

from keepahead.budget.account import Account
from keepahead.budget.decide import lose, observe, settle
from keepahead.budget.entry import Absorbed, Observed, Settled
from keepahead.budget.meter import Meter
from keepahead.budget.split import split
from keepahead.budget.verdict import Granted

LAW = settings(max_examples=150, deadline=None)
EVENTS = st.lists(
    st.tuples(st.sampled_from("aacceeeltosm"), st.integers(0, 255), st.integers(0, 255)), min_size=4, max_size=40
)
BUCKETS = st.builds(
    Bucket,
    balance=evenly(50, 600),
    rate=st.just(20),
    next_tick=evenly(1, 60_000),
    tick=st.integers(60_190, 60_280),
    flow=st.sampled_from([0, 0, 3]),
)


@dataclass
class Flight:
    """A call under way: charged once `told` is there, over once `ended`."""

    name: str
    tokens: int
    asked: int
    told: Meter | None = None
    price: int = 0
    lost: bool = False
    ended: bool = False


class Story(World):
    """One history of a key: calls charged, answered, lost and late in any order; an outsider perhaps.

    `on_the_road` is how long an answer may take, in milliseconds, before a newer meter is read first.
    """

    def __init__(self, bucket: Bucket, *, outsider: bool, on_the_road: int) -> None:
        self.opening = bucket.balance
        self.outside = 0
        self.own = 0
        super().__init__(bucket)
        self.outsider, self.on_the_road = outsider, on_the_road
        self.flights: list[Flight] = []
        self.strays: list[Meter] = []
        self.ambiguous = False

    def happen(self, what: str, pick: int, size: int) -> None:
        """Let one thing happen."""
        self.pass_to(self.now + 1 + (size * 97 if what == "t" else size % 3))
        flights = [flight for flight in self.flights if not flight.ended]
        flight = flights[pick % len(flights)] if flights else None
        match what:
            case "a":
                self.ask(1 + size)
            case "c" if flight:
                self.charge(flight, size)
            case "e" if flight:
                self.answer(flight)
            case "l" if flight and not flight.lost:
                flight.lost = True
                self.write(lose(self.account, flight.name, "time-out", at(self.now), answered=False))
            case "o" if self.outsider and self.bucket.admits():
                self.bucket.charge(size)
                self.outside += size
            case "s":
                self.strays.append(self.look())
            case "m":
                self.arrive(self.strays.pop(pick % len(self.strays)) if self.strays else self.look())
            case _:
                pass

    def ask(self, tokens: int) -> None:
        """Reserve for a new call."""
        name = f"c{len(self.flights)}"
        if isinstance(self.reserve(ask(tokens, name=name, ms=self.now)), Granted):
            self.flights.append(Flight(name, tokens, self.now))
        self.account = replace(self.account, tickets=())

    def charge(self, flight: Flight, size: int) -> None:
        """Let Keepa finish a call: it costs nothing, a part or everything of what was reserved."""
        if flight.told is None:
            flight.price = flight.tokens * min(size, 200) // 200 if self.bucket.admits() else 0
            self.bucket.charge(flight.price)
            self.own += flight.price
            flight.told = replace(self.look(), asked_at=at(flight.asked))

    def answer(self, flight: Flight) -> None:
        """Let an answer arrive, lost before or not."""
        if flight.told is not None:
            self.freshen(flight.told)
            self.settle(flight.name, flight.price, flight.told)
            flight.ended = True

    def arrive(self, told: Meter) -> None:
        """Let a bare meter arrive."""
        self.freshen(told)
        self.observe(told)

    def freshen(self, told: Meter) -> None:
        """Read a newer meter first if this one was too long on the road to be compared with others."""
        if (at(self.now) - told.measured_at).total_seconds() * 1_000 > self.on_the_road:
            self.observe(self.look())

    def write(self, entries: object) -> None:
        """Append; notice whether a lost call is proven while calls under way are charged already."""
        lines = tuple(entries)  # pyright: ignore[reportArgumentType, reportUnknownVariableType]
        gone = {line.label.call_id for line in lines if isinstance(line, Absorbed)}
        if gone:
            self.ambiguous |= any(
                flight.price and self.account.find(flight.name) and flight.name not in gone for flight in self.flights
            )
        super().write(lines)

    def become_quiet(self) -> None:
        """Every call ends at Keepa; whatever is not lost is answered; what is lost is proven by a late meter."""
        for flight in self.flights:
            self.charge(flight, 100)
            if not flight.ended and not flight.lost:
                self.answer(flight)
        self.observe(self.look())
        self.pass_to(self.now + 121_000)
        self.observe(self.look())


@LAW
@given(bucket=BUCKETS, events=EVENTS, outsider=st.booleans())
def test_every_token_is_ours_or_lost_or_somebody_elses(
    bucket: Bucket, events: list[tuple[str, int, int]], *, outsider: bool
) -> None:
    """When all is quiet: opening + refill = balance + settled + absorbed + external.

    So it is without overage, without refill lost to a full bucket, with meters that are compared while they are fresh,
    and where no lost call was proven while others were charged but not answered: whose tokens the gap shows, nobody
    can tell then. A lost call and an outsider may be taken for each other; their sum is right.
    """
    story = Story(bucket, outsider=outsider, on_the_road=20_000)
    for what, pick, size in events:
        story.happen(what, pick, size)
    story.become_quiet()
    refilled = story.bucket.balance - story.opening + story.own + story.outside
    counted = story.settled + story.absorbed + story.external
    if story.ambiguous:
        assert story.external <= story.outside
    else:
        assert story.opening + refilled == story.bucket.balance + counted
    assert story.account.gap == 0
    assert story.account.reservations == ()


@LAW
@given(bucket=BUCKETS, events=EVENTS, full=st.booleans())
def test_without_an_outsider_nobody_is_called_one(
    bucket: Bucket, events: list[tuple[str, int, int]], *, full: bool
) -> None:
    """However our own calls are interleaved, late or lost, full bucket or not, their cost is never called external."""
    if full:
        bucket.balance = 1_195
    story = Story(bucket, outsider=False, on_the_road=1 << 60)
    for what, pick, size in events:
        story.happen(what, pick, size)
        assert story.external == 0
    story.become_quiet()
    assert story.external == 0


@LAW
@given(bucket=BUCKETS, takes=st.lists(st.tuples(st.integers(0, 90), evenly(1, 200_000)), max_size=6))
def test_what_an_outsider_takes_while_nothing_is_under_way_is_recorded_exactly(
    bucket: Bucket, takes: list[tuple[int, int]]
) -> None:
    """The next meter shows all of it, whether lumps came in between or not; and it is recorded once."""
    world, total = World(bucket), 0
    for tokens, later in takes:
        world.pass_to(world.now + later)
        world.bucket.charge(tokens)
        total += tokens
        for _ in range(2):
            world.observe(world.look())
            assert world.external == total
    assert world.account.gap == 0


@LAW
@given(own=evenly(0, 100), taken=evenly(0, 100), settled_first=st.booleans())
def test_what_our_own_call_may_have_cost_is_not_called_external_yet(
    own: int, taken: int, *, settled_first: bool
) -> None:
    """Only what is beyond the open reservation is surely somebody else's; the rest is, once our call has told."""
    state = account(meter(500), held("call", 100))
    left = meter(500 - own - taken, ms=10, tick=29_990)
    answer = meter(500 - own, ms=5, tick=29_995)
    if settled_first:
        state = after(state, settle(state, "call", own, answer, at(9)))
        entries = observe(state, left, at(10))
    else:
        entries = observe(state, left, at(10))
        early = max(0, own + taken - 100)
        assert sum(each.external_tokens for each in entries if isinstance(each, Observed)) == early
        state = after(state, entries)
        entries = (*entries, *settle(state, "call", own, answer, at(11)))
        if early:
            return
    assert sum(each.external_tokens for each in entries if isinstance(each, Observed)) == taken


@LAW
@given(
    before=st.tuples(st.sampled_from([1, 5, 20, 60]), st.sampled_from([0, 0, 2, 25])),
    then=st.tuples(st.sampled_from([1, 5, 20, 60]), st.sampled_from([0, 0, 2, 25])),
    later=evenly(1, 400_000),
    changes_at=evenly(0, 400_000),
    with_a_call=st.booleans(),
)
@example(before=(60, 0), then=(1, 0), later=300_000, changes_at=10_000, with_a_call=False)
def test_a_changed_plan_is_recorded_once_and_is_no_outsider(
    before: tuple[int, int], then: tuple[int, int], later: int, changes_at: int, *, with_a_call: bool
) -> None:
    """A new refill rate or flow reduction makes one line that says what it used to be, and explains its own tokens."""
    world = World(Bucket(40, before[0], 30_000, flow=before[1]))
    if with_a_call:
        with_a_call = isinstance(world.reserve(ask(1, name="call")), Granted)
    world.pass_to(min(changes_at, later))
    world.bucket.rate, world.bucket.flow = then
    world.pass_to(later)
    world.settle("call", 1) if with_a_call else world.observe(world.look())
    world.observe(world.look())
    changes = [
        (entry.rate_before, entry.reduction_before)
        for entry in world.entries
        if isinstance(entry, Observed) and entry.rate_before is not None
    ]
    assert changes == ([] if before == then else [before])
    assert world.external == 0


@LAW
@given(tokens=evenly(1, 200), cost=evenly(0, 200), taken=evenly(0, 100))
def test_a_lost_call_is_said_to_have_cost_what_the_meter_lacks(tokens: int, cost: int, taken: int) -> None:
    """What the proving meter is short of was its cost, up to what it had reserved; the rest is somebody else's."""
    cost = min(cost, tokens)
    state = account(meter(500), held("call", tokens, proven=20_000))
    entries = observe(state, meter(500 - cost - taken, ms=20_000, tick=10_000), at(20_000))
    (absorbed,) = [each for each in entries if isinstance(each, Absorbed)]
    external = sum(each.external_tokens for each in entries if isinstance(each, Observed))
    assert absorbed.charged == min(tokens, cost + taken)
    assert absorbed.charged + external == cost + taken
    assert after(state, entries).gap == 0


@LAW
@given(lumps=st.integers(0, 440), tick=st.integers(60_190, 60_280), first=evenly(1, 60_000), left=evenly(-50, 100))
def test_refill_between_two_meters_is_counted_by_keepas_clock(lumps: int, tick: int, first: int, left: int) -> None:
    """Up to several hours it is exact, whatever the tick; a full bucket takes no more."""
    bucket = Bucket(left, 1, first, tick)
    opening = World(bucket).look()
    bucket.pass_to(first + max(0, lumps - 1) * tick if lumps else 0)
    now = at(bucket.now)
    then = Meter(now, now, now, bucket.balance, bucket.rate, bucket.refill_in)
    between = split(opening, then, 0)
    assert between
    assert (between.refill, between.own, between.unexplained) == (bucket.balance - left, 0, 0)


@LAW
@given(hours=st.integers(8, 400), tick=st.integers(60_190, 60_280), first=evenly(1, 60_000))
def test_over_days_only_sure_refill_is_counted(hours: int, tick: int, first: int) -> None:
    """Where nobody can say how many lumps there were, nobody is said to have taken one."""
    bucket = Bucket(-50_000, 1, first, tick)
    opening = World(bucket).look()
    bucket.pass_to(hours * 3_600_000)
    now = at(bucket.now)
    between = split(opening, Meter(now, now, now, bucket.balance, bucket.rate, bucket.refill_in), 0)
    assert between
    assert -hours // 3 - 2 <= between.unexplained <= 0


@LAW
@given(jump=evenly(-4_000_000, 4_000_000), taken=evenly(0, 200))
def test_where_clocks_disagree_nothing_is_said(jump: int, taken: int) -> None:
    """If Keepa's clock and ours tell different times between two meters, no spending is derived from them."""
    told = meter(500 - taken, ms=1_000, keepa_ms=1_000 + jump, tick=29_000)
    between = split(meter(500), told, 0)
    assert (between is None) == (abs(jump) > 30_000)
    gone = replace(account(meter(500)), gap=5)
    if between is None and jump > 0:
        assert after(gone, observe(gone, told, at(1_000))).gap == 0


@LAW
@given(price=evenly(1, 100), again=st.integers(1, 3))
def test_an_answer_that_comes_again_explains_nothing_twice(price: int, again: int) -> None:
    """A repeated settlement neither opens nor closes a gap."""
    state = account(meter(500), held("call", 100), held("other", 100))
    told = meter(500 - price - 50, ms=10, tick=29_990)
    state = after(state, settle(state, "call", price, told, at(10)))
    assert state.gap == 50
    for _ in range(again):
        assert settle(state, "call", price, told, at(11)) == ()
    assert state.external == 0


@LAW
@given(cost=evenly(0, 100), late=st.booleans())
def test_a_late_answer_is_charged_once(cost: int, *, late: bool) -> None:
    """A lost call is charged by its late answer or by the meter that proved it, never by both."""
    state: Account = account(meter(500), held("call", 100, proven=20_000))
    proof = meter(500 - cost, ms=20_000, tick=10_000)
    answer = meter(500 - cost, ms=5, tick=29_995)
    steps = [("proof", proof), ("answer", answer)]
    entries: list[object] = []
    for what, told in steps[::-1] if late else steps:
        new = observe(state, told, at(20_000)) if what == "proof" else settle(state, "call", cost, told, at(20_001))
        entries += new
        state = after(state, new)
    charged = sum(each.charged for each in entries if isinstance(each, Absorbed))
    settled = sum(each.tokens for each in entries if isinstance(each, Settled))
    external = sum(each.external_tokens for each in entries if isinstance(each, Observed))
    assert (charged + settled, external, state.gap) == (cost, 0, 0)
