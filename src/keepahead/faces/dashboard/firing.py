"""What fires just now: at the top of the page, as it happens, with what to press."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Callable, Sequence
from datetime import datetime

from nicegui import ui

from keepahead.faces.dashboard.alarm_rows import mood_of, name_of
from keepahead.faces.dashboard.moments import moment
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.dashboard.section import act
from keepahead.faces.dashboard.ticks import Ticks
from keepahead.store.alarms import Alarm, AlarmKey

_ICONS = {"bad": "error", "warn": "warning"}


class Firing:
    """Shows the alarms that fire; `silence` is what the button of each does."""

    def __init__(self, scene: Scene, silence: Callable[[AlarmKey], None]) -> None:
        self._scene = scene
        self._silence = silence
        self._ticks = Ticks()
        self._shown: Sequence[Alarm] | None = None
        self._list = ui.element("div").classes("kh-page").props('role=status aria-label="What fires now"')

    def show(self, firing: Sequence[Alarm]) -> None:
        """Show them."""
        if firing != self._shown:
            self._shown = firing
            self._ticks.clear()
            self._list.clear()
            with self._list:
                for alarm in firing:
                    self._draw(alarm)
                if not firing:
                    ui.label("Nothing fires.").classes("kh-note kh-fine")
        self._ticks.tick(self._scene.now)

    def _draw(self, alarm: Alarm) -> None:
        mood = mood_of(alarm)
        with ui.element("div").classes(f"kh-note kh-alarm kh-edge-{mood}"):
            ui.icon(_ICONS[mood]).classes(f"kh-{mood}").props("aria-hidden=true size=1.6rem")
            with ui.element("div").classes("kh-alarm-words"):
                ui.label(alarm.headline).classes("kh-title")
                told = "" if alarm.is_told else "; nobody was told"

                def say(now: datetime) -> str:
                    name = name_of(alarm.rule, alarm.subject)
                    return f"{alarm.severity}: {name}, since {moment(alarm.began_at, now)}{told}"

                self._ticks.draw(say, self._scene.now, "kh-soft")
            label = f"Silence: {name_of(alarm.rule, alarm.subject)}"
            act(self._scene, "Silence", lambda: self._silence(alarm.key), label=label)
