"""What whoever looks at a page may spend: whether a cost can be paid, when, and why not; and the errand that spends."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nicegui import background_tasks

from keepahead.budget.account import Account
from keepahead.budget.scope import Scope
from keepahead.budget.status import Status, status_of
from keepahead.errors import KeepaheadError
from keepahead.faces.dashboard.board import View
from keepahead.faces.dashboard.moments import away
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.gateway.gateway import ClientGoneError, Wish
from keepahead.faces.gateway.problems import Problem, problem_of
from keepahead.faces.gateway.routes.errand import Errand
from keepahead.faces.gateway.visitor import AccessDenied
from keepahead.faces.words import span, tokens
from keepahead.work.discovery.plan import seconds_until_paid

Failure = KeepaheadError | Problem | AccessDenied | ClientGoneError
FAILURES = (KeepaheadError, Problem, AccessDenied, ClientGoneError)
"""All that may come of an errand instead of what it was for."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a cost meets, in `words`. `wait_seconds` is when it can be paid if nobody else spends; None: never."""

    wait_seconds: float | None
    words: str


def standing(scene: Scene, account: Account) -> Status:
    """Return the account with the floor of the lane in which whoever looks spends."""
    return status_of(account, scene.house.gateway.lanes[scene.visitor.lane], scene.now)


def outlook(status: Status, tokens_max: int, now: datetime, *, tokens_likely: int | None = None) -> Outlook:
    """Return what a cost meets, and what it leaves."""
    if status.measured_at is None:
        return Outlook(0.0, "Nobody knows yet what is left: the first call asks for it, free.")
    if not tokens_max:
        return Outlook(0.0, "Nothing is sent, nothing is spent.")
    free = f"{tokens(status.free)} free, {status.floor:,} of them must stay"
    if tokens_max + status.floor > status.capacity:
        most = max(0, status.capacity - status.floor)
        return Outlook(None, f"{free}. No more than {tokens(most)} can ever be spent at once: ask for less.")
    seconds = seconds_until_paid(tokens_max, status, now)
    if seconds is None:
        return Outlook(None, f"{free}. No refill comes: it can never be paid for.")
    if seconds > 0:
        at = now + timedelta(seconds=seconds)
        return Outlook(seconds, f"{free}. All of it will be there in {span(seconds)}, at {at:%H:%M:%S} UTC.")
    likely = "" if tokens_likely is None else f"{status.free - tokens_likely:,} likely, "
    return Outlook(0.0, f"{tokens(status.free)} free; it leaves {likely}{status.free - tokens_max:,} at least.")


async def first_view(scene: Scene) -> View:
    """Return the account as it is now; where nothing is known of it yet, Keepa is asked meanwhile, free of charge.

    Raises LedgerError.
    """
    view = await scene.house.board.view()
    if view.account.meter is None:
        background_tasks.create(_ask_what_is_left(scene), name="what is left")
    return view


async def _ask_what_is_left(scene: Scene) -> None:
    with suppress(KeepaheadError):  # whoever spends asks again, and is told
        await scene.house.gateway.read(scene.request()).status()


def may_not_spend(scene: Scene) -> str | None:
    """Return why whoever looks may spend nothing; None if he may."""
    if scene.may(Scope.SPEND):
        return None
    return f"The key of {scene.visitor.name} may only read. Whoever runs the gateway can give it the scope spend."


async def errand_of(scene: Scene, wish: Wish, stop: asyncio.Event | None = None) -> Errand:
    """Return an errand for whoever looks, which ends when `stop` is set or the page is closed.

    Raises LedgerError and AccessDenied.
    """
    scene = replace(scene, visitor=await scene.visitor_now())
    return Errand(scene.request(stop), scene.house.gateway, wish)


def refusal_words(failure: Failure, now: datetime) -> str:
    """Say why something was not done, and when the tokens will be there."""
    match failure:
        case AccessDenied():
            return failure.reason
        case ClientGoneError():
            return "Stopped. What was sent by then is kept."
        case Problem():
            told = failure
        case _:
            told = problem_of(failure, now)
    words = f"{told.kind.title}: {told.detail}."
    if told.retry_seconds is None:
        return words
    at = now + timedelta(seconds=told.retry_seconds)
    return f"{words} Ask again {away(at, now)}, at {at:%H:%M:%S} UTC."
