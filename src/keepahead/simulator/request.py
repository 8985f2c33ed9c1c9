"""One request as Keepa reads it: parameters by their exact names, anything unknown ignored, and how it refuses.

A refusal is an exception here because every endpoint may stop anywhere while reading; it never costs tokens.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

DOMAINS = frozenset({1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12})
DOMAINS_WITH_LISTS = DOMAINS - {12}
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}\Z")


class RejectedError(Exception):
    """Keepa refuses: 400 malformed or forbidden, 405 outside the allowed range, 200 an error inside an answer."""

    def __init__(
        self,
        message: str = "You used an invalid parameter for this API call.",
        *,
        status: int = 400,
        kind: str = "invalidParameter",
        details: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"type": kind, "message": message, "details": details}


@dataclass(frozen=True, slots=True)
class Params:
    """The query string and body of one request."""

    query: Mapping[str, str]
    body: bytes = b""

    def text(self, name: str) -> str:
        """Return a parameter that must be there and not empty."""
        value = self.query.get(name, "").strip()
        if not value:
            raise RejectedError(f"Parameter {name} is missing.")
        return value

    def integer(
        self, name: str, default: int | None = None, *, least: int | None = None, most: int | None = None
    ) -> int:
        """Return a whole number; 400 when it is missing or no number, 405 outside [least, most]."""
        raw = self.query.get(name, "").strip()
        if not raw:
            if default is None:
                raise RejectedError(f"Parameter {name} is missing.")
            return default
        if not _INTEGER.match(raw):
            raise RejectedError(f"Parameter {name} is not a number.")
        value = int(raw)
        if (least is not None and value < least) or (most is not None and value > most):
            raise RejectedError(f"Parameter {name} is outside its range.", status=405)
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a 0/1 parameter."""
        return self.integer(name, int(default), least=0, most=1) == 1

    def domain(self, allowed: frozenset[int] = DOMAINS) -> int:
        """Return the domain; 405 when Keepa does not serve it here."""
        value = self.integer("domain")
        if value not in allowed:
            raise RejectedError("Parameter domain is outside its range.", status=405)
        return value

    def items(self, name: str, most: int) -> list[str]:
        """Return a comma list of 1..most entries, duplicates removed, order kept."""
        entries = [entry.strip() for entry in self.text(name).split(",")]
        if len(entries) > most:
            raise RejectedError(f"Parameter {name} holds more than {most} entries.", status=405)
        if not all(entries):
            raise RejectedError(f"Parameter {name} holds an empty entry.")
        return list(dict.fromkeys(entries))

    def json(self, name: str) -> Any:
        """Return the JSON of the body, or of a query parameter when there is no body."""
        raw: bytes = self.body or self.query.get(name, "").encode()
        if not raw.strip():
            raise RejectedError(f"Parameter {name} is missing.")
        try:
            return msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise RejectedError(f"Parameter {name} is not valid JSON.") from None

    def json_object(self, name: str) -> dict[str, Any]:
        """Return the JSON object of the body, or of a query parameter when there is no body."""
        value = self.json(name)
        if not isinstance(value, dict):
            raise RejectedError(f"Parameter {name} is not a JSON object.")
        return cast("dict[str, Any]", value)


def _nothing() -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an executed request costs, and how its payload is made (later, outside the lock).

    `image` replaces the whole JSON answer.
    """

    tokens: int
    render: Callable[[], dict[str, Any]] = field(default=_nothing)
    error: dict[str, str] | None = None
    image: Callable[[], bytes] | None = None
