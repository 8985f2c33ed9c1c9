"""What was told of late, to whom, and how it went with it."""

from collections.abc import Sequence
from functools import partial

from keepahead.faces.alert_documents import DELIVERIES
from keepahead.faces.dashboard.alarm_rows import name_of, state_of_delivery
from keepahead.faces.dashboard.moments import moment
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.dashboard.section import Section, empty
from keepahead.faces.dashboard.table import Cell, Column, table
from keepahead.faces.dashboard.ticks import Ticks
from keepahead.store.outbox import Delivery

_COLUMNS = tuple(map(Column, ("Alert", "Said", "To", "Written", "State")))
_NONE = 'Nothing has been told yet. "Send a test" shows whether it would arrive.'


class DeliveriesSection:
    """Shows the last deliveries, the newest first."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._ticks = Ticks()
        words = f"The last {DELIVERIES}, the newest first. What fails is tried again for a day, later each time."
        self._section = Section[Sequence[Delivery]]("Deliveries", self._draw, words)

    def show(self, deliveries: Sequence[Delivery]) -> None:
        """Show them."""
        self._section.show(tuple(deliveries))
        self._ticks.tick(self._scene.now)

    def _draw(self, deliveries: Sequence[Delivery]) -> None:
        self._ticks.clear()
        if deliveries:
            table("The last deliveries", _COLUMNS, [self._row(delivery) for delivery in deliveries])
        else:
            empty(_NONE)

    def _row(self, delivery: Delivery) -> Sequence[Cell]:
        state = state_of_delivery(delivery)

        def draw_moment() -> None:
            self._ticks.draw(partial(moment, delivery.made_at), self._scene.now)

        def draw_state() -> None:
            self._ticks.draw(state.say, self._scene.now, f"kh-{state.mood}")

        name = name_of(delivery.rule, delivery.subject)
        alert = f"{name} is over" if delivery.is_over else name
        return alert, delivery.headline, delivery.channel, draw_moment, draw_state
