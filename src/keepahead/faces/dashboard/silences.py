"""Silences: what nobody is told of for some time; made, and ended."""

from collections.abc import Sequence
from functools import partial

from keepahead.faces.dashboard.alarm_rows import silenced
from keepahead.faces.dashboard.change import change, note
from keepahead.faces.dashboard.fields import read_words
from keepahead.faces.dashboard.form import Form, choice
from keepahead.faces.dashboard.moments import moment
from keepahead.faces.dashboard.renewal import Renewal
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.dashboard.section import Section, act, empty
from keepahead.faces.dashboard.table import Cell, Column, table
from keepahead.faces.dashboard.ticks import Ticks
from keepahead.faces.dashboard.until import Until
from keepahead.store.alarms import AlarmKey, Silence

_COLUMNS = tuple(map(Column, ("Silent", "Until", "Why", "Made", "")))
_NONE = "Nothing is silenced. A silenced rule is watched and shown here all the same: nobody is told that it fires."
_EVERY = "every rule"
_LONGEST_WORDS = 500
_LONGEST_SUBJECT = 200


class SilencesSection:
    """Shows the silences in force."""

    def __init__(self, scene: Scene, renewal: Renewal) -> None:
        self._scene = scene
        self._renewal = renewal
        self._alarms = scene.house.alerting.alarms
        self._ticks = Ticks()
        self._section = Section[Sequence[Silence]]("Silences", self._draw, "What nobody is told of for some time.")
        with self._section.acts:
            act(scene, "Silence alerts", partial(ask_to_silence, scene, renewal, None))

    def show(self, silences: Sequence[Silence]) -> None:
        """Show them."""
        self._section.show(tuple(silences))
        self._ticks.tick(self._scene.now)

    def _draw(self, silences: Sequence[Silence]) -> None:
        self._ticks.clear()
        if silences:
            table("Silences in force", _COLUMNS, [self._row(silence) for silence in silences])
        else:
            empty(_NONE)

    def _row(self, silence: Silence) -> Sequence[Cell]:
        def draw_end() -> None:
            self._ticks.draw(partial(moment, silence.until), self._scene.now)

        def draw_act() -> None:
            label = f"End: silence of {silenced(silence)}"
            act(self._scene, "End", lambda: self._ask_to_end(silence), label=label)

        return silenced(silence), draw_end, silence.words, f"{silence.made_at:%Y-%m-%d %H:%M} UTC", draw_act

    def _ask_to_end(self, silence: Silence) -> None:
        words = f"People are told of {silenced(silence)} again: of what fires now, too."
        form = Form(self._scene, "End this silence?", "End it", words=words)

        async def carry_out() -> str:
            if await change(self._scene, partial(self._alarms.unsilence, silence.silence_id)):
                note(self._scene, "silence ended", silence=silence.silence_id)
            self._renewal.soon()
            return f"People are told of {silenced(silence)} again"

        form.open(carry_out)


def ask_to_silence(scene: Scene, renewal: Renewal, key: AlarmKey | None) -> None:
    """Ask of what nobody is to be told, and how long; a key says of what."""
    words = "It is watched and shown all the same. What is over is told to whoever was told that it fires."
    form = Form(scene, "Silence alerts", "Silence", words=words)
    with form.body:
        names = [_EVERY, *(rule.name for rule in scene.house.alerting.rules)]
        rule = choice("Rule", names, key.rule if key else _EVERY)
    subject = form.field(
        "Only for",
        lambda text: read_words(text, _LONGEST_SUBJECT),
        text=key.subject if key else "",
        hint="such as a caller; empty: whatever the rule fires for",
    )
    until = Until(form)
    why = form.field("Why", lambda text: read_words(text, _LONGEST_WORDS), hint="for the others")

    async def carry_out() -> str:
        now = scene.now
        wanted = {
            "rule": None if rule.value == _EVERY else rule.value,
            "subject": subject.read() or None,
            "words": why.read() or "",
            "until": until.read(now) or now,
        }
        made = await change(scene, partial(scene.house.alerting.alarms.silence, **wanted, now=now))
        note(scene, "alerts silenced", silence=made.silence_id, rule=made.rule, subject=made.subject)
        renewal.soon()
        return f"Nobody is told of {silenced(made)} until {moment(made.until, now)}"

    form.open(carry_out)
