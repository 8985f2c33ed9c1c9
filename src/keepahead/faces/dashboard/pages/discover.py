"""The page "Discover"."""

from nicegui import ui

from keepahead.faces.dashboard.frame import page
from keepahead.faces.dashboard.scene import Scene


@page("/discover")
def show(scene: Scene) -> None:
    """Build the page."""
    _ = scene
    ui.label("Discover").classes("kh-title").props("role=heading aria-level=1")
