"""GET /graphimage: a chart of a product's prices as a real PNG, without an envelope."""

import struct
import zlib

from keepahead.simulator.catalogue.listing import Listing
from keepahead.simulator.catalogue.statistics import track
from keepahead.simulator.endpoints.moment import Execute, Moment
from keepahead.simulator.request import Outcome, Params, RejectedError

_NINETY_MINUTES = 90 * 60_000
_LINES = (
    ("amazon", 0, (255, 165, 0), True),
    ("new", 1, (136, 136, 221), True),
    ("used", 2, (68, 68, 68), False),
    ("salesrank", 3, (143, 188, 143), False),
    ("bb", 18, (255, 0, 180), False),
    ("fba", 10, (255, 85, 34), False),
    ("fbm", 7, (57, 116, 194), False),
)


def graphimage(params: Params) -> Execute:
    """Read an image request; what it returns executes it. The same request within 90 minutes is free."""
    domain, asin = params.domain(), params.text("asin")
    width = params.integer("width", 500, least=300, most=1800)
    height = params.integer("height", 200, least=150, most=1800)
    days = params.integer("range", 90, least=1)
    chosen = [(n, color) for name, n, color, shown in _LINES if params.flag(name, default=shown)]
    sameness = "&".join(f"{name}={value}" for name, value in sorted(params.query.items()) if name != "key")

    def execute(moment: Moment) -> Outcome:
        index = moment.catalogue.find(asin, domain)
        if index is None:
            return Outcome(0, error=RejectedError("There is no such product.").error)
        images = moment.account.images
        tokens = int(moment.now_ms - images.get(sameness, -_NINETY_MINUTES) >= _NINETY_MINUTES)
        if tokens:
            images[sameness] = moment.now_ms
        listing = moment.stored(index, domain)
        return Outcome(tokens, image=lambda: draw(listing, chosen, days, width, height))

    return execute


def draw(listing: Listing, lines: list[tuple[int, tuple[int, int, int]]], days: int, width: int, height: int) -> bytes:
    """Draw each series as a stepped line over a light grid; the scale runs from 0 to its highest value."""
    row = bytearray(b"\xff\xff\xff" * width)
    grid = bytearray(b"\xe4\xe4\xe4" * width)
    canvas = [bytearray(grid if y % (height // 5) == height // 5 - 1 else row) for y in range(height)]
    first = listing.at - days * 1_440
    for series, color in lines:
        seen = track(listing.rows(series, first), listing.at)
        top = max((value for value in seen.values if value >= 0), default=0)
        previous: int | None = None
        for x in range(width):
            value = seen.at(first + days * 1_440 * (x + 1) // width)
            if value < 0 or not top:
                previous = None
                continue
            y = height - 8 - value * (height - 16) // top
            for dot in range(
                min(y, y if previous is None else previous), max(y, y if previous is None else previous) + 2
            ):
                canvas[min(dot, height - 1)][x * 3 : x * 3 + 3] = bytes(color)
            previous = y
    return png(canvas, width, height)


def png(canvas: list[bytearray], width: int, height: int) -> bytes:
    """Pack rows of RGB bytes into a PNG file."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = b"".join(b"\0" + bytes(line) for line in canvas)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
