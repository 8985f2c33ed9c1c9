"""The page "Ledger": who spent what, when and why."""

from keepahead.faces.dashboard.frame import page
from keepahead.faces.dashboard.ledger_view import LedgerView
from keepahead.faces.dashboard.scene import Scene


@page("/ledger")
async def show(scene: Scene) -> None:
    """Build the page."""
    await LedgerView(scene).build()
