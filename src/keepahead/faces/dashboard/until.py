"""How long something is to hold: one of a few lengths of time, a moment, or, where that can be, without an end."""

from datetime import datetime, timedelta

from keepahead.faces.dashboard.fields import read_moment
from keepahead.faces.dashboard.form import Field, FieldError, Form, choice

SPANS = {
    "30 min": timedelta(minutes=30),
    "2 h": timedelta(hours=2),
    "1 day": timedelta(days=1),
}
_MOMENT = "Until a time"
_ENDLESS = "Until it is taken back"


class Until:
    """The fields of a form that ask for it; the one for a moment is seen only where a moment is wanted."""

    def __init__(self, form: Form, *, may_be_endless: bool = False) -> None:
        options = [*SPANS, _MOMENT, *([_ENDLESS] if may_be_endless else ())]
        with form.body:
            self._span = choice("How long", options, _ENDLESS if may_be_endless else options[0])
            self._moment = Field("Until (UTC)", str, kind="datetime-local")
        self._moment.box.set_visibility(False)
        self._span.on_value_change(lambda: self._moment.box.set_visibility(self._span.value == _MOMENT))

    def read(self, now: datetime) -> datetime | None:
        """Return the end; None: there is none. Raises FieldError."""
        match self._span.value:
            case str(name) if name in SPANS:
                return now + SPANS[name]
            case str(name) if name == _MOMENT:
                try:
                    return read_moment(self._moment.box.value or "", now)
                except ValueError as error:
                    raise FieldError(self._moment, str(error)) from None
            case _:
                return None
