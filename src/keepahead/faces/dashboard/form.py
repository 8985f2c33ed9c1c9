"""A form in a dialog: what is wrong is said at its field, and nothing that was written is lost."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from nicegui import ui

from keepahead.errors import LedgerError
from keepahead.faces.dashboard.frame import say_done, say_failed
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.gateway.visitor import AccessDenied

T = TypeVar("T")

CarryOut = Callable[[], Awaitable[str]]
"""Does what a form is for, and returns what to say when it is done."""


class FieldError(Exception):
    """What stands in a field cannot be used, as the rest of the house sees it."""

    def __init__(self, field: "Field[Any]", why: str) -> None:
        super().__init__(why)
        self.field = field
        self.why = why


class Field(Generic[T]):
    """A line to write in. `read` makes of its text what is meant, or raises a ValueError that says how to write it."""

    def __init__(
        self, label: str, read: Callable[[str], T], *, text: str = "", hint: str = "", kind: str = "text"
    ) -> None:
        self._read = read
        self.box = ui.input(label, value=text).props(f"outlined dense stack-label type={kind}").classes("kh-form-field")
        self.box.without_auto_validation()  # which sends back what is written, over what is being written meanwhile
        self.box.props["error"] = False  # keeps the room in which what is wrong will be said
        if hint:
            self.box.props["hint"] = hint

    def read(self) -> T | None:
        """Return what is meant; None, and say why at the field, if it cannot be used."""
        self.refuse(None)
        try:
            return self._read(self.box.value or "")
        except ValueError as error:
            self.refuse(str(error))
            return None

    @property
    def is_wrong(self) -> bool:
        """Whether something was found wrong with it."""
        return self.box.error is not None

    def refuse(self, why: str | None) -> None:
        """Say at the field what is wrong; None takes it back."""
        self.box.error = why
        self.box.props["error"] = why is not None


def choice(label: str, options: Mapping[Any, str] | Sequence[str], value: Any, *, several: bool = False) -> ui.select:
    """Draw a field with a list to choose from."""
    listed = dict(options) if isinstance(options, Mapping) else list(options)
    drawn = ui.select(listed, label=label, value=value, multiple=several)
    return drawn.props("outlined dense stack-label options-dense").classes("kh-form-field")


class Form:
    """A dialog that asks for something; `does` is what its button says."""

    def __init__(self, scene: Scene, title: str, does: str, *, words: str = "", grave: bool = False) -> None:
        self._scene = scene
        with scene.client:  # and not in the row whose button asks: that may be drawn anew meanwhile
            self._dialog = ui.dialog()
        self._dialog.props["aria-label"] = title
        self._dialog.on("hide", self._dialog.delete)
        with self._dialog, ui.card().classes("kh-form"), ui.element("form") as form:
            ui.label(title).classes("kh-title").props("role=heading aria-level=2")
            if words:
                ui.label(words).classes("kh-soft")
            self.body = ui.element("div").classes("kh-form-fields")
            with ui.element("div").classes("kh-does kh-does-end"):
                ui.button("Cancel", on_click=self._dialog.close, color=None).props("flat no-caps type=button")
                self._button = ui.button(does, color=None).props("unelevated no-caps type=submit")
                self._button.classes("kh-go kh-grave" if grave else "kh-go")
        form.on("submit.prevent", self._submit)
        self._fields: list[Field[Any]] = []
        self._carry_out: CarryOut | None = None

    def field(self, label: str, read: Callable[[str], T], **options: str) -> Field[T]:
        """Add a line to write in."""
        with self.body:
            made = Field(label, read, **options)
        self._fields.append(made)
        return made

    def open(self, carry_out: CarryOut) -> None:
        """Show it. What `carry_out` raises of FieldError, LedgerError and AccessDenied leaves it open as it is."""
        self._carry_out = carry_out
        self._dialog.open()

    async def _submit(self) -> None:
        if self._carry_out is None or not self._button.enabled:
            return
        self._button.disable()
        try:
            for each in self._fields:
                each.read()
            if any(each.is_wrong for each in self._fields):
                return
            told = await self._carry_out()
        except FieldError as error:
            error.field.refuse(error.why)
        except AccessDenied as denied:
            self._say(say_failed, denied.reason)
        except LedgerError as error:
            self._say(say_failed, f"Not done: {error}")
        else:
            self._dialog.close()
            self._say(say_done, told)
        finally:
            self._button.enable()

    def _say(self, say: Callable[[str], None], text: str) -> None:
        with self._scene.client:
            say(text)
