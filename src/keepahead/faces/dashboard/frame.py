"""What is around each page: the bar with the way to the others, the theme, who is logged in; and how a page is made."""

import inspect
from collections.abc import Awaitable, Callable

from nicegui import Client, ui
from starlette.requests import Request

from keepahead.errors import LedgerError
from keepahead.faces.dashboard.board import View
from keepahead.faces.dashboard.login import THEME_COOKIE
from keepahead.faces.dashboard.look import DARK, FIRST_SCRIPT, LIGHT, OUTAGE_SCRIPT, style_of
from keepahead.faces.dashboard.scene import Scene, house_of_pages
from keepahead.faces.gateway.visit import visit_of
from keepahead.faces.gateway.visitor import NoKeyError

TITLES = {
    "/": "Now",
    "/balance": "Balance",
    "/spending": "Spending",
    "/ledger": "Ledger",
    "/products": "Products",
    "/discover": "Discover",
    "/alerts": "Alerts",
    "/settings": "Settings",
}

SHEETS = {
    "/": "now",
    "/balance": "now",
    "/spending": "ledger",
    "/ledger": "ledger",
    "/products": "products",
    "/discover": "products",
    "/alerts": "settings",
    "/settings": "settings",
}
"""Which style sheet is whose."""

Build = Callable[[Scene], Awaitable[None] | None]

_SWITCH = f"""() => {{
  const theme = document.body.classList.contains("body--dark") ? "light" : "dark";
  document.cookie = "{THEME_COOKIE}=" + theme + "; path=/; max-age=31536000; samesite=lax";
  location.reload();
}}"""


_SHOW_WHERE = """
  const here = document.querySelector(".kh-nav [aria-current]");
  if (here) here.parentElement.scrollLeft = here.offsetLeft - (here.parentElement.clientWidth - here.clientWidth) / 2;
"""
"""On a phone the bar is wider than the screen. Not scrollIntoView: from there on Tab would begin."""


def page(path: str) -> Callable[[Build], Build]:
    """Make a function the builder of the page at `path`, one of TITLES or below one, within the frame."""
    root = "/" + path.split("/")[1]
    style = style_of(SHEETS[root])

    def register(build: Build) -> Build:
        @ui.page(path, title=f"{TITLES[root]} · keepahead", language="en-US", response_timeout=20)
        async def show(request: Request, client: Client) -> None:
            scene = _scene(request, client)
            ui.dark_mode(scene.is_dark)
            ui.add_head_html(f"<style>{style}</style><script>{FIRST_SCRIPT}{OUTAGE_SCRIPT}</script>")
            count = _bar(scene, root)
            ui.run_javascript(_SHOW_WHERE)
            with ui.element("div").props('id="page" tabindex="-1"').classes("kh-page"):
                try:
                    await _count_alerts(scene, count)
                    made = build(scene)
                    if inspect.isawaitable(made):
                        await made
                except LedgerError as error:
                    ui.label(f"The ledger cannot be read: {error}").classes("kh-note kh-bad").props("role=alert")

        _ = show
        return build

    return register


def _scene(request: Request, client: Client) -> Scene:
    visitor = visit_of(request).visitor
    if visitor is None:
        raise NoKeyError
    is_dark = request.cookies.get(THEME_COOKIE) == "dark"
    return Scene(
        house=house_of_pages(), client=client, visitor=visitor, palette=DARK if is_dark else LIGHT, is_dark=is_dark
    )


def _bar(scene: Scene, root: str) -> ui.label:
    """Draw the bar; return where the number of alerts that fire is shown."""
    count = ui.label().classes("kh-count")
    with ui.header().classes("kh-bar").props("role=banner"):
        ui.link("Skip to the page", "#page").classes("kh-skip")
        ui.link("keepahead", "/").classes("kh-brand")
        with ui.element("nav").classes("kh-nav").props('aria-label="Pages"'):
            for path, title in TITLES.items():
                link = ui.link(title, path)
                if path == root:
                    link.props('aria-current="page"')
                if path == "/alerts":
                    count.move(link)
        label = "Switch to the light theme" if scene.is_dark else "Switch to the dark theme"
        icon = "light_mode" if scene.is_dark else "dark_mode"
        ui.button(icon=icon).props(f'flat round dense aria-label="{label}" color=none').on("click", js_handler=_SWITCH)
        with ui.element("form").props('method="post" action="/logout"'):
            out = ui.button(icon="logout").props('flat round dense type=submit aria-label="Log out" color=none')
            out.set_visibility(scene.house.keyring is not None)
    return count


async def _count_alerts(scene: Scene, count: ui.label) -> None:
    """Show how many alerts fire, on every page, as long as any does."""

    def show(view: View) -> None:
        number = len(view.firing)
        count.set_text(f"{number} firing" if number else "")
        count.set_visibility(bool(number))

    scene.follow(show)
    try:
        show(await scene.house.board.view())
    except LedgerError:
        count.set_visibility(False)  # the page itself says so


def say_done(text: str) -> None:
    """Say in passing that something was done."""
    ui.notify(text, type="positive", position="top")


def say_failed(text: str) -> None:
    """Say that something was not done, and why; it stays until it is closed."""
    ui.notify(text, type="negative", position="top", timeout=0, close_button="Close", multi_line=True)
