"""What must be true when all is quiet again, whatever broke: the ledger says what the simulator says."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, TypeVar

from tests.house import KEY
from tests.system.children import FLOOR

from keepahead import Keepa
from keepahead.budget.meter import CLOCKS_AGREE
from keepahead.keepa.calls import TokenCall
from keepahead.store.audit import Audit
from keepahead.store.database import open_database
from keepahead.store.ledger import Ledger
from keepahead.store.record import Filter, GroupBy, Record
from lab.faults.fault import Happened
from lab.faults.shared_scene import ERROR_SECONDS, LIMIT_SECONDS, Outage, Scene, StillWaitingError
from lab.faults.shared_spender import ANSWERED, SENT

S = TypeVar("S", bound=Scene)


class Reckoning:
    """Whether the ledger says what the simulator says, when all is quiet."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._database = open_database(scene.database_url)
        self._ledger = Ledger(self._database, scene.fingerprint)
        self._record = Record(self._database, scene.fingerprint)
        self._audit = Audit(self._database, scene.fingerprint)

    def close(self) -> None:
        """Close the ledger."""
        self._database.close()

    def come_to_rest(self) -> None:
        """Wait until no call is held any more, and have the newest meter be one of now."""
        scene = self._scene
        with Keepa(
            KEY, upstream_url=scene.upstream_url, database_url=scene.database_url, clock=scene.served.clock
        ) as keepa:
            until = time.monotonic() + LIMIT_SECONDS
            while True:
                keepa.send(TokenCall())
                held = self._ledger.account().reservations
                if not held or time.monotonic() > until:
                    return
                moments = [each.proven_after or each.lapses_at for each in held]
                scene.served.clock.sleep(max(0.1, (max(moments) - scene.served.clock.now()).total_seconds()))

    def broken(self) -> list[str]:
        """Return each law that does not hold."""
        truth, account, spent = self._scene.truth(), self._ledger.account(), self.spent()
        came = truth["opening"] + truth["refilled"] - truth["expired"]
        gone = truth["consumed"] + truth["consumed_by_outsider"]
        last = truth["log"][-1][3]
        left = account.meter.tokens_left if account.meter else None
        drifts = self._audit.verify().drifts
        arrived, granted = len(truth["log"]) + truth["refused_429"], len(self._lines("reserved"))
        laws = {
            f"the balance went down to {truth['lowest_balance']}": truth["lowest_balance"] >= FLOOR,
            f"{truth['refused_429']} calls met an empty bucket": truth["refused_429"] == 0,
            f"{arrived} calls came to Keepa, {granted} had been granted": arrived <= granted,
            f"still held: {account.reserved} reserved, {account.unknown} unknown": not account.reservations,
            f"the ledger says {left} are left, the simulator {last}": left == last,
            f"{came} came and {gone} went, and {truth['balance']} are left": came - gone == truth["balance"],
            f"the ledger counts {spent}, {gone} were consumed": self._is_covered(spent, gone),
            f"the entries say otherwise: {drifts}": not drifts,
            f"{self.twice()} items were asked for twice": not self.twice(),
        }
        return [what for what, holds in laws.items() if not holds]

    def spent(self) -> int:
        """Return what the ledger counts as spent: charged, lost, or by somebody else."""
        sums = self._record.sums(GroupBy.ENDPOINT, Filter())
        return sum(each.charged + each.unknown + each.external for each in sums)

    def _is_covered(self, spent: int, gone: int) -> bool:
        """Tell whether what the ledger counts is what went.

        To the token, where no answer was lost. What a lost one cost is read from the meters that follow: in doubt with
        a call under way it was the lost one, up to its maximum; and meters that are late tell nothing.
        """
        in_doubt = sum(line.entry.tokens for line in self._lines("lost"))
        read = [line.entry.meter for kind in ("settled", "observed") for line in self._lines(kind)]
        is_late = any(meter.received_at - meter.measured_at > CLOCKS_AGREE for meter in read)
        return gone - in_doubt * is_late <= spent <= gone + in_doubt

    def _lines(self, kind: str) -> Sequence[Any]:
        return self._record.lines(Filter(kind=kind), limit=100_000)

    def twice(self) -> int:
        """Count the items that left a program more than once."""
        sent = [item for told in self._scene.told() if told.what == SENT for item in told.items]
        return len(sent) - len(set(sent))

    def lost(self) -> tuple[int, int]:
        """Return how many calls were lost, and how many of them a newer meter has absorbed."""
        return len(self._lines("lost")), len(self._lines("absorbed"))


class Seen:
    """What a fault showed: figures in words, and the promises that it broke."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.broken: list[str] = []
        self.fewest_lost: int | None = None  # none may be lost, unless a fault says so

    def demand(self, broken: str, *, holds: bool) -> None:
        """Put down that a promise was broken, unless it holds."""
        if not holds:
            self.broken.append(broken)

    def outage(self, outage: Outage, *, is_whole: bool = True) -> None:
        """Put down what an outage came to, and demand that every error came in time, and nothing was sent.

        One that is not whole lets a reservation through now and then, and what is reserved may be sent.
        """
        self.told.append(
            f"refused after {outage.slowest_seconds:.1f} s at most, {outage.sent} sent meanwhile, answered again "
            f"after {outage.back_seconds:.1f} s"
        )
        self.demand(
            f"{outage.sent} requests were sent while nothing could be reserved", holds=not (is_whole and outage.sent)
        )
        late = outage.slowest_seconds > ERROR_SECONDS
        self.demand(f"an error took {outage.slowest_seconds:.1f} s", holds=not late)


def played(scene: S, play: Callable[[S, Seen], None]) -> Happened:
    """Let all spend, break something, let them end, and compare both sides."""
    seen = Seen()
    with scene:
        try:
            scene.begin()
            play(scene, seen)
            scene.stop()
        except StillWaitingError as waiting:
            return Happened("it did not end", (*seen.broken, str(waiting)))
        with closing(Reckoning(scene)) as reckoning:
            reckoning.come_to_rest()
            seen.broken += reckoning.broken()
            lost, absorbed = reckoning.lost()
            as_many = lost == 0 if seen.fewest_lost is None else lost >= seen.fewest_lost
            seen.demand(f"{lost} calls were lost and {absorbed} absorbed", holds=as_many and lost == absorbed)
            seen.told.append(_figures(scene, reckoning))
    return Happened("; ".join(seen.told), tuple(seen.broken))


def _figures(scene: Scene, reckoning: Reckoning) -> str:
    answered = sum(told.what == ANSWERED for told in scene.told())
    lost, absorbed = reckoning.lost()
    truth = scene.truth()
    return (
        f"{answered} calls answered, {lost} lost and {absorbed} absorbed, {truth['consumed']} tokens consumed and "
        f"{reckoning.spent()} in the ledger, lowest balance {truth['lowest_balance']}"
    )
