"""One line in the log every minute: what is left, and how that is to be taken."""

import asyncio

import structlog

from keepahead.budget.status import status_of
from keepahead.faces.gateway.books import State
from keepahead.faces.gateway.gateway import Gateway
from keepahead.faces.gateway.health import Health
from keepahead.work.tasks import end

EVERY_SECONDS = 60.0

_TOLD = ("balance", "free", "reserved", "unknown", "waiting", "capacity", "refill_rate_per_minute", "floor")

log = structlog.get_logger("keepahead.gateway")


class Minutes:
    """Writes the line, the first one at once."""

    def __init__(self, gateway: Gateway, health: Health) -> None:
        self._gateway = gateway
        self._health = health
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End it."""
        await end(self._task)

    def tell(self) -> None:
        """Write one line."""
        account, state = self._gateway.pulse.account, self._health.state
        if account is None or account.meter is None:
            log.info("balance", state=state, balance=None)
            return
        status = status_of(account, self._gateway.lanes["live"], self._gateway.clock.now())
        write = log.info if state in {State.OK, State.LOW} else log.warning
        write("balance", state=state, **{name: getattr(status, name) for name in _TOLD})

    async def _run(self) -> None:
        while True:
            self.tell()
            await self._gateway.clock.sleep_async(EVERY_SECONDS)
