"""The page "Spending": who spends, on what, when, and how well that was foreseen."""

from keepahead.faces.dashboard.frame import page
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.dashboard.spending_view import SpendingView


@page("/spending")
async def show(scene: Scene) -> None:
    """Build the page."""
    await SpendingView(scene).build()
