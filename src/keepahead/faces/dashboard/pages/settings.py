"""The page "Settings": callers and their limits, freezes, keys; how this gateway is, and what it is set to."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from nicegui import ui

from keepahead.faces.dashboard.callers import CallersSection
from keepahead.faces.dashboard.change import refusal
from keepahead.faces.dashboard.frame import page
from keepahead.faces.dashboard.freezes import FreezesSection
from keepahead.faces.dashboard.health import HealthSection, SetSection
from keepahead.faces.dashboard.keys import KeysSection
from keepahead.faces.dashboard.renewal import Renewal
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.dashboard.section import card, empty

_OPEN = (
    "Nobody is asked for a key: whoever reaches this gateway may do everything. "
    "Start keepahead serve without --open to have keys."
)


@page("/settings")
async def show(scene: Scene) -> None:
    """Build the page."""
    ui.label("Settings").classes("kh-title").props("role=heading aria-level=1")
    if (why := refusal(scene)) is not None:
        ui.label(f"You can see this and change nothing: {why}").classes("kh-note kh-warn")
    renewal = Renewal(scene)
    callers, freezes = CallersSection(scene, renewal), FreezesSection(scene, renewal)
    keys = None if scene.house.keyring is None else KeysSection(scene, renewal, scene.house.keyring)
    if keys is None:
        drawn, _ = card("Keys")
        with drawn:
            empty(_OPEN)
    with ui.element("div").classes("kh-halves"):
        health, settings = HealthSection(scene), SetSection(scene)

    async def refresh() -> None:
        await health.refresh()
        settings.refresh()
        await callers.refresh()
        await freezes.refresh()
        if keys is not None:
            await keys.refresh()

    await renewal.begin(refresh)
