"""Changes that people make on a page: only by those who may just now, in a thread, and with their name in the log."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import structlog

from keepahead.budget.scope import Scope
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.gateway.visitor import AccessDenied

R = TypeVar("R")

log = structlog.get_logger("keepahead.gateway")


async def change(scene: Scene, work: Callable[[], R]) -> R:
    """Do `work`, which changes the rules, for whoever looks at the page.

    A page stays open while its key is revoked or changed elsewhere, so the key is looked up again. Raises LedgerError
    and AccessDenied.
    """
    await _demand_admin(scene)
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


async def _demand_admin(scene: Scene) -> None:
    keyring = scene.house.keyring
    if keyring is None:
        return
    keys = await asyncio.to_thread(keyring.listed)
    key = next((key for key in keys if key.key_id == scene.visitor.key_id), None)
    if key is None:
        raise AccessDenied("the key that you logged in with has been revoked; log in with another")
    replace(scene.visitor, scope=key.scope).demand(Scope.ADMIN)
