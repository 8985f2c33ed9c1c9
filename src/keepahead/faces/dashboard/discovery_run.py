"""A discovery under way for whoever looks at the page: its stage, what it has found and spent, and how it ended."""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import cast

from keepahead.errors import PartialResultError
from keepahead.faces.dashboard.found_rows import FoundRow, found_row
from keepahead.faces.dashboard.purse import FAILURES, errand_of, refusal_words
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.gateway.gateway import ClientGoneError, Wish
from keepahead.faces.gateway.routes.discovery import Item, bounded, discovery_of
from keepahead.faces.gateway.visit import visit_of
from keepahead.keepa.objects import Product
from keepahead.keepa.tally import Tally
from keepahead.work.discovery.harvest import Discovery, Stage
from keepahead.work.discovery.plan import DiscoveryPlan


class State(StrEnum):
    """How a discovery stands."""

    RUNNING = "running"
    DONE = "done"
    PARTIAL = "partial"
    STOPPED = "stopped"
    REFUSED = "refused"


class DiscoveryRun:
    """One discovery; `changed` is called whenever there is something new to show."""

    def __init__(self, scene: Scene, plan: DiscoveryPlan, wait_seconds: float, changed: Callable[[], object]) -> None:
        self.plan = plan
        self.wait_seconds = wait_seconds
        self.state = State.RUNNING
        self.has_begun = False
        self.stage: Stage | None = None
        self.rows: list[FoundRow] = []
        self.found: Discovery | None = None
        self.failure = ""
        self.tally = Tally()
        self._scene = scene
        self._changed = changed
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """End it; what was sent is kept."""
        self._stop.set()

    async def run(self) -> None:
        """Carry the plan out, for no more tokens than it says."""
        usual = self._scene.house.gateway.usual
        try:
            wish = Wish(max_tokens=self.plan.tokens_max, deadline_seconds=self.wait_seconds)
            errand = bounded(await errand_of(self._scene, wish, self._stop), self.plan.criteria)
            self.tally = visit_of(errand.request).tally
            await errand.spend_whole(discovery_of(errand, self.plan), self._take)
            self.state = State.DONE
        except PartialResultError as partial:
            self.found = cast("Discovery", partial.results)
            for product in self.found.products[len(self.rows) :]:
                self.rows.append(await asyncio.to_thread(found_row, product, self._scene.now, usual.analysis))
            self.failure = refusal_words(partial, self._scene.now)
            self.state = State.PARTIAL
        except ClientGoneError:
            self.state = State.STOPPED
        except FAILURES as failure:
            self.failure = refusal_words(failure, self._scene.now)
            self.state = State.REFUSED
        finally:
            if self.state is State.RUNNING:  # whatever it was, the page goes on
                self.state, self.failure = State.REFUSED, "A fault of keepahead itself: the gateway's log tells of it."
            self._changed()

    async def _take(self, item: Item) -> None:
        match item:
            case DiscoveryPlan():
                self.has_begun = True
                self._changed()
            case Stage():
                self.stage = item
                self._changed()
            case Product():
                thresholds = self._scene.house.gateway.usual.analysis
                self.rows.append(await asyncio.to_thread(found_row, item, self._scene.now, thresholds))
            case Discovery():
                self.found = item
