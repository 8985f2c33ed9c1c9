"""Two independent models, slow and obvious: Keepa's bucket, and the book that a careful clerk would keep.

Written from the protocol sheet and design.md alone. All moments are whole milliseconds; no rule is imported.
"""

from dataclasses import dataclass, field


@dataclass
class Bucket:
    """Keepa's own bucket: lumps at its tick, 60 minutes' worth at most, any call while the balance is positive."""

    balance: int
    rate: int
    next_tick: int
    tick: int = 60_200
    flow: int = 0
    now: int = 0

    def pass_to(self, now: int) -> None:
        """Let time pass; refill lump by lump."""
        while self.next_tick <= now:
            if self.balance < self.rate * 60:
                self.balance = min(self.rate * 60, self.balance + max(0, self.rate - self.flow))
            self.next_tick += self.tick
        self.now = now

    def admits(self) -> bool:
        """Tell whether a call that costs something runs now."""
        return self.balance > 0

    def charge(self, tokens: int) -> None:
        """Take what a finished call cost, below zero if need be."""
        self.balance -= tokens

    @property
    def refill_in(self) -> int:
        """Milliseconds to the next lump."""
        return self.next_tick - self.now


@dataclass(frozen=True)
class Reading:
    """What an answer says of the bucket. `asked` and `received` are ours, `measured` is Keepa's."""

    measured: int
    asked: int
    received: int
    left: int
    rate: int
    refill_in: int
    flow: int

    def projected(self, now: int) -> int:
        """Count the lumps one by one, each at the latest moment at which it can come."""
        balance, lump_at = self.left, self.received + self.refill_in + 100
        while lump_at <= now:
            if balance < self.rate * 60:
                balance = min(self.rate * 60, balance + max(0, self.rate - self.flow))
            lump_at += 60_300
        return balance

    def lumps_between(self, start: int, end: int) -> int:
        """Count the lumps after `start` up to `end`."""
        count, lump_at = 0, self.received + self.refill_in + 100
        while lump_at <= end:
            count += lump_at > start
            lump_at += 60_300
        return count


@dataclass
class Hold:
    """Tokens set aside by the clerk."""

    tokens: int
    opened: int
    is_probe: bool
    proven: int | None = None


@dataclass
class Want:
    """An ask in plain numbers. `patience` is how long its lane lets the live one pass."""

    name: str
    rank: int
    floor: int
    tokens: int
    items: int
    opened: int
    deadline: int | None
    is_probe: bool = False
    patience: int = 900_000


@dataclass(frozen=True)
class Place:
    """A call that waits until it has `tokens` above `floor`; the place is void after `until`."""

    name: str
    rank: int
    floor: int
    tokens: int
    opened: int
    patience: int
    until: int


def queue_of(places: list[Place], yielded: int | None) -> list[Place]:
    """Line up: the live by age, then the jobs by age; the first job steps before the live ones that came too late.

    Too late is after the patience of the job, counted from its own beginning or from the last job that was granted.
    """
    by_age = sorted(places, key=lambda place: (place.opened, place.name))
    live, jobs = [p for p in by_age if p.rank == 0], [p for p in by_age if p.rank > 0]
    if not jobs:
        return live
    first, *rest = jobs
    since = first.opened if yielded is None or yielded < first.opened else yielded
    until = (since + first.patience, first.name)
    in_time = [place for place in live if (place.opened, place.name) < until]
    too_late = [place for place in live if (place.opened, place.name) >= until]
    return [*in_time, first, *too_late, *rest]


@dataclass(frozen=True)
class Till:
    """Tokens at one moment, as somebody in the queue sees them."""

    balance: int
    held: int
    lump: int
    capacity: int

    def lumps_until(self, place: Place, before: int, taken: int) -> int | None:
        """Count lump by lump until a call has all its tokens behind `before` others, if `taken` are taken now.

        None if refill never brings them: there is none, or a full bucket cannot hold them beside what is held.
        """
        wanted = max(before + place.tokens + place.floor, before + 1)
        free = self.balance - self.held - taken
        if free >= wanted:
            return 0
        would_fit = place.floor + place.tokens <= self.capacity
        if self.lump == 0 or (would_fit and place.floor + place.tokens + self.held + taken > self.capacity):
            return None
        lumps = 0
        while free < wanted:
            free, lumps = free + self.lump, lumps + 1
        return lumps

    def delays(self, queue: list[Place], taken: int) -> bool:
        """Tell whether taking so many tokens now makes anybody in the queue wait longer."""
        before = 0
        for place in queue:
            without = self.lumps_until(place, before, 0)
            if without is None:
                # Only the end of other calls can help: what is needed after it must be left.
                left = self.balance - taken - before
                if taken > 0 and (left - place.tokens < place.floor or left < 1):
                    return True
            elif self.lumps_until(place, before, taken) != without:
                return True
            before += place.tokens
        return False

    def most(self, queue: list[Place], floor: int, price: int, items: int) -> int:
        """Return the largest number of items that leaves the floor and delays nobody."""
        count = 0
        for n in range(1, items + 1):
            if self.balance - self.held - n * price < floor or self.delays(queue, n * price):
                break
            count = n
        return count


@dataclass
class Book:
    """The clerk's book: the newest reading, what is held, who waits until when."""

    newest: Reading | None = None
    holds: dict[str, Hold] = field(default_factory=dict[str, Hold])
    waiting: dict[str, Place] = field(default_factory=dict[str, Place])
    yielded: int | None = None

    def balance(self, now: int) -> int:
        """Return the projection of the newest reading."""
        return self.newest.projected(now) if self.newest else 0

    def free(self, now: int) -> int:
        """Return the projection less everything held."""
        return self.balance(now) - sum(hold.tokens for hold in self.holds.values())

    def read(self, reading: Reading) -> None:
        """Keep a reading if Keepa's time is newer, or the balance lower on a tie; drop the unknown calls it proves."""
        best = self.newest
        if (
            best is None
            or reading.measured > best.measured
            or (reading.measured == best.measured and reading.left < best.left)
            or ((reading.measured, reading.left) == (best.measured, best.left) and reading.asked > best.asked)
        ):
            self.newest = reading
        for name, hold in list(self.holds.items()):
            if hold.proven is not None and hold.proven <= reading.asked:
                del self.holds[name]

    def lose(self, name: str, proven: int) -> None:
        """Mark a call as unknown."""
        if name in self.holds and self.holds[name].proven is None:
            self.holds[name].proven = proven

    def lapse(self, now: int) -> None:
        """Eight minutes after a reservation its process is surely gone."""
        for hold in self.holds.values():
            if hold.proven is None and now - hold.opened >= 480_000:
                hold.proven = now

    def wait(self, want: Want, now: int) -> None:
        """Note or renew a place in the queue."""
        self.waiting[want.name] = self.place(want, now)

    @staticmethod
    def place(want: Want, now: int) -> Place:
        """Return the place of an ask that is renewed now."""
        return Place(want.name, want.rank, want.floor, want.tokens, want.opened, want.patience, now + 30_000)

    def ahead(self, want: Want, now: int) -> list[Place]:
        """List those who are served before it."""
        mine = self.place(want, now)
        others = [place for place in self.waiting.values() if now < place.until and place.name != want.name]
        queue = queue_of([*others, mine], self.yielded)
        return queue[: queue.index(mine)]

    def grant(self, name: str, hold: Hold, rank: int) -> None:
        """Set tokens aside; remember when a lane that yields was last given any."""
        self.holds[name] = hold
        if rank > 0 and hold.tokens:
            self.yielded = hold.opened

    def probe_is_out(self, now: int) -> bool:
        """Tell whether somebody asks for a meter just now."""
        return any(hold.is_probe and hold.proven is None and now - hold.opened < 15_000 for hold in self.holds.values())

    def judge(self, want: Want, now: int) -> tuple[str, int | str]:
        """Return ("granted", items), ("later", "ask" or "") or ("refused", why)."""
        provable = any(hold.tokens and hold.proven is not None and hold.proven <= now for hold in self.holds.values())
        is_old = self.newest is not None and now - self.newest.received >= 300_000
        if want.is_probe and (self.probe_is_out(now) or not (self.newest is None or provable or is_old)):
            return ("later", "")
        if want.tokens == 0:
            return ("granted", want.items)
        self.lapse(now)
        newest = self.newest
        if newest is None:
            return ("later", "" if self.probe_is_out(now) else "ask")
        price = want.tokens // want.items
        lump = max(0, newest.rate - newest.flow)
        ever = max(newest.rate * 60, newest.left) - want.floor
        if price > ever and is_old:
            return ("later", "" if self.probe_is_out(now) else "ask")
        if price > ever:
            return ("refused", "never_fits")
        sizes = range(1, want.items + 1)
        least = max([n for n in sizes if n * price <= lump and n * price <= ever], default=1)
        balance, free = self.balance(now), self.free(now)
        till = Till(balance, balance - free, lump, newest.rate * 60)
        queue = self.ahead(want, now)
        most = till.most(queue, want.floor, price, want.items)
        target = max(1, want.tokens + want.floor)
        in_time = want.deadline is None or (
            most == want.items
            if want.deadline <= now
            else balance + newest.lumps_between(now, want.deadline) * lump >= target
        )
        if balance >= 1 and most >= least and in_time:
            return ("granted", most)
        if any(hold.tokens and hold.proven is not None and hold.proven <= now for hold in self.holds.values()):
            return ("later", "" if self.probe_is_out(now) else "ask")
        if balance < target and lump == 0 and is_old:
            return ("later", "" if self.probe_is_out(now) else "ask")
        if balance < target and lump == 0:
            return ("refused", "no_refill")
        if not in_time or (want.deadline is not None and want.deadline <= now):
            at_once = want.deadline is not None and want.deadline <= now
            never = at_once and want.floor + want.tokens > newest.rate * 60
            return ("refused", "never_at_once" if never else "not_in_time")
        return ("later", "")
