"""The page "Discover": a form, the plan that it makes and what it costs, and what comes of it."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio
import json
from urllib.parse import urlencode

from nicegui import background_tasks, ui

from keepahead.errors import InvalidCallError, LedgerError
from keepahead.faces.dashboard.board import View
from keepahead.faces.dashboard.criteria_fields import CriteriaFields
from keepahead.faces.dashboard.criteria_form import NAMES, Entered, entered_wrongly, read
from keepahead.faces.dashboard.discovery_run import DiscoveryRun, State
from keepahead.faces.dashboard.found_table import FoundTable
from keepahead.faces.dashboard.frame import page
from keepahead.faces.dashboard.plan_view import Planned, PlanView
from keepahead.faces.dashboard.purse import first_view
from keepahead.faces.dashboard.run_view import RunView
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.gateway.gateway import Wish
from keepahead.faces.gateway.routes.discovery import plan_for
from keepahead.faces.gateway.routes.errand import Errand
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.held import category_names, held_of
from keepahead.work.discovery.plan import DiscoveryPlan

_TEXT_MAX = 200


@page("/discover")
async def show(scene: Scene) -> None:
    """Build the page."""
    built = DiscoverPage(scene)
    built.follow(await first_view(scene))
    await built.plan()


class DiscoverPage:
    """The page, as one browser has it open."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._errand = Errand(scene.request(), scene.house.gateway, Wish())
        self._asked = 0
        self._run: DiscoveryRun | None = None
        query = scene.client.request.query_params
        texts = {name: text[:_TEXT_MAX] for name, text in query.items() if name in NAMES}
        with ui.element("div").classes("kh-sides"):
            with ui.element("section").classes("kh-card").props('aria-label="Criteria"'):
                ui.label("Discover products").classes("kh-title").props("role=heading aria-level=1")
                self._fields = CriteriaFields(texts, self._change)
            self._plan_view = PlanView(scene, self._begin)
        self._run_view = RunView(scene)
        self._table = FoundTable()
        scene.follow(self.follow)

    async def plan(self) -> None:
        """Make the plan of what stands in the form, and show it. Costs nothing."""
        self._asked += 1
        asked, entered = self._asked, read(self._fields.texts)
        self._fields.show_errors(entered.errors)
        try:
            planned, names = await self._planned(entered)
        except InvalidCallError as error:
            planned, names, entered = None, "", entered_wrongly(error, self._fields.texts)
            self._fields.show_errors(entered.errors)
        except LedgerError as error:
            planned, names, entered = None, "", Entered(None, None, {}, f"The ledger cannot be read: {error}")
        if asked != self._asked:
            return  # the form has changed meanwhile
        self._fields.show_names(names)
        if planned is None:
            wrong = "Correct the fields that are marked." if entered.errors else entered.prompt
            self._plan_view.say(wrong, is_wrong=bool(entered.errors))
        else:
            self._plan_view.show(planned)

    async def _planned(self, entered: Entered) -> tuple[Planned | None, str]:
        criteria = entered.criteria
        if criteria is None:
            return None, ""
        books, usual, now = self._scene.house.books, self._scene.house.gateway.usual, self._scene.now
        plan = await plan_for(self._errand, criteria, entered.road)
        held = await asyncio.to_thread(held_of, plan, books.archive, books.ages, usual.details_max_age, now)
        names = await asyncio.to_thread(category_names, books.archive, criteria.nodes, criteria.site, now)
        return Planned(plan, held), _names_words(criteria, names)

    async def _change(self) -> None:
        query = urlencode(self._fields.texts)
        path = f"/discover?{query}" if query else "/discover"
        ui.run_javascript(f"history.replaceState(history.state, '', {json.dumps(path)})")
        self._plan_view.say("Planning …")
        await self.plan()

    def _begin(self, plan: DiscoveryPlan, wait_seconds: float) -> None:
        if self._run is not None and self._run.state is State.RUNNING:
            return
        self._run = DiscoveryRun(self._scene, plan, wait_seconds, self._show_run)
        self._plan_view.set_running(is_running=True)
        self._show_run()
        background_tasks.create(self._carry_out(self._run), name="discovery")

    async def _carry_out(self, run: DiscoveryRun) -> None:
        try:
            await run.run()
        finally:
            if not self._scene.client.is_deleted:
                with self._scene.client:
                    self._plan_view.set_running(is_running=False)
                    await self.plan()  # the archive has more now

    def _show_run(self) -> None:
        if self._run is not None and not self._scene.client.is_deleted:
            with self._scene.client:
                self._run_view.show(self._run)
                self._table.show(self._run)

    def follow(self, view: View) -> None:
        """Take the account as it is now."""
        self._plan_view.follow(view)
        self._run_view.follow(view)


def _names_words(criteria: Criteria, names: dict[int, str]) -> str:
    """Say what the categories are called, and what it takes where the archive does not know."""
    if not criteria.nodes:
        return ""
    return "; ".join(
        f"{node}: {names[node]}" if names.get(node) else f"{node}: not in the archive, its name is asked for first"
        for node in criteria.nodes
    )
