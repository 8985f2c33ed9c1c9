"""What an alert looks like to whoever gets it: one subject, and the same words as plain text and as HTML. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from html import escape

from keepahead.work.alerts.alert import Alert, Balance, Picture, Severity, Spender

TEST = "test"
"""The rule of an alert that somebody sends to see whether it arrives."""

_LATE = timedelta(minutes=2)
_LONGEST_SUBJECT = 150
_TREND_ROWS = 8
_MOST_SPENDERS = 5
_BAR_WIDTH = 24
_COLOURS = {Severity.WARNING: "#8a5a00", Severity.CRITICAL: "#b00020"}
_OVER_COLOUR = "#1b6e3c"
_BODY = "font:15px/1.45 system-ui,Segoe UI,Helvetica,Arial,sans-serif;max-width:38em;margin:0;padding:12px"
_TITLE = "font-size:13px;letter-spacing:.04em;text-transform:uppercase;margin:0"
_FIXED = "font:13px/1.5 ui-monospace,Menlo,Consolas,monospace;margin:4px 0 0;white-space:pre-wrap"
_BAR = re.compile("█+")
_OPTION = re.compile(r"--[a-z][a-z-]*")


@dataclass(frozen=True, slots=True)
class Message:
    """An alert in words. `html` is a whole document: it loads nothing from elsewhere, and has no markup but ours."""

    subject: str
    text: str
    html: str


class _Shape(Enum):
    """How the lines of a part stand: as sentences, as columns, as a list."""

    SENTENCES = auto()
    COLUMNS = auto()
    LIST = auto()


@dataclass(frozen=True, slots=True)
class _Part:
    title: str
    lines: Sequence[str]
    shape: _Shape = _Shape.SENTENCES


def message_of(alert: Alert, now: datetime) -> Message:
    """Put an alert into words, as they are true at `now`: it may have waited for a mail server."""
    parts = [part for part in _parts(alert, now) if part.lines]
    title = _title(alert)
    subject = f"[keepahead] {title}"
    if len(subject) > _LONGEST_SUBJECT:
        subject = f"{subject[: _LONGEST_SUBJECT - 1]}…"
    return Message(subject, _text(title, parts), _html(title, parts, _colour(alert)))


def _title(alert: Alert) -> str:
    label = "over" if alert.is_over else TEST if alert.rule == TEST else alert.severity.value
    headline = "".join(sign for sign in " ".join(alert.headline.split()) if sign.isprintable())
    return f"{label}: {headline}"  # what an upstream said may be in it, and no mail server takes a NUL in a subject


def _colour(alert: Alert) -> str:
    return _OVER_COLOUR if alert.is_over else _COLOURS[alert.severity]


def _parts(alert: Alert, now: datetime) -> Iterator[_Part]:
    picture = alert.picture
    yield _Part("", list(_when(alert, now)))
    if alert.rule != TEST:
        yield _Part(f"At {_clock(alert.at, now)}", _columns(_figures(picture, now)), _Shape.COLUMNS)
    yield _Part("Balance in the hour before", _columns(_bars(picture.trend)), _Shape.COLUMNS)
    spenders = _columns(map(_spent, picture.spenders[:_MOST_SPENDERS]))
    yield _Part("Who spent most in that hour", spenders, _Shape.COLUMNS)
    yield _Part("What to do", alert.advice, _Shape.LIST)
    if not alert.is_over and alert.rule != TEST:
        yield _Part("", (f"To hear nothing of this for a while: keepahead alerts silence {alert.rule} --for 2h",))


def _when(alert: Alert, now: datetime) -> Iterator[str]:
    if alert.is_over:
        lasted = _span(alert.at - alert.began_at)
        yield f"It began at {_clock(alert.began_at, now)} and ended at {_clock(alert.at, now)}, after {lasted}."
    elif alert.rule != TEST:
        yield f"Since {_moment(alert.began_at, now)}."
    if now - alert.at >= _LATE:
        yield f"This message is late: it was written at {_moment(alert.at, now)}, and could not be sent before."


def _figures(picture: Picture, now: datetime) -> Iterator[tuple[str, str]]:
    if picture.balance is None:
        yield "Balance", "nobody has seen it yet"
        return
    yield "Balance", f"{picture.balance:,} of {picture.capacity:,} tokens"
    if picture.free is not None:
        yield "Free", f"{picture.free:,}, and the floor is {picture.floor:,}"
    refill = f"{picture.refill_rate_per_minute:,} a minute"
    if picture.next_refill_at is not None:
        refill += f", next at {_moment(picture.next_refill_at, now)}"
    yield "Refill", refill
    yield "Pace", f"{picture.pace_per_minute:,.1f} tokens a minute are spent"
    if picture.floor_at is not None:
        yield "Floor", f"reached at {_moment(picture.floor_at, now)} at this pace"
    if picture.full_at is not None:
        yield "Full", f"at {_moment(picture.full_at, now)} if nothing more is spent"
    if picture.waiting:
        yield "Waiting", f"{picture.waiting:,} call{'' if picture.waiting == 1 else 's'}"


def _bars(trend: Sequence[Balance]) -> Iterator[tuple[str, str, str]]:
    """Show a few moments of the trend, the first and the last among them."""
    if len(trend) < 2:
        return
    rows = min(_TREND_ROWS, len(trend))
    shown = [trend[index * (len(trend) - 1) // (rows - 1)] for index in range(rows)]
    most = max(1, *(each.tokens for each in shown))
    for each in shown:
        width = 0 if each.tokens <= 0 else max(1, round(_BAR_WIDTH * each.tokens / most))
        yield f"{each.at.astimezone(UTC):%H:%M}", f"{each.tokens:>7,}", "█" * width


def _spent(spender: Spender) -> tuple[str, str, str]:
    return (
        spender.caller or "(somebody else)",
        f"{spender.tokens:>7,}",
        f"most on {spender.endpoint}" if spender.endpoint else "",
    )


def _columns(rows: Iterator[tuple[str, ...]]) -> Sequence[str]:
    every = list(rows)
    width = max((len(row[0]) for row in every), default=0)
    return ["  ".join((f"{row[0]:{width}}", *row[1:])).rstrip() for row in every]


def _text(title: str, parts: Sequence[_Part]) -> str:
    blocks = [title]
    for part in parts:
        marked = [f"- {line}" for line in part.lines] if part.shape is _Shape.LIST else part.lines
        blocks.append("\n".join((*filter(None, (part.title,)), *marked)))
    return "\n\n".join(blocks) + "\n"


def _html(title: str, parts: Sequence[_Part], colour: str) -> str:
    """Build the document. A line break between its blocks is an empty line wherever it is turned into text."""
    style = f"border-left:5px solid {colour};padding-left:10px;margin:0;font-size:18px"
    first = f'<p style="{style}"><b>{_safe(title)}</b></p>'
    blocks = "<br>\n".join((first, *(_block(part, colour) for part in parts)))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="color-scheme" content="light dark"></head>\n'
        f'<body style="{_BODY}">\n{blocks}\n</body></html>\n'
    )


def _block(part: _Part, colour: str) -> str:
    head = f'<p style="{_TITLE}"><b>{_safe(part.title)}</b></p>\n' if part.title else ""
    match part.shape:
        case _Shape.SENTENCES:
            return head + "\n".join(f'<p style="margin:0">{_safe(line)}</p>' for line in part.lines)
        case _Shape.COLUMNS:
            columns = _BAR.sub(rf'<span style="color:{colour}">\g<0></span>', _safe("\n".join(part.lines)))
            return f'{head}<pre style="{_FIXED}">{columns}</pre>'
        case _Shape.LIST:
            items = "".join(f"<li>{_safe(line)}</li>" for line in part.lines)
            return f'{head}<ul style="margin:4px 0 0;padding-left:1.3em">{items}</ul>'


def _safe(words: str) -> str:
    """Escape all markup, and keep the options of commands in one piece where lines are broken."""
    return _OPTION.sub(r'<span style="white-space:nowrap">\g<0></span>', escape(words, quote=True))


def _clock(at: datetime, now: datetime) -> str:
    """Write a moment: its day too, unless it is that of `now`."""
    at, now = at.astimezone(UTC), now.astimezone(UTC)
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M} UTC"


def _moment(at: datetime, now: datetime) -> str:
    """Write a moment, and how far it is from `now`."""
    away = at - now
    told = f"in {_span(away)}" if away > timedelta() else f"{_span(-away)} ago"
    return f"{_clock(at, now)} ({'now' if abs(away) < timedelta(seconds=1) else told})"


def _span(length: timedelta) -> str:
    seconds = max(0, round(length.total_seconds()))
    if seconds < 100:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{round(hours / 24)} days"
