"""The alerts of a gateway: who watches, who delivers, and what both keep in the ledger."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from keepahead.store.alarms import Alarms
from keepahead.store.outbox import Outbox
from keepahead.work.alerts.channels import Channels
from keepahead.work.alerts.courier import Courier
from keepahead.work.alerts.rule import Rule
from keepahead.work.alerts.watch import Watch

_SECONDS_TO_END = 5.0
"""What takes longer to deliver at the end is delivered by the next gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """Works beside the gateway; no call waits for it."""

    rules: Sequence[Rule]
    channels: Channels
    alarms: Alarms
    outbox: Outbox
    watch: Watch
    courier: Courier
    seconds_to_end: Callable[[], float]

    def start(self) -> None:
        """Begin."""
        self.watch.start()
        self.courier.start()

    async def stop(self) -> None:
        """End it, within the seconds that there still are."""
        await self.watch.stop()
        await self.courier.stop(min(self.seconds_to_end(), _SECONDS_TO_END))


async def alerting_of(request: Request) -> Alerting:
    """Return the alerts of the gateway that the request has come to."""
    return request.app.state.alerting


Alerts = Annotated[Alerting, Depends(alerting_of)]
