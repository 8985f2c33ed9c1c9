"""Moments and lengths of time as the pages say them: in UTC, and how far from now."""

from datetime import UTC, datetime

from keepahead.faces.words import span


def moment(at: datetime | None, now: datetime, *, never: str = "never") -> str:
    """Return 2026-11-22 20:00 UTC (in 3 min), or (5 min ago)."""
    return never if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC ({away(at, now)})"


def away(at: datetime, now: datetime) -> str:
    """Return in 3 min, 5 min ago, or just now."""
    seconds = (at - now).total_seconds()
    if abs(seconds) < 1:
        return "just now"
    return f"in {span(seconds)}" if seconds > 0 else f"{span(-seconds)} ago"
