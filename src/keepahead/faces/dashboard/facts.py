"""Facts in two columns, a name and what it is: what is set, and how this gateway is."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Mapping
from types import MappingProxyType

from nicegui import ui


class Facts:
    """Draws facts, and changes in place what has changed of them. `names` are those of the settings, by fact."""

    def __init__(self, names: Mapping[str, str] = MappingProxyType({})) -> None:
        self._names = names
        self._list = ui.element("dl").classes("kh-fact-list")
        self._labels: dict[str, ui.label] = {}

    def show(self, facts: Mapping[str, str], wrong: frozenset[str] = frozenset()) -> None:
        """Show them; what is `wrong` is coloured. The facts have the same names each time."""
        for name, text in facts.items():
            if name not in self._labels:
                with self._list:
                    with ui.element("dt"):
                        ui.label(name)
                    with ui.element("dd"):
                        self._labels[name] = ui.label()
                        if name in self._names:
                            ui.label(self._names[name]).classes("kh-setting")
            label = self._labels[name]
            label.set_text(text)
            label.classes(replace="kh-numbers kh-bad" if name in wrong else "kh-numbers")
