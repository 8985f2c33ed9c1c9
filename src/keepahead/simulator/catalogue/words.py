"""Names for things: brands, titles, colours. Taken from a listing's hashes, so a family of variations shares them."""

from functools import cache

from keepahead.simulator.catalogue.noise import mix
from keepahead.simulator.catalogue.traits import Traits

_START_TEXT = "Al Ben Cor Dax El Fen Gar Hol Ix Jun Kel Lum Mor Nor Or Pel Quil Ros Sol Tev Ul Ver Wex Yor Zan"
_START = _START_TEXT.split(" ")
_MIDDLE_TEXT = "a ber di en fi go ha li mo na po ra si to va"
_MIDDLE = _MIDDLE_TEXT.split(" ")
_END_TEXT = "co da ex ia la lo ma n ne ra ro s ta tek va x"
_END = _END_TEXT.split(" ")
_PROMISES_TEXT = (
    "Premium|Heavy Duty|Compact|Portable|Classic|Professional|Everyday|Organic|Lightweight|Deluxe|"
    "Ultra Soft|Original|Easy Clean|Extra Large|Travel Size|Eco Friendly"
)
_PROMISES = _PROMISES_TEXT.split("|")
_REASONS_TEXT = (
    "for Home and Office|for Beginners|Gift Idea|Long Lasting|with Storage Bag|Non-Slip Design|"
    "BPA Free|Made to Last|for Daily Use|Space Saving|Family Pack|with Instructions"
)
_REASONS = _REASONS_TEXT.split("|")
COLORS = ("Black", "White", "Blue", "Red", "Green", "Grey", "Pink", "Beige")
SIZES = ("Small", "Medium", "Large", "X-Large")
BRANDS_PER_ROOT = 220


@cache
def brand_name(number: int) -> str:
    """Return the name of a brand."""
    roll = mix(number, 5)
    name = _START[roll % 25] + _MIDDLE[(roll >> 8) % 15] + _END[(roll >> 16) % 16]
    return name.upper() if roll >> 24 & 3 == 0 else name


def brand(traits: Traits) -> str:
    """Return a listing's brand: a few brands have many products."""
    luck = (traits.look >> 24 & 0xFFFF) / 65_536
    return brand_name(traits.root.number * BRANDS_PER_ROOT + int(luck * luck * BRANDS_PER_ROOT))


def color(traits: Traits) -> str:
    """Return the colour; members of a family differ."""
    return COLORS[(traits.look + traits.index) % 8]


def size(traits: Traits) -> str:
    """Return the size; members of a family differ."""
    return SIZES[(traits.look + traits.index) % 4]


def pieces(traits: Traits) -> int:
    """Return how many items a pack holds."""
    return (1, 1, 1, 1, 2, 3, 4, 6)[traits.look >> 12 & 7]


def title(traits: Traits) -> str:
    """Return the title."""
    look = traits.look
    parts = [brand(traits), _PROMISES[look >> 40 & 15], traits.leaf.name]
    tail = _REASONS[(look >> 44) % 12]
    pack = f", Pack of {pieces(traits)}" if pieces(traits) > 1 else ""
    variant = "" if traits.is_parent else f", {color(traits)}, {size(traits)}"
    model = f" {chr(65 + (look >> 50) % 26)}{(look >> 36) % 900 + 100}"
    return " ".join(parts) + model + pack + variant + " - " + tail
