"""The finder's filters: each turns a key of the selection into a yes or no for a stored listing.

Names that Keepa would not know are ignored, like there.
"""

import math
import re
from collections.abc import Callable
from typing import Any, Final, cast

from keepahead.simulator.catalogue.listing import Listing
from keepahead.simulator.catalogue.statistics import Track, is_low, times_out, track
from keepahead.simulator.request import RejectedError

Filter = Callable[[Listing], bool]
_DAY = 1_440
_EXCLUDE = "✜"
_RANK_SWING = 1.25  # the most that a rank strays from its hidden middle, in natural logarithms
_TYPE_WORDS = (
    "AMAZON NEW USED SALES LISTPRICE COLLECTIBLE REFURBISHED NEW_FBM_SHIPPING LIGHTNING_DEAL WAREHOUSE "
    "NEW_FBA COUNT_NEW COUNT_USED COUNT_REFURBISHED COUNT_COLLECTIBLE EXTRA_INFO_UPDATES RATING "
    "COUNT_REVIEWS BUY_BOX_SHIPPING USED_NEW_SHIPPING USED_VERY_GOOD_SHIPPING USED_GOOD_SHIPPING "
    "USED_ACCEPTABLE_SHIPPING COLLECTIBLE_NEW_SHIPPING COLLECTIBLE_VERY_GOOD_SHIPPING "
    "COLLECTIBLE_GOOD_SHIPPING COLLECTIBLE_ACCEPTABLE_SHIPPING REFURBISHED_SHIPPING EBAY_NEW_SHIPPING "
    "EBAY_USED_SHIPPING TRADE_IN RENT BUY_BOX_USED_SHIPPING PRIME_EXCL"
)
_STRING_WORDS = (
    "manufacturer brand productGroup partNumber model color size edition format author binding genre "
    "languages publisher platform itemTypeKeyword targetAudienceKeyword itemForm scent unitType pattern "
    "style material type brandStoreName brandStoreUrlName websiteDisplayGroup websiteDisplayGroupName"
)
_BOOLEAN_WORDS = (
    "singleVariation hasParentASIN hasReviews isHazMat isHeatSensitive isAdultProduct "
    "isEligibleForTradeIn isEligibleForSuperSaverShipping isSNS batteriesRequired batteriesIncluded "
    "launchpad buyBoxIsAmazon buyBoxIsFBA buyBoxIsUnqualified"
)
_NUMBER_WORDS = (
    "packageHeight packageLength packageWidth packageWeight itemHeight itemLength itemWidth itemWeight "
    "variationCount imageCount numberOfItems numberOfPages packageQuantity monthlySold "
    "outOfStockPercentage90 outOfStockCountAmazon30 outOfStockCountAmazon90 lastPriceChange trackingSince "
    "publicationDate releaseDate lastUpdate listedSince salesRankDrops30 salesRankDrops90 "
    "salesRankDrops180 salesRankDrops365 totalOfferCount offerCountFBA offerCountFBM fbaFees"
)
TYPES: Final = {name: place for place, name in enumerate(_TYPE_WORDS.split())}
_FAMILY = re.compile(r"(current|avg|deltaPercent|delta|deltaLast|lastPriceChange)(\d*)_([A-Z_]+)\Z")
_FLAG_FAMILY = re.compile(r"(isLowest90|isLowest|backInStock)_([A-Z_]+)\Z")
_STRINGS = frozenset(_STRING_WORDS.split())
_ENUMS = frozenset({"productType", "availabilityAmazon", "returnRate"})
_BOOLEANS = frozenset(_BOOLEAN_WORDS.split())


def _window(listing: Listing, series: int, days: int) -> Track:
    """Return the last days of a series, ready for questions."""
    return track(listing.rows(series, listing.at - days * _DAY), listing.at)


def _whole(listing: Listing, series: int) -> Track:
    return track(listing.rows(series), listing.at)


def current(listing: Listing, series: int) -> int:
    """Return the newest value of a series, -1 when there is none."""
    return track(listing.rows(series, listing.at), listing.at).at(listing.at)


def _average(listing: Listing, series: int, days: int) -> int:
    return _window(listing, series, days).mean(listing.at - days * _DAY, listing.at)


def _family(listing: Listing, kind: str, days: int, series: int) -> int | None:
    if kind == "current":
        value = current(listing, series)
        return None if value < 0 else value
    if kind == "avg":
        value = _average(listing, series, days)
        return None if value < 0 else value
    if kind == "lastPriceChange":
        return _last_change(listing, series)
    if kind == "deltaLast":
        whole = _whole(listing, series)
        known = [value for value in whole.values[-2:] if value >= 0]
        return known[0] - known[1] if len(known) == 2 else 0
    now, before = current(listing, series), _average(listing, series, days)
    if now < 0 or before <= 0:
        return None
    return before - now if kind == "delta" else round((before - now) * 100 / before)


def _last_change(listing: Listing, series: int) -> int | None:
    """Return when a series last changed; short windows answer for most, and are far cheaper to make."""
    for days in (1, 30):
        seen = _window(listing, series, days)
        if len(seen.moments) > 1:  # the first is where the window begins
            return seen.moments[-1]
    whole = _whole(listing, series)
    return whole.moments[-1] if whole.moments else None


def _single(listing: Listing, field: str) -> Any:
    """Return a number of a listing that belongs to no family."""
    digits = re.search(r"(\d+)\Z", field)
    told: Any = listing.attribute("stats")  # a recorded product brings Keepa's own count
    if field.startswith("salesRankDrops") and told:
        return told.get(field)
    if field.startswith("salesRankDrops") and digits:
        return _window(listing, 3, int(digits[1])).falls(listing.at - int(digits[1]) * _DAY)
    if field.startswith("outOfStockCountAmazon") and digits:
        return times_out(_window(listing, 0, int(digits[1])), listing.at - int(digits[1]) * _DAY)
    if field == "outOfStockPercentage90":
        return _window(listing, 0, 90).missing_percent(listing.at - 90 * _DAY, listing.at)
    if field == "totalOfferCount":
        return listing.offer_count()
    if field in {"offerCountFBA", "offerCountFBM"}:
        return current(listing, 34 if field == "offerCountFBA" else 35)
    if field == "imageCount":
        return len(listing.attribute("images") or [])
    if field == "variationCount":
        return len(listing.attribute("variations") or [])
    if field == "fbaFees":
        fees: dict[str, Any] = listing.attribute("fbaFees") or {}
        return fees.get("pickAndPackFee")
    return listing.attribute(field)


def number(listing: Listing, field: str) -> Any:
    """Return the value behind a filter name without _gte and _lte: a number or text, None when unknown."""
    match = _FAMILY.match(field)
    if match and match[3] in TYPES:
        return _family(listing, match[1], int(match[2] or 1), TYPES[match[3]])
    value = _single(listing, field)
    return value if isinstance(value, int | float | str) else None


def _is_lowest(listing: Listing, series: int, days: int | None) -> bool:
    seen = _whole(listing, series) if days is None else _window(listing, series, days)
    return bool(seen.moments) and is_low(seen.at(listing.at), seen.extreme(seen.moments[0], listing.at, min))


def truth(listing: Listing, field: str) -> bool:
    """Return the value behind a yes-or-no filter."""
    match = _FLAG_FAMILY.match(field)
    if match and match[2] in TYPES:
        kind, series = match[1], TYPES[match[2]]
        if kind == "backInStock":
            recent = _window(listing, series, 1)
            return any(value < 0 for value in recent.values) and recent.at(listing.at) >= 0
        steps = (30, 90) if kind == "isLowest90" else (30, 90, None)  # most are refused by the shorter windows
        return all(_is_lowest(listing, series, days) for days in steps)
    if field == "hasParentASIN":
        return bool(listing.attribute("parentAsin"))
    if field == "singleVariation":
        return not listing.attribute("parentAsin")
    if field == "hasReviews":
        return current(listing, 17) > 0
    if field.startswith("buyBoxIs"):
        seller, price = listing.buy_box_seller(), current(listing, 18)
        if field == "buyBoxIsUnqualified":
            return seller == "-1" and listing.attribute("productType") == 0
        if field == "buyBoxIsAmazon":
            return price >= 0 and price == current(listing, 0)
        return price >= 0 and price in {current(listing, 0), current(listing, 10)}
    return bool(listing.attribute(field))


def filters(selection: dict[str, Any]) -> list[Filter]:
    """Return a filter for every key of a selection that Keepa knows, the cheap ones first."""
    found: list[tuple[int, Filter]] = []
    for key, value in selection.items():
        made = _filter(key, value)
        if made is not None:
            found.append((2 if re.match(r"avg|delta|isLowest|salesRankDrops|outOf|lastPriceChange_", key) else 1, made))
    return [made for _, made in sorted(found, key=lambda pair: pair[0])]


def _filter(key: str, value: Any) -> Filter | None:
    if key.endswith(("_gte", "_lte")):
        return _range(key[:-4], value, at_least=key.endswith("_gte"))
    if key in {"categories_include", "categories_exclude"}:
        return _categories({int(entry) for entry in _entries(value)}, wanted=key.endswith("include"))
    if key == "title":
        return _title(str(value))
    if key in _STRINGS:
        return _strings(key, [str(entry) for entry in _entries(value)])
    if key in _ENUMS or key == "salesRankReference":
        allowed = set(_entries(value))
        return lambda listing: listing.attribute(key) in allowed
    if key in {"buyBoxSellerId", "sellerIds"}:
        return _sellers(key, {str(entry) for entry in _entries(value)})
    if key in _BOOLEANS or _FLAG_FAMILY.match(key):
        return lambda listing: truth(listing, key) == bool(value)
    return None


def _entries(value: Any) -> list[Any]:
    entries = cast("list[Any]", value) if isinstance(value, list) else [value]
    if len(entries) > 50:
        raise RejectedError("A filter holds more than 50 entries.", status=405)
    return entries


def _range(field: str, limit: Any, *, at_least: bool) -> Filter | None:
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        raise RejectedError(f"Filter {field} needs a number.")
    if not _known(field):
        return None

    def fits(listing: Listing) -> bool:
        value = number(listing, field)
        if value is None or isinstance(value, str):
            return False
        return value >= limit if at_least else value <= limit

    return fits


_NUMBERS = frozenset(_NUMBER_WORDS.split())


def _known(field: str) -> bool:
    match = _FAMILY.match(field)
    return field in _NUMBERS or bool(match and match[3] in TYPES)


def _categories(ids: set[int], *, wanted: bool) -> Filter:
    def fits(listing: Listing) -> bool:
        listed = {listing.attribute("rootCategory"), *listing.attribute("categories")}
        return bool(listed & ids) == wanted

    return fits


def _title(text: str) -> Filter:
    words = re.findall(r'-?"[^"]+"|\S+', text.lower())

    def fits(listing: Listing) -> bool:
        spaced = f" {re.sub(r'[^a-z0-9]+', ' ', str(listing.attribute('title') or '').lower())} "
        for word in words:
            bare = re.sub(r"[^a-z0-9]+", " ", word.lstrip("-").strip('"')).strip()
            if (f" {bare} " in spaced) == word.startswith("-"):
                return False
        return True

    return fits


def _strings(key: str, entries: list[str]) -> Filter:
    wanted = {entry.lower() for entry in entries if not entry.startswith(_EXCLUDE)}
    unwanted = {entry[1:].lower() for entry in entries if entry.startswith(_EXCLUDE)}

    def fits(listing: Listing) -> bool:
        value = str(listing.attribute(key) or "").lower()
        return value not in unwanted and (not wanted or value in wanted)

    return fits


def _sellers(key: str, wanted: set[str]) -> Filter:
    if key == "buyBoxSellerId":
        return lambda listing: listing.buy_box_seller() in wanted
    return lambda listing: any(offer.live and offer.seller in wanted for offer in listing.offers())


def rank_bounds(selection: dict[str, Any]) -> tuple[float, float]:
    """Return between which hidden ranks (natural logarithm) a match must lie: a cheap first sieve."""
    low, high = -math.inf, math.inf
    for key, limit in selection.items():
        if re.match(r"(current|avg\d+)_SALES_[gl]te\Z", key) and isinstance(limit, int) and limit >= 0:
            if key.endswith("gte"):
                low = max(low, math.log(limit or 1) - _RANK_SWING)
            else:
                high = min(high, math.log(limit + 1) + _RANK_SWING)
    return low, high
