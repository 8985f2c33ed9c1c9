"""A discovery as it runs: its phase, what it has found and spent, what waits, and the button that ends it."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from nicegui import ui

from keepahead.faces.dashboard.board import View
from keepahead.faces.dashboard.discovery_run import DiscoveryRun, State
from keepahead.faces.dashboard.moments import away
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.plan_words import found_lines
from keepahead.faces.words import tokens

_WORDS = {
    State.RUNNING: "Running",
    State.DONE: "Done",
    State.PARTIAL: "A part of it failed; what was found is here",
    State.STOPPED: "Stopped: what was sent by then is kept in the archive, and not paid for again",
    State.REFUSED: "Not done",
}


class RunView:
    """The card with the progress."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._run: DiscoveryRun | None = None
        self._view: View | None = None
        with ui.element("section").classes("kh-card").props('aria-label="Progress"') as self._card:
            with ui.element("div").classes("kh-line"):
                self._title = ui.label().classes("kh-title kh-grow").props("role=heading aria-level=2")
                self._stop = ui.button("Stop", icon="stop", on_click=self._press, color=None).props("outline")
                self._stop.classes("kh-act")
            self._bar = ui.linear_progress(0, show_value=False).props('rounded aria-label="Progress" instant-feedback')
            self._told = ui.label().classes("kh-numbers").props("role=status")
            self._waits = ui.label().classes("kh-warn")
            self._failure = ui.label().classes("kh-bad").props("role=alert")
            self._ends = ui.element("div").classes("kh-soft")
        self._card.set_visibility(False)

    def show(self, run: DiscoveryRun) -> None:
        """Show how a discovery stands."""
        if run is not self._run:
            self._run = run
            self._ends.clear()
        is_running = run.state is State.RUNNING
        self._card.set_visibility(True)
        self._title.set_text(phase_of(run) if is_running else _WORDS[run.state])
        self._stop.set_visibility(is_running)
        self._bar.set_visibility(is_running)
        self._bar.set_value(share_of(run))
        self._bar.props["indeterminate"] = is_running and not share_of(run)
        self._failure.set_text(run.failure)
        self._failure.set_visibility(bool(run.failure))
        self._count(run)
        self._wait(run)
        if not is_running and run.found is not None:
            self._ends.clear()
            with self._ends:
                for line in found_lines(run.found):
                    ui.label(f"{line[:1].upper()}{line[1:]}.")

    def follow(self, view: View) -> None:
        """Take the account as it is now."""
        self._view = view
        if self._run is not None and self._run.state is State.RUNNING:
            self._count(self._run)
            self._wait(self._run)

    def _press(self) -> None:
        if self._run is not None:
            self._run.stop()
            self._title.set_text("Stopping …")

    def _count(self, run: DiscoveryRun) -> None:
        words = progress_words(run)
        if self._told.text != words:
            self._told.set_text(words)

    def _wait(self, run: DiscoveryRun) -> None:
        words = "" if run.state is not State.RUNNING or self._view is None else self._waiting(self._view)
        if self._waits.text != words:
            self._waits.set_text(words)
        self._waits.set_visibility(bool(words))

    def _waiting(self, view: View) -> str:
        """Say who waits for tokens: it may be this discovery. A kept place whose tokens are there waits for nothing."""
        now = self._scene.now
        waiting = [each for each in view.waiting if each.expected_at is None or each.expected_at > now]
        if not waiting:
            return ""
        first, number = waiting[0], len(waiting)
        when = "nobody knows when" if first.expected_at is None else away(first.expected_at, now)
        calls = f"{number:,} call{' waits' if number == 1 else 's wait'} for tokens"
        return f"{calls}; the next, of {tokens(first.tokens)}, can be paid for {when}."


def phase_of(run: DiscoveryRun) -> str:
    """Say what a discovery does now."""
    if not run.has_begun:
        return f"Waiting until {tokens(run.plan.tokens_max)} are there" if run.wait_seconds else "Reserving the tokens"
    if run.stage is None:
        return "Beginning"
    match run.stage.what:
        case "categories":
            return "Asking whether the category is there"
        case "candidates":
            return f"Asking for candidates: {run.plan.road.name}"
        case "details":
            return "Looking up details"


def share_of(run: DiscoveryRun) -> float:
    """Return how far it has come at least, from 0 to 1: by what was found, or by what was looked up."""
    if run.stage is None:
        return 0.0
    found = len(run.rows) / run.plan.criteria.max_results
    return round(min(1.0, max(found, run.stage.looked_up / max(1, run.plan.road.lookups_max))), 3)


def progress_words(run: DiscoveryRun) -> str:
    """Say what was found and spent so far."""
    stage = run.found or run.stage
    candidates, looked_up = (stage.candidates, stage.looked_up) if stage else (0, 0)
    return (
        f"{len(run.rows):,} of {run.plan.criteria.max_results:,} found  ·  {candidates:,} candidates, "
        f"{looked_up:,} looked up  ·  {tokens(run.tally.consumed)} spent of at most {run.plan.tokens_max:,}, "
        f"{run.tally.saved:,} saved by the archive"
    )
