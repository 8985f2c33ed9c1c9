"""The page "Spending"."""

from nicegui import ui

from keepahead.faces.dashboard.frame import page
from keepahead.faces.dashboard.scene import Scene


@page("/spending")
def show(scene: Scene) -> None:
    """Build the page."""
    _ = scene
    ui.label("Spending").classes("kh-title").props("role=heading aria-level=1")
