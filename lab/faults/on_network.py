"""Faults on the network: connections to PostgreSQL and to Keepa that break, fall silent or crawl, and hosts cut off."""

import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from lab.faults.cut_proxy import CutProxy
from lab.faults.fault import Fault, Happened
from lab.faults.hosts import hosts_cut_off
from lab.faults.judges import CommitJudge, KeepaJudge
from lab.faults.reckoning import Seen, played
from lab.faults.shared_scene import LOST_ANSWER, Outage, Scene
from lab.faults.shared_spender import ANSWERED

TO_POSTGRES = "connection to PostgreSQL"
TO_KEEPA = "connection to Keepa"
SEED = 4711

RESETS = 25
COMMITS = 16
REQUESTS = 12

LOST_SPEED = 20
"""Where answers get lost, two minutes must pass until a meter proves them; slower, a busy machine is late for less."""


class BehindProxy(Scene):
    """A scene whose programs reach PostgreSQL through a proxy."""

    def set_up(self) -> None:
        """Put the proxy in between."""
        super().set_up()
        self.proxy = self.enter(CutProxy(str(self.server.folder / ".s.PGSQL.5432")))
        self.spenders_database_url = f"postgresql://tests@127.0.0.1:{self.proxy.port}/ledger"


class BeforeKeepa(Scene):
    """A scene whose programs reach Keepa through a proxy."""

    def set_up(self) -> None:
        """Put the proxy in between."""
        super().set_up()
        port = int(self.served.url.rpartition(":")[2])
        self.proxy = self.enter(CutProxy(("127.0.0.1", port)))
        self.upstream_url = f"http://127.0.0.1:{self.proxy.port}"


def reset_at_random(folder: Path) -> Happened:
    """Reset half of the connections, again and again."""

    def play(scene: BehindProxy, seen: Seen) -> None:
        rng = Random(SEED)
        while scene.proxy.resets < RESETS:
            time.sleep(rng.uniform(0.02, 0.2))
            scene.proxy.reset_some(rng, 0.5)
        all_go_on(scene)
        seen.told.append(f"{scene.proxy.resets} connections reset")

    return played(BehindProxy(folder), play)


def cut_at_commits(folder: Path) -> Happened:
    """Cut the connection at a COMMIT: nobody hears whether it was done."""

    def play(scene: BehindProxy, seen: Seen) -> None:
        judge = CommitJudge(SEED, 0.15)
        scene.proxy.set_judge(judge)
        scene.wait_until(lambda: min(judge.cut["done"], judge.cut["not done"]) >= COMMITS // 2, "enough cut commits")
        scene.proxy.pass_all()
        all_go_on(scene)
        seen.told.append(f"{judge.cut['done']} commits done and {judge.cut['not done']} not done, all unheard")

    return played(BehindProxy(folder, count=3), play)


def silent(folder: Path) -> Happened:
    """Swallow all bytes on open connections and on new ones, for longer than the time-out."""

    def play(scene: BehindProxy, seen: Seen) -> None:
        outage = Outage(scene)
        outage.go_through(scene.proxy.be_silent, scene.proxy.pass_all)
        seen.outage(outage)

    return played(BehindProxy(folder), play)


def crawling(folder: Path) -> Happened:
    """Pass on a few bytes at a time: something always comes, and no step is ever done in time."""

    def play(scene: BehindProxy, seen: Seen) -> None:
        outage = Outage(scene)
        outage.go_through(lambda: scene.proxy.drip(10), scene.proxy.pass_all)
        seen.outage(outage)

    return played(BehindProxy(folder), play)


def answers_cut(folder: Path) -> Happened:
    """Cut connections to Keepa before a request, in its answer, and after its charge."""

    def play(scene: BeforeKeepa, seen: Seen) -> None:
        judge = KeepaJudge(SEED, 0.2)
        scene.proxy.set_judge(judge)
        scene.wait_until(lambda: min(judge.cut[kind] for kind in judge.KINDS) >= REQUESTS // 3, "enough cut requests")
        scene.proxy.pass_all()
        all_go_on(scene)
        cut = sum(judge.cut.values())
        unknown = sum(told.what == LOST_ANSWER for told in scene.told())
        seen.told.append(", ".join(f"{judge.cut[kind]} cut {kind}" for kind in judge.KINDS))
        seen.told.append(f"{unknown} callers told that the outcome is unknown")
        seen.demand(f"{cut} were cut, {unknown} callers were told", holds=unknown == cut)
        seen.demand(f"{judge.twice()} items came to Keepa twice", holds=judge.twice() == 0)
        seen.fewest_lost = cut

    return played(BeforeKeepa(folder, speed=LOST_SPEED), play)


def all_go_on(scene: Scene) -> None:
    """Wait until every task is answered, now that nothing stands in the way."""
    now = time.monotonic()
    scene.wait_until(lambda: scene.all_told(now, ANSWERED), "an answer for every task")


ON_NETWORK: Sequence[Fault] = (
    Fault(
        "reset at random moments",
        TO_POSTGRES,
        "calls that meet it fail with an error; nothing is lost, booked twice or left reserved",
        reset_at_random,
    ),
    Fault(
        "cut at the COMMIT, so that nobody hears whether it was done",
        TO_POSTGRES,
        "what was done counts once, what was not done is done once; nothing stays reserved for who never heard of it",
        cut_at_commits,
    ),
    Fault(
        "half-open: open, and silent",
        TO_POSTGRES,
        "every call ends with an error in time, nothing is sent; then all go on by themselves",
        silent,
    ),
    Fault(
        "crawling, ten bytes at a time",
        TO_POSTGRES,
        "bytes that come buy no time: every call ends with an error in time, nothing is sent; then all go on",
        crawling,
    ),
    Fault(
        "cut before the request, in the answer, and after the charge",
        TO_KEEPA,
        "each counts as charged and is never sent again, until a newer meter has absorbed it",
        answers_cut,
    ),
    Fault(
        "one of two hosts cut off, first from the database, then from Keepa",
        "hosts",
        "it sends nothing while it cannot reserve, the other host goes on; what was under way counts as charged until "
        "a meter proves it",
        hosts_cut_off,
    ),
)
