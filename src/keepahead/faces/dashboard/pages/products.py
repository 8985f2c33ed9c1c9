"""The page "Products"."""

from nicegui import ui

from keepahead.faces.dashboard.frame import page
from keepahead.faces.dashboard.scene import Scene


@page("/products")
def show(scene: Scene) -> None:
    """Build the page."""
    _ = scene
    ui.label("Products").classes("kh-title").props("role=heading aria-level=1")
