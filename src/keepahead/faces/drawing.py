"""Draws charts: the only place that loads the drawing library, an extra of 30 MB."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from keepahead.work.analysis.chart import Picture, document

ENDINGS = (".png", ".svg")
_VEGA_LITE = "6.4"


def drawn(picture: Picture, ending: str) -> bytes:
    """Return the picture as a file with that ending. Takes up to a second. Raises ImportError without the extra."""
    import vl_convert  # noqa: PLC0415 - an extra, and 30 MB

    drawing: Mapping[str, Any] = MappingProxyType(
        {".png": vl_convert.vegalite_to_png, ".svg": vl_convert.vegalite_to_svg}
    )
    made = drawing[ending](document(picture), vl_version=_VEGA_LITE)
    return made.encode() if isinstance(made, str) else made
