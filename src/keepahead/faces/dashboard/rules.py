"""The rules of the alerts: how each stands, what it fires at, how often and whom it tells."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from nicegui import ui

from keepahead.faces.alert_documents import Standing
from keepahead.faces.dashboard.alarm_rows import state_of_rule
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.dashboard.section import Section, act
from keepahead.faces.dashboard.table import Cell, Column, table
from keepahead.faces.dashboard.ticks import Ticks
from keepahead.faces.rule_words import fires_at
from keepahead.faces.words import span
from keepahead.store.alarms import AlarmKey
from keepahead.work.alerts.rule import Rule

_COLUMNS = tuple(map(Column, ("Rule", "State", "Fires when", "Tells", "At most every", "")))


class RulesSection:
    """Shows the rules; `silence` is what the button of each does."""

    def __init__(self, scene: Scene, silence: Callable[[AlarmKey], None]) -> None:
        self._scene = scene
        self._silence = silence
        self._ticks = Ticks()
        words = "Set in keepahead.toml, [alerts.NAME], or KEEPAHEAD_ALERTS; the next start takes it."
        self._section = Section[Standing]("Rules", self._draw, words)

    def show(self, standing: Standing) -> None:
        """Show how they stand."""
        self._section.show(replace(standing, deliveries=(), waiting=0))
        self._ticks.tick(self._scene.now)

    def _draw(self, standing: Standing) -> None:
        self._ticks.clear()
        table("Rules of the alerts", _COLUMNS, [self._row(rule, standing) for rule in standing.rules])

    def _row(self, rule: Rule, standing: Standing) -> Sequence[Cell]:
        state = state_of_rule(rule, standing)

        def draw_name() -> None:
            ui.label(rule.name)
            ui.label(rule.severity.value).classes("kh-under")

        def draw_state() -> None:
            self._ticks.draw(state.say, self._scene.now, f"kh-{state.mood}")

        def draw_act() -> None:
            act(self._scene, "Silence", lambda: self._silence(AlarmKey(rule.name)), label=f"Silence: {rule.name}")

        told = ", ".join(self._scene.house.alerting.channels.heard_by(rule.to)) or "nobody"
        again = span(rule.cool_down.total_seconds())
        return draw_name, draw_state, fires_at(rule), told, again, draw_act
