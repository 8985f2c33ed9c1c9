"""Whom the alerts are told to, what each hears of, and whether a test arrives there. No address is shown whole."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Mapping, Sequence
from functools import partial

from nicegui import ui

from keepahead.errors import LedgerError
from keepahead.faces.dashboard.change import change, note
from keepahead.faces.dashboard.frame import say_failed
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.dashboard.section import Section, act
from keepahead.faces.dashboard.table import Cell, Column, table
from keepahead.faces.gateway.visitor import AccessDenied
from keepahead.work.alerts.alert import Severity
from keepahead.work.alerts.channels import LOG, Channels
from keepahead.work.alerts.trial import Trial, try_out

_COLUMNS = tuple(map(Column, ("To", "Hears of", "Last test")))
_NOBODY = (
    "Only the log is told. KEEPAHEAD_ALERT_TO names who hears of what is critical, KEEPAHEAD_WARN_TO of warnings: "
    "mail addresses, and the URLs of chats and webhooks."
)
_FAILED, _TAKEN = "failed", "taken"
_HEARD = {Severity.CRITICAL: "critical", Severity.WARNING: "warnings"}


class ChannelsSection:
    """Shows the channels; a test is sent to all of them at once."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._channels = scene.house.alerting.channels
        self._section = Section[Mapping[str, str]]("Who is told", self._draw, "Set in the settings; read at the start.")
        with self._section.acts:
            self._button = act(scene, "Send a test", self._test)
        self._show("not yet")

    def _show(self, every: str) -> None:
        self._section.show({channel.name: every for channel in self._channels.every()})

    async def _test(self) -> None:
        """Send a test, and show how it went with each."""
        self._button.disable()
        self._show("sending …")
        now = self._scene.now
        try:
            tried = await change(self._scene, partial(try_out, self._channels.every(), now))
        except (AccessDenied, LedgerError) as error:
            self._show("not sent")
            say_failed(f"No test was sent: {error}")
        else:
            note(self._scene, "alerts tested", failed=[each.channel for each in tried if each.failure])
            self._section.show({each.channel: f"{_words(each)} ({now:%H:%M} UTC)" for each in tried})
        finally:
            self._button.enable()

    def _draw(self, tests: Mapping[str, str]) -> None:
        table("Who is told of alerts", _COLUMNS, [self._row(name, said) for name, said in tests.items()])
        if set(tests) == {LOG}:
            ui.label(_NOBODY).classes("kh-foot")

    def _row(self, name: str, said: str) -> Sequence[Cell]:
        mood = "bad" if said.startswith(_FAILED) else "good" if said.startswith(_TAKEN) else "soft"
        return name, heard(self._channels, name), lambda: ui.label(said).classes(f"kh-{mood}")


def heard(channels: Channels, name: str) -> str:
    """Return what a channel hears of: critical, warnings."""
    return ", ".join(what for severity, what in _HEARD.items() if name in channels.heard_by(severity)) or "nothing"


def _words(trial: Trial) -> str:
    return f"{_FAILED}: {trial.failure}" if trial.failure else _TAKEN
