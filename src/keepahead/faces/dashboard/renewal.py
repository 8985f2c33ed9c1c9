"""Looks for what is new on a page: soon after tokens are spent or an alert fires, else every twenty seconds."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio
import logging
from collections.abc import Awaitable, Callable

from nicegui import ui

from keepahead.errors import LedgerError
from keepahead.faces.dashboard.board import View
from keepahead.faces.dashboard.scene import Scene

LOOK_EVERY_SECONDS = 20.0
PAUSE_SECONDS = 0.5
"""So long after one look the next may begin: however much is spent, a page is drawn twice a second at most."""

Refresh = Callable[[], Awaitable[None]]

log = logging.getLogger("keepahead.gateway")


class Renewal:
    """Looks anew, one look at a time, until the page is closed; says where it stands if the ledger cannot be read."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._is_due = asyncio.Event()
        self._mark: tuple[object, ...] | None = None
        self._failure = ui.label().classes("kh-note kh-bad").props("role=alert")
        self._failure.set_visibility(False)

    async def begin(self, refresh: Refresh) -> None:
        """Draw the page for the first time, and from then on when there may be something new."""
        await self._look(refresh)
        ui.timer(LOOK_EVERY_SECONDS, self.soon)
        self._scene.follow(self._take)
        task = asyncio.create_task(self._run(refresh))
        self._scene.client.on_delete(task.cancel)

    def soon(self) -> None:
        """Look again, at once or after a pause: something is another now, or is about to be."""
        self._is_due.set()

    def _take(self, view: View) -> None:
        mark = view.last_seq, view.account.reservations, view.firing
        if mark != self._mark:
            self._mark = mark
            self.soon()

    async def _run(self, refresh: Refresh) -> None:
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            try:
                with self._scene.client:
                    await self._look(refresh)
            except Exception:  # the next look may go well
                log.exception("a page could not be drawn anew")
            await self._scene.house.gateway.clock.sleep_async(PAUSE_SECONDS)

    async def _look(self, refresh: Refresh) -> None:
        try:
            await refresh()
        except LedgerError as error:
            self._failure.set_text(f"The ledger cannot be read: {error}. What is shown is as it was last.")
            self._failure.set_visibility(True)
        else:
            self._failure.set_visibility(False)
