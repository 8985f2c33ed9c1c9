"""The plan of a discovery: its road and why, what each step costs, what the archive saves, what it leaves, and when."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Callable
from dataclasses import dataclass

from nicegui import ui

from keepahead.budget.cost import Cost
from keepahead.faces.dashboard.board import View
from keepahead.faces.dashboard.plain_table import plain_table
from keepahead.faces.dashboard.purse import may_not_spend, outlook, standing
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.plan_words import criteria_words
from keepahead.faces.words import span, tokens
from keepahead.keepa.domains import DOMAINS
from keepahead.work.discovery.held import Held
from keepahead.work.discovery.plan import DiscoveryPlan

WAIT_SHARE = 0.5
"""At most this part of the time for a request is spent waiting for tokens, so that some is left for the work."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and what the archive has of it."""

    plan: DiscoveryPlan
    held: Held


class PlanView:
    """The card beside the form. `run` is called with the plan and how long it may wait, when the button is pressed."""

    def __init__(self, scene: Scene, run: Callable[[DiscoveryPlan, float], object]) -> None:
        self._scene = scene
        self._run = run
        self._view: View | None = None
        self._planned: Planned | None = None
        self._is_running = False
        self._wait_seconds = 0.0
        with ui.element("section").classes("kh-card kh-plan").props('aria-label="The plan"'):
            ui.label("Plan").classes("kh-title").props("role=heading aria-level=2")
            self._body = ui.element("div").props("aria-live=polite")
            self._words = ui.label().classes("kh-forecast").props("role=status")
            self._button = ui.button("Run", on_click=self._press, color=None).props("unelevated")
            self._button.classes("kh-main kh-wide")
            hint = (
                "Begun only if all of it can be paid for, and never for more than is said here. What was paid for is "
                "kept: after a reload press Run again, and it comes from the archive, not paid twice."
            )
            ui.label(hint).classes("kh-soft kh-small")
        self.say("")

    def say(self, prompt: str, *, is_wrong: bool = False) -> None:
        """Show that there is no plan, and why."""
        self._planned = None
        self._body.clear()
        if prompt:
            with self._body:
                ui.label(prompt).classes("kh-bad" if is_wrong else "kh-soft")
        self._tell()

    def show(self, planned: Planned) -> None:
        """Show a plan."""
        self._planned = planned
        self._body.clear()
        with self._body:
            _draw(planned)
        self._tell()

    def follow(self, view: View) -> None:
        """Take the account as it is now."""
        self._view = view
        self._tell()

    def set_running(self, *, is_running: bool) -> None:
        """Note whether a discovery runs: only one at a time."""
        self._is_running = is_running
        self._tell()

    def _tell(self) -> None:
        words, can_run = self._standing()
        if self._words.text != words:
            self._words.set_text(words)
        self._words.set_visibility(bool(words))
        self._button.set_text(self._label())
        self._button.set_enabled(can_run and not self._is_running)

    def _label(self) -> str:
        if self._is_running:
            return "Running …"
        if self._planned is None:
            return "Run"
        most = f"at most {tokens(self._planned.plan.tokens_max)}"
        return f"Wait {span(self._wait_seconds)} and run ({most})" if self._wait_seconds else f"Run ({most})"

    def _standing(self) -> tuple[str, bool]:
        """Return what is to be said of the plan and the account, and whether it can be run."""
        self._wait_seconds = 0.0
        if self._planned is None:
            return "", False
        plan, held = self._planned.plan, self._planned.held
        reason = may_not_spend(self._scene)
        if held.is_all:
            return "The archive has all of it: it is likely to cost nothing.", True
        if reason is not None:
            return reason, False
        limit = plan.criteria.max_tokens
        if limit is not None and plan.tokens_max > limit:
            return f"That is more than the {tokens(limit)} that you allow: raise it, or ask for less.", False
        if self._view is None:
            return "", False
        if self._view.failure is not None:
            return f"The ledger cannot be read: {self._view.failure}", False
        status = standing(self._scene, self._view.account)
        ahead = outlook(status, plan.tokens_max, self._scene.now, tokens_likely=plan.cost.tokens_likely)
        longest = self._scene.house.gateway.patience.request_seconds * WAIT_SHARE
        if ahead.wait_seconds is None or ahead.wait_seconds > longest:
            return ahead.words, False
        self._wait_seconds = ahead.wait_seconds
        return ahead.words, True

    def _press(self) -> None:
        if self._planned is not None:
            longest = self._scene.house.gateway.patience.request_seconds * WAIT_SHARE
            self._run(self._planned.plan, longest if self._wait_seconds else 0.0)


def _draw(planned: Planned) -> None:
    plan, held = planned.plan, planned.held
    cost, site = plan.cost, DOMAINS[plan.criteria.site].site
    with ui.element("div").classes("kh-figures"):
        for name, amount in zip(("At least", "Likely", "At most"), _bounds(cost), strict=True):
            with ui.element("div"):
                ui.label(name).classes("kh-soft")
                ui.label(f"{amount or 0:,}").classes("kh-value kh-numbers")
        ui.label("tokens").classes("kh-soft kh-unit")
    most = plan.criteria.max_results
    wanted = f"{most:,} product{'' if most == 1 else 's'}"
    ui.label(f"Up to {wanted} on {site}: {criteria_words(plan.criteria)}")
    if held.what:
        with ui.element("div").classes("kh-saved"):
            ui.icon("savings").props("aria-hidden=true")
            what = "; ".join(held.what)
            ui.label(f"The archive has {what}: about {tokens(held.tokens_likely)} less.")
    rows = [[step.what, *(f"{amount or 0:,}" for amount in _bounds(step.cost))] for step in plan.road.steps]
    plain_table("Steps and what they cost in tokens", ("Step", "Least", "Likely", "Most"), rows)
    with ui.element("details").classes("kh-why"):
        with ui.element("summary"):
            ui.label(f"Why this road: {plan.road.name}")
        with ui.element("ul").classes("kh-reasons"):
            for reason in plan.because:
                with ui.element("li"):
                    ui.label(reason)


def _bounds(cost: Cost) -> tuple[int | None, ...]:
    return cost.tokens_min, cost.tokens_likely, cost.tokens_max
