"""The stateful model: `decide` beside the two naive models, in a world where answers are late, lost and repeated.

One machine plays everybody: our processes, Keepa, and somebody else who spends from the same key. Time is whole
milliseconds and passes only by rule.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.budget.makers import DEFICIT, MILLISECOND, ask, at, evenly, ms_of, without_tickets
from tests.budget.naive import Book, Bucket, Hold, Reading, Want

from keepahead.budget import account as accounts
from keepahead.budget import decide
from keepahead.budget.account import Account
from keepahead.budget.ask import Ask
from keepahead.budget.entry import Entry, Observed, Settled
from keepahead.budget.lane import JOBS, LIVE, Lane
from keepahead.budget.meter import Meter
from keepahead.budget.verdict import Granted, Later, Refused, Verdict

GIVES_UP_AFTER = 200_000
"""No process of ours waits longer than this for an answer."""

WORKS_ON_FOR = 110_000
"""Keepa may finish, and charge, so long after the client gave up."""

T = TypeVar("T")

PICK = st.integers(0, 255)
RATES = st.sampled_from([1, 5, 20, 60])


@dataclass
class Flight:
    """A call from its grant to its end. `stage`: held, sent, running, finished. `client`: waits, left, dead, done."""

    name: str
    tokens: int
    opened: int
    paid: bool
    keepa_done_by: int
    stage: str = "held"
    client: str = "waits"
    asked: int = 0
    reading: Reading | None = None
    consumed: int = 0
    meter: Meter | None = None

    @property
    def may_still_charge(self) -> int:
        """The most that Keepa may yet take for it, as far as the reservation goes."""
        gone_unsent = self.stage == "held" and self.client != "waits"
        return 0 if self.stage == "finished" or gone_unsent else self.tokens


class House(RuleBasedStateMachine):
    """All that can happen to one key."""

    clerk = True
    """The clerk's book must agree with the account, and his judgement with every verdict."""

    overage = 0
    """Keepa may charge up to this many tokens more than was reserved."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.account = Account("key")
        self.entries: list[Entry] = []
        self.book = Book()
        self.flights: list[Flight] = []
        self.wants: dict[str, Ask] = {}
        self.loose: list[Reading] = []
        self.outside = 0
        self.epoch = 0
        self.known: dict[tuple[int, int, int], tuple[int, int]] = {}
        self.bound: tuple[int, int] | None = None
        self.count = 0
        self.quiet_at = 0

    # The world

    @initialize(
        rate=RATES,
        share=st.one_of(st.integers(-10, 60), st.integers(20, 60)),
        tick=st.integers(60_190, 60_280),
        phase=evenly(1, 60_000),
        skew=st.sampled_from([0, -3_600_000, 777, 86_400_000]),
        flow=st.sampled_from([0, 0, 0, 3]),
        known=st.sampled_from([True, True, False]),
    )
    def begin(self, *, rate: int, share: int, tick: int, phase: int, skew: int, flow: int, known: bool) -> None:
        """A key with some balance, which nobody here knows yet or somebody has just read."""
        self.bucket = Bucket(rate * share, rate, phase, tick, flow)
        self.skew = skew
        if known:
            self.fetch()

    @rule(ms=st.one_of(evenly(1, 2_000), evenly(1, 130_000), evenly(60_000, 4_000_000)))
    def time_passes(self, ms: int) -> None:
        """Nothing lasts longer than it may: calls end, clients give up."""
        self.pass_to(self.now + ms)

    def pass_to(self, moment: int) -> None:
        """Let time pass up to that moment, doing on the way what falls due."""
        while due := [pair for flight in self.flights if (pair := (self.due(flight), flight))[0] <= moment]:
            when, flight = min(due, key=lambda pair: pair[0])
            self.now = max(self.now, when)
            self.bucket.pass_to(self.now)
            if flight.stage in ("sent", "running") and flight.keepa_done_by <= self.now:
                self.keepa_finishes(flight, flight.tokens, speaks=True)
            else:
                self.client_leaves(flight)
        self.now = moment
        self.bucket.pass_to(moment)

    def due(self, flight: Flight) -> int:
        """Return when something must happen to that call."""
        keepa = flight.keepa_done_by if flight.stage in ("sent", "running") else 1 << 60
        client = flight.opened + GIVES_UP_AFTER if flight.client == "waits" else 1 << 60
        return min(keepa, client)

    @rule(tokens=st.integers(1, 150))
    def outsider_spends(self, tokens: int) -> None:
        """Somebody else uses the same key."""
        self.pass_to(self.now + 1)
        if self.bucket.admits():
            self.bucket.charge(tokens)
            self.outside += tokens

    @precondition(lambda self: self.epoch < 2)
    @rule(rate=RATES, flow=st.sampled_from([0, 0, 2, 20]))
    def plan_changes(self, rate: int, flow: int) -> None:
        """An upgrade, a downgrade, or trackings that take a part."""
        self.pass_to(self.now + 1)
        if (rate, flow) != (self.bucket.rate, self.bucket.flow):
            self.epoch += 1
            self.bucket.rate, self.bucket.flow = rate, flow

    def look(self, asked: int) -> Reading:
        """What an answer says that leaves Keepa now."""
        bucket = self.bucket
        reading = Reading(self.now + self.skew, asked, 0, bucket.balance, bucket.rate, bucket.refill_in, bucket.flow)
        self.known[(reading.measured, reading.left, reading.asked)] = (self.outside, self.epoch)
        return reading

    # Asking

    @rule(
        lane=st.sampled_from([LIVE, JOBS, DEFICIT]),
        price=st.sampled_from([1, 2, 7, 10, 50, 300]),
        items=st.sampled_from([1, 5, 30, 100]),
        patience=st.sampled_from([None, None, None, 0, 5_000, 600_000]),
        at_once=st.booleans(),
    )
    def somebody_wants(self, lane: Lane, price: int, items: int, patience: int | None, *, at_once: bool) -> None:
        """A new call, or a batch that can be divided; sent at once if granted, or in a while."""
        deadline = None if patience is None else self.now + patience
        verdict = self.want(price * items, lane=lane, items=items, deadline=deadline)
        if isinstance(verdict, Granted) and at_once:
            self.send(self.flights[-1])

    @rule(tokens=st.integers(1, 60), lane=st.sampled_from([LIVE, JOBS, DEFICIT]))
    def somebody_wants_little(self, tokens: int, lane: Lane) -> None:
        """A small call, sent at once if granted."""
        if isinstance(self.want(tokens, lane=lane), Granted):
            self.send(self.flights[-1])

    def want(self, tokens: int, **more: object) -> Verdict:
        """Ask for the first time."""
        self.count += 1
        new = ask(tokens, name=f"c{self.count}", ms=self.now, **more)  # pyright: ignore[reportArgumentType]
        self.wants[new.label.call_id] = new
        return self.try_(new)

    @precondition(lambda self: self.wants)
    @rule(pick=PICK)
    def somebody_asks_again(self, pick: int) -> None:
        """A waiter may ask at any moment."""
        self.try_(self.chosen(list(self.wants.values()), pick))

    @precondition(lambda self: self.wants)
    @rule(pick=PICK)
    def somebody_walks_away(self, pick: int) -> None:
        """A waiter dies; its ticket stays behind until it expires."""
        del self.wants[self.chosen(list(self.wants), pick)]

    @rule(polite=st.booleans())
    def somebody_probes(self, *, polite: bool) -> None:
        """The free /token call; a polite one is not made while another is under way."""
        self.want(0, endpoint="token", is_probe=polite)

    def try_(self, wanted: Ask) -> Verdict:
        """Ask the ledger as the store would; compare with the clerk."""
        name = wanted.label.call_id
        plain = Want(
            name,
            wanted.lane.rank,
            self.floor_of(wanted),
            wanted.tokens_max,
            wanted.items,
            ms_of(wanted.opened_at),
            None if wanted.deadline is None else ms_of(wanted.deadline),
            wanted.is_probe,
            wanted.lane.patience // MILLISECOND,
        )
        expected = self.book.judge(plain, self.now)
        decision = decide.reserve(self.account, wanted, at(self.now))
        self.append(decision.entries)
        verdict = decision.verdict
        assert said(verdict) == expected or not self.clerk
        self.account = replace(
            self.account, tickets=tuple(each for each in self.account.tickets if each.call_id != name)
        )
        self.book.waiting.pop(name, None)
        match verdict:
            case Granted():
                del self.wants[name]
                self.granted(wanted, verdict)
            case Refused():
                del self.wants[name]
            case Later(ticket=None):
                assert wanted.is_probe
                del self.wants[name]
            case Later():
                assert verdict.ticket
                self.account = replace(self.account, tickets=(*self.account.tickets, verdict.ticket))
                self.book.wait(plain, self.now)
                self.check_wait(wanted, verdict)
        return verdict

    def floor_of(self, wanted: Ask) -> int:
        """Work out a lane's floor by hand."""
        newest = self.book.newest
        lane = wanted.lane
        return min(lane.floor, newest.rate * 60 * lane.floor_percent // 100) if newest else lane.floor

    def granted(self, wanted: Ask, verdict: Granted) -> None:
        """A call may be sent; the rest of a batch asks again in the same place."""
        name, paid = wanted.label.call_id, wanted.tokens_max > 0
        assert verdict.floor == self.floor_of(wanted)
        hold = Hold(verdict.tokens, self.now, is_probe=wanted.label.endpoint == "token")
        self.book.grant(name, hold, wanted.lane.rank)
        done_by = self.now + GIVES_UP_AFTER + WORKS_ON_FOR
        self.flights.append(Flight(name, verdict.tokens, self.now, paid, done_by))
        newest = self.book.newest
        if paid and newest:
            outside, epoch = self.known[(newest.measured, newest.left, newest.asked)]
            self.bound = (verdict.floor, outside) if epoch == self.epoch else None
        if verdict.items < wanted.items:
            price = wanted.tokens_per_item
            self.count += 1
            rest = ask(
                price * (wanted.items - verdict.items),
                name=f"c{self.count}",
                lane=wanted.lane,
                items=wanted.items - verdict.items,
                ms=ms_of(wanted.opened_at),
            )
            self.wants[rest.label.call_id] = rest

    def check_wait(self, wanted: Ask, later: Later) -> None:
        """Nobody is sent round in circles, or to sleep beyond the deadline."""
        assert later.wait_seconds > 0 or later.needs_meter
        if wanted.deadline is not None and wanted.deadline > at(self.now):
            assert later.wait_seconds <= (wanted.deadline - at(self.now)).total_seconds()

    # Under way

    @precondition(lambda self: self.at_stage("held"))
    @rule(pick=PICK, connects=st.sampled_from([True, True, True, False]))
    def client_sends(self, pick: int, *, connects: bool) -> None:
        """The call leaves, or surely does not."""
        flight = self.chosen(self.at_stage("held"), pick)
        if connects:
            self.send(flight)
        else:
            self.client_leaves(flight)

    def send(self, flight: Flight) -> None:
        flight.stage, flight.asked = "sent", self.now

    @precondition(lambda self: self.at_stage("sent"))
    @rule(pick=PICK)
    def keepa_starts(self, pick: int) -> None:
        """A call arrives at Keepa and is run or turned away."""
        self.arrive(self.chosen(self.at_stage("sent"), pick))

    def arrive(self, flight: Flight) -> None:
        flight.stage = "running"
        if flight.paid and not self.bucket.admits():
            flight.stage, flight.reading = "finished", self.look(flight.asked)

    @precondition(lambda self: self.at_stage("sent", "running"))
    @rule(pick=PICK, quarter=st.integers(0, 4), extra=st.integers(0, 100), speaks=st.sampled_from([True, True, False]))
    def keepa_ends(self, pick: int, quarter: int, extra: int, *, speaks: bool) -> None:
        """A call ends at Keepa, is charged for or not, and is answered with a meter or without."""
        flight = self.chosen(self.at_stage("sent", "running"), pick)
        extra = extra * self.overage // 100 if flight.paid else 0
        self.keepa_finishes(flight, flight.tokens * quarter // 4 + extra, speaks=speaks)

    def keepa_finishes(self, flight: Flight, price: int, *, speaks: bool) -> None:
        if flight.stage == "sent":
            self.arrive(flight)
        if flight.stage == "running":
            self.bucket.charge(price)
            self.outside += max(0, price - flight.tokens)
            flight.stage, flight.consumed = "finished", price
            flight.reading = self.look(flight.asked) if speaks else None

    @precondition(lambda self: self.receivable())
    @rule(pick=PICK)
    def client_receives(self, pick: int) -> None:
        """An answer arrives: in any order, also after its client had given it up for lost."""
        self.receive(self.chosen(self.receivable(), pick))

    def receivable(self) -> list[Flight]:
        return [flight for flight in self.at_stage("finished") if flight.client in ("waits", "left")]

    def receive(self, flight: Flight) -> None:
        self.pass_to(self.now + 1)  # an answer is on the road for a while, so it was asked for before it is here
        if flight.reading is None:
            self.append(decide.lose(self.account, flight.name, "no meter", at(self.now), answered=True))
            self.book.lose(flight.name, self.now)
        else:
            flight.reading, flight.meter = self.arrived(flight.reading)
            self.record(flight)
        flight.client = "done"

    def arrived(self, reading: Reading) -> tuple[Reading, Meter]:
        """Stamp a reading with our time of arrival."""
        reading = Reading(**{**vars(reading), "received": self.now})
        stamps = (at(reading.measured), at(reading.asked), at(self.now))
        return reading, Meter(*stamps, reading.left, reading.rate, reading.refill_in, reading.flow)

    def record(self, flight: Flight) -> None:
        assert flight.meter
        assert flight.reading
        self.append(decide.settle(self.account, flight.name, flight.consumed, flight.meter, at(self.now)))
        self.book.holds.pop(flight.name, None)
        self.book.lapse(self.now)
        self.book.read(flight.reading)

    @precondition(lambda self: self.moving())
    @rule(pick=PICK)
    def call_moves_on(self, pick: int) -> None:
        """The ordinary course: left, finished at its full price, answered."""
        flight = self.chosen(self.moving(), pick)
        if flight.stage == "held":
            self.send(flight)
        elif flight.stage == "finished":
            self.receive(flight)
        else:
            self.keepa_finishes(flight, flight.tokens, speaks=True)

    def moving(self) -> list[Flight]:
        return [*self.at_stage("held", "sent", "running"), *self.receivable()]

    @precondition(lambda self: any(flight.meter for flight in self.flights))
    @rule(pick=PICK)
    def client_repeats(self, pick: int) -> None:
        """The same settlement is recorded once more."""
        held = {each.label.call_id for each in self.account.reservations}
        self.record(self.chosen([flight for flight in self.flights if flight.meter], pick))
        assert {each.label.call_id for each in self.account.reservations} <= held

    @precondition(lambda self: self.waiting_clients())
    @rule(pick=PICK)
    def client_gives_up(self, pick: int) -> None:
        """A time-out, or a connection that breaks."""
        self.client_leaves(self.chosen(self.waiting_clients(), pick))

    def client_leaves(self, flight: Flight) -> None:
        flight.client = "left"
        flight.keepa_done_by = min(flight.keepa_done_by, self.now + WORKS_ON_FOR)
        if flight.stage == "held":
            flight.stage = "finished"
            flight.client = "done"
            self.append(decide.release(self.account, flight.name, "no connection", at(self.now)))
            self.book.holds.pop(flight.name, None)
        else:
            self.append(decide.lose(self.account, flight.name, "time-out", at(self.now), answered=False))
            self.book.lose(flight.name, self.now + 120_000)

    @precondition(lambda self: self.waiting_clients())
    @rule(pick=PICK)
    def process_dies(self, pick: int) -> None:
        """Between reserve and settle: nothing is recorded."""
        self.chosen(self.waiting_clients(), pick).client = "dead"

    @rule()
    def stray_call_leaves(self) -> None:
        """A free call beside the ledger; its meter arrives whenever."""
        self.loose.append(self.look(self.now))

    @precondition(lambda self: self.loose)
    @rule(pick=PICK)
    def stray_meter_arrives(self, pick: int) -> None:
        """A meter without a reservation, late or not."""
        reading, meter = self.arrived(self.loose.pop(pick % len(self.loose)))
        self.append(decide.observe(self.account, meter, at(self.now)))
        self.book.lapse(self.now)
        self.book.read(reading)

    # The end of all things

    @precondition(lambda self: len(self.entries) >= self.quiet_at + 12)
    @rule()
    def all_becomes_quiet(self) -> None:
        """Nobody else spends and nothing is lost: every waiter is served, and the account is exact again."""
        for flight in self.flights:
            self.complete(flight)
        self.fetch()
        lump = max(1, self.bucket.rate - self.bucket.flow)
        work = sum(wanted.tokens_max // lump + 70 for wanted in self.wants.values())
        until = self.now + (work + max(0, -self.bucket.balance) // lump + 20) * 60_300
        again = dict.fromkeys(self.wants, self.now)
        while again:
            name = min(again, key=lambda each: again[each])
            self.pass_to(max(self.now, again.pop(name)))
            assert self.now <= until, "somebody waits for ever"
            verdict = self.try_(self.wants[name])
            self.complete(self.flights[-1]) if isinstance(verdict, Granted) else None
            if isinstance(verdict, Later):
                if verdict.needs_meter:
                    self.fetch()
                again[name] = self.now + self.pause(verdict)
            again |= {name: self.now for name in self.wants if name not in again}
        if self.account.reservations:
            self.pass_to(self.now + 520_000)
        self.want(1, deadline=self.now)
        self.wants.clear()
        for flight in self.flights:
            self.complete(flight)
        self.fetch()
        assert self.account.reservations == ()
        assert self.account.balance_at(at(self.now)) == self.account.free_at(at(self.now)) == self.bucket.balance
        self.quiet_at = len(self.entries)

    def pause(self, later: Later) -> int:
        """Sleep as told when alone; else renew the place in the queue in time."""
        if later.needs_meter:
            return 0
        return max(5_000, int(later.wait_seconds * 1_000) + 1) if len(self.wants) == 1 else 25_000

    def teardown(self) -> None:
        """At the end of each life its entries are replayed."""
        assert accounts.replay("key", self.entries) == without_tickets(self.account)

    def fetch(self) -> None:
        """Ask for a meter and get it."""
        self.want(0, endpoint="token")
        self.complete(self.flights[-1])

    def complete(self, flight: Flight) -> None:
        """Bring a call to its natural end, unless its client is dead."""
        if flight.client == "waits" and flight.stage == "held":
            self.send(flight)
        if flight.stage in ("sent", "running"):
            self.keepa_finishes(flight, flight.tokens, speaks=True)
        if flight.client == "waits":
            self.receive(flight)

    # What always holds

    @invariant()
    def books_agree(self) -> None:
        """The account equals the clerk's book."""
        self.account.check()
        if not self.clerk:
            return
        now = at(self.now)
        assert {held.label.call_id: held.tokens for held in self.account.reservations} == {
            name: hold.tokens for name, hold in self.book.holds.items()
        }
        assert self.account.balance_at(now) == self.book.balance(self.now)
        assert self.account.free_at(now) == self.book.free(self.now)

    @invariant()
    def nothing_is_spent_that_is_not_there(self) -> None:
        """The ledger's free tokens are there, and no grant takes the balance below its floor."""
        sure = self.bucket.balance - sum(flight.may_still_charge for flight in self.flights)
        newest = self.book.newest
        if newest:
            outside, epoch = self.known[(newest.measured, newest.left, newest.asked)]
            assert epoch != self.epoch or self.account.free_at(at(self.now)) <= sure + self.outside - outside
        if self.bound:
            floor, outside = self.bound
            assert sure + self.outside - outside >= floor

    @invariant()
    def nobody_is_called_an_outsider_in_vain(self) -> None:
        """What is recorded as spent by somebody else was spent by somebody else, as long as the plan stays as it is."""
        if self.overage or self.epoch:
            return
        external = sum(entry.external_tokens for entry in self.entries if isinstance(entry, Observed))
        assert external <= self.outside

    @invariant()
    def every_charge_is_recorded(self) -> None:
        """A settlement says what Keepa took, beyond the reservation too."""
        charged = {flight.name: flight.consumed for flight in self.flights}
        for entry in self.entries[-3:]:
            if isinstance(entry, Settled):
                assert entry.tokens == charged[entry.label.call_id]
                assert entry.overage == max(0, entry.tokens - entry.reserved)

    # Small things

    def append(self, entries: Iterable[Entry]) -> None:
        """Write as the store does: in order, each changing the account."""
        for entry in entries:
            self.entries.append(entry)
            self.account = accounts.apply(self.account, entry)

    def at_stage(self, *stages: str) -> list[Flight]:
        return [
            flight
            for flight in self.flights
            if flight.stage in stages and (flight.stage != "held" or flight.client == "waits")
        ]

    def waiting_clients(self) -> list[Flight]:
        return [flight for flight in self.flights if flight.client == "waits"]

    @staticmethod
    def chosen(things: list[T], pick: int) -> T:
        return things[pick % len(things)]


class Unsupervised(House):
    """The same house without the clerk: only Keepa's bucket says whether too much was spent."""

    clerk = False


class Overcharged(House):
    """The same house, where Keepa takes more than anybody reserved."""

    overage = 150


def said(verdict: Verdict) -> tuple[str, int | str]:
    """Put a verdict in the clerk's words."""
    match verdict:
        case Granted():
            return ("granted", verdict.items)
        case Later():
            return ("later", "ask" if verdict.needs_meter else "")
        case Refused():
            return ("refused", verdict.reason.value)
