"""The page "Now": what is left, what comes, what may be spent, who waits, what today has been like."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from nicegui import ui

from keepahead.errors import KeepaheadError
from keepahead.faces.dashboard.account_cards import RefillCard, SpendableCard, TodayCard, WaitingCard
from keepahead.faces.dashboard.board import View
from keepahead.faces.dashboard.frame import page, say_failed
from keepahead.faces.dashboard.gauge import Gauge, marks_of
from keepahead.faces.dashboard.headlines import Headlines
from keepahead.faces.dashboard.scene import Scene


@page("/")
async def show(scene: Scene) -> None:
    """Build the page."""
    view = await scene.house.board.view()
    headlines = Headlines()
    ui.label("Now").classes("kh-title kh-unseen").props("role=heading aria-level=1")
    empty, full = ui.element("div"), ui.element("div").classes("kh-page")
    cards: list[Cards] = []

    def show_view(new: View) -> None:
        headlines.show(new)
        is_known = new.account.meter is not None
        if is_known and not cards:
            with full:
                cards.append(Cards(scene, new))
        empty.set_visibility(not is_known)
        full.set_visibility(is_known)
        for each in cards:
            each.show(new)

    with empty:
        _first_steps(scene)
    show_view(view)
    scene.follow(show_view)


class Cards:
    """All that is shown once something is known."""

    def __init__(self, scene: Scene, view: View) -> None:
        self._marks = scene.house.books.marks
        with ui.element("div").classes("kh-now"):
            with ui.element("section").classes("kh-card kh-now-gauge").props('aria-label="Tokens left"'):
                self._gauge = Gauge(scene.palette)
                with ui.element("ul").classes("kh-marks"):
                    for mark in marks_of(self._marks, view.status.floor):
                        with ui.element("li"):
                            ui.label(f"{mark.name} {mark.tokens:,}").classes("kh-strong")
                            ui.label(mark.meaning).classes("kh-soft")
            self._parts = RefillCard(view), SpendableCard(view), TodayCard()
        self._waiting = WaitingCard()

    def show(self, view: View) -> None:
        """Show the account as it stands."""
        status = view.status
        self._gauge.show(
            balance=status.balance, capacity=status.capacity, floor=status.floor, state=view.state, marks=self._marks
        )
        for part in (*self._parts, self._waiting):
            part.show(view)


def _first_steps(scene: Scene) -> None:
    """Say what to do as long as no answer of Keepa's has said what is left."""
    base = str(scene.client.request.base_url).rstrip("/")
    with ui.element("section").classes("kh-card kh-steps").props('aria-label="First steps"'):
        ui.label("Nothing is known of the account yet").classes("kh-title").props("role=heading aria-level=2")
        ui.label("The first answer of Keepa says how many tokens are left. Any of these brings it:")
        with ui.element("ul"):
            for text, code in (
                ("at the command line, for nothing:", "keepahead status"),
                ("from a program that speaks to Keepa, with this as its address:", f"{base}/keepa"),
                ("from a program of your own, with the gateway key in the header X-API-Key:", f"{base}/api/v1/budget"),
            ):
                with ui.element("li"):
                    ui.label(text)
                    ui.label(code).classes("kh-code-line")

        async def ask() -> None:
            button.disable()
            try:
                await scene.house.gateway.read(scene.request()).status()
            except KeepaheadError as error:
                say_failed(f"Keepa did not say: {error}")
            finally:
                button.enable()

        button = (
            ui.button("Ask Keepa now, for nothing", color=None, on_click=ask).props("unelevated").classes("kh-main")
        )
