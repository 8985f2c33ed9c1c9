"""Keepa's JSON requests as canonical text: immutable, hashable, the same for the same content.

Text from outside is never trusted: NaN, huge numbers, lone surrogates and deep nesting are refused here.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, cast

from keepahead.errors import InvalidCallError
from keepahead.keepa.parameters import LONG_MAX, Kind, is_encodable

_DEPTH_MAX = 16  # Keepa's own objects nest three deep


class JsonText(Kind[Mapping[str, Any] | str, str]):
    """One JSON object, kept as canonical text. A text is decoded first."""

    def check(self, value: Mapping[str, Any] | str) -> str:
        """Return the canonical text of the object."""
        decoded = self.decode(value) if isinstance(value, str) else value
        if not isinstance(cast("object", decoded), Mapping):
            raise self.invalid("must be a JSON object", cast("object", decoded))
        return self.encode(decoded)

    def read(self, raw: object) -> Mapping[str, Any] | str:
        """Read a JSON text, or take what is already decoded."""
        value = self.decode(raw) if isinstance(raw, bytes) and raw.strip() else raw
        if isinstance(value, str | bytes) and not value.strip():
            raise self.missing("it as JSON")
        return cast("Mapping[str, Any] | str", value)

    def decode(self, text: str | bytes) -> Any:
        """Return what the JSON `text` holds. Raises `InvalidCallError`."""
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            message = f"{self.name} is not JSON that can be read."
            raise InvalidCallError(self.invalid_code, message, parameter=self.name) from None

    def encode(self, value: object) -> str:
        """Return the canonical text of decoded JSON: sorted keys, no blanks. Raises `InvalidCallError`."""
        plain = self._plain(value, 0)
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def _plain(self, value: object, depth: int) -> object:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int) and -LONG_MAX <= value <= LONG_MAX:
            return int(value)
        if isinstance(value, float) and math.isfinite(value):
            return float(value)
        if isinstance(value, str) and is_encodable(value):
            return str(value)
        if depth < _DEPTH_MAX and isinstance(value, list | tuple):
            return [self._plain(item, depth + 1) for item in cast("list[object]", value)]
        if depth < _DEPTH_MAX and isinstance(value, Mapping):
            mapping = cast("Mapping[object, object]", value)
            if all(isinstance(key, str) and is_encodable(key) for key in mapping):
                return {str(key): self._plain(item, depth + 1) for key, item in mapping.items()}
        raise self.invalid(
            "must be plain JSON: texts, finite numbers, true, false, null, lists and objects", cast("object", value)
        )
