"""Changes that people make on a page: only by those who may just now, in a thread, and with their name in the log."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog

from keepahead.budget.scope import Scope
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.gateway.visitor import AccessDenied

R = TypeVar("R")

log = structlog.get_logger("keepahead.gateway")


async def change(scene: Scene, work: Callable[[], R]) -> R:
    """Do `work`, which changes the rules, for whoever looks at the page.

    Raises LedgerError and AccessDenied.
    """
    (await scene.visitor_now()).demand(Scope.ADMIN)
    return await asyncio.to_thread(work)


def note(scene: Scene, what: str, **facts: object) -> None:
    """Write into the log what was changed, and by whom."""
    log.info(what, by=scene.visitor.name, **facts)


def refusal(scene: Scene) -> str | None:
    """Return why whoever looks may change nothing; None if he may."""
    try:
        scene.visitor.demand(Scope.ADMIN)
    except AccessDenied as denied:
        return denied.reason
    return None
