"""The filter names of the product finder and of the deals, by the kind of value that Keepa expects.

Source: protocol sheet sections 10.6 and 10.7. New filters appear often: an unknown name is passed on, with a warning. A
known one with a value of the wrong type is refused, because Keepa ignores it silently and charges all the same.
"""

import difflib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal

FilterKind = Literal["number", "flag", "numbers", "texts", "text", "range", "other"]

_PRICE_TYPES = """
    AMAZON NEW USED SALES LISTPRICE COLLECTIBLE REFURBISHED NEW_FBM_SHIPPING LIGHTNING_DEAL WAREHOUSE
    NEW_FBA COUNT_NEW COUNT_USED COUNT_REFURBISHED COUNT_COLLECTIBLE RATING COUNT_REVIEWS BUY_BOX_SHIPPING
    USED_NEW_SHIPPING USED_VERY_GOOD_SHIPPING USED_GOOD_SHIPPING USED_ACCEPTABLE_SHIPPING REFURBISHED_SHIPPING TRADE_IN
    BUY_BOX_USED_SHIPPING EBAY_NEW_SHIPPING EBAY_USED_SHIPPING PRIME_EXCL RENT"""

_RANGE_FAMILIES = """current avg1 avg7 avg30 avg90 avg180 avg365 delta1 delta7 delta30 delta90
    deltaPercent1 deltaPercent7 deltaPercent30 deltaPercent90 deltaLast lastPriceChange"""

_FLAG_FAMILIES = "backInStock isLowest isLowest90"

_RANGES = """packageHeight packageLength packageWidth packageWeight itemHeight itemLength itemWidth itemWeight
    variationCount imageCount videoCount numberOfItems numberOfPages monthlySold deltaPercent90_monthlySold
    variationReviewCount variationRatingCount outOfStockPercentage90 outOfStockCountAmazon30 outOfStockCountAmazon90
    couponOneTimeAbsolute couponOneTimePercent couponSNSPercent flipability30 flipability90 flipability365
    businessDiscount
    buyBoxStatsAmazon30 buyBoxStatsAmazon90 buyBoxStatsAmazon180 buyBoxStatsAmazon365
    buyBoxStatsTopSeller30 buyBoxStatsTopSeller90 buyBoxStatsTopSeller180 buyBoxStatsTopSeller365
    buyBoxStatsSellerCount30 buyBoxStatsSellerCount90 buyBoxStatsSellerCount180 buyBoxStatsSellerCount365
    lastPriceChange lastOffersUpdate trackingSince lightningEnd publicationDate releaseDate
    lastUpdate lastRatingUpdate listedSince lightningStart salesRankDrops30 salesRankDrops90 salesRankDrops180
    salesRankDrops365 salesRankTopPct totalOfferCount offerCountFBA offerCountFBM packageQuantity
    buyBoxStandardDeviation30 buyBoxStandardDeviation90 buyBoxStandardDeviation365
    outOfStockPercentage90_BB outOfStockPercentage90_BB_USED outOfStockPercentage90_NEW outOfStockPercentage90_USED
    buyBoxEligibleOfferCountsNewFBA buyBoxEligibleOfferCountsNewFBM
    buyBoxEligibleOfferCountsUsedFBA buyBoxEligibleOfferCountsUsedFBM unitValue fbaFees numberOfTrackings
    monthlySoldPeak monthlySoldLastKnown"""

_FINDER_NUMBERS = """rootCategory categories_include categories_exclude salesRankReference productType
    availabilityAmazon returnRate buyBoxUsedCondition warehouseCondition"""

_FINDER_TEXTS = """manufacturer brand productGroup partNumber model color size edition format author binding genre
    languages publisher platform activeIngredients specialIngredients itemTypeKeyword targetAudienceKeyword itemForm
    scent unitType pattern style material frequentlyBoughtTogether brandStoreName brandStoreUrlName label studio type
    websiteDisplayGroup websiteDisplayGroupName dealType buyBoxSellerId buyBoxUsedSellerId sellerIds sellerIdsLowestFBA
    sellerIdsLowestFBM sellerIdsFBA sellerIdsFBM historicalSellerIds buyBoxStatsTopSeller30 buyBoxStatsTopSeller90
    buyBoxStatsTopSeller180 buyBoxStatsTopSeller365"""

_FINDER_FLAGS = """singleVariation hasParentASIN hasReviews isLowestOffer isHazMat isHeatSensitive isAdultProduct
    isEligibleForTradeIn isEligibleForSuperSaverShipping isSNS isPrimeExclusive buyBoxIsPreorder buyBoxIsBackorder
    buyBoxIsPrimeExclusive buyBoxIsAmazon buyBoxIsFBA buyBoxIsUnqualified buyBoxUsedIsFBA batteriesRequired
    batteriesIncluded isMerchOnDemand hasMainVideo hasAPlus hasAPlusFromManufacturer isDeal isHighestOffer launchpad
    newPriceIsMAP buyBoxIsPrimeEligible"""

_DEAL_FLAGS = """isFilterEnabled isRangeEnabled isLowest isLowest90 isLowestOffer isHighest isOutOfStock isBackInStock
    hasReviews filterErotic singleVariation isRisers isPrimeExclusive mustHaveAmazonOffer mustNotHaveAmazonOffer"""

_DEAL_TEXTS = """material type manufacturer brand productGroup model color size unitType scent itemForm pattern style
    itemTypeKeyword targetAudienceKeyword edition format author binding languages brandStoreName brandStoreUrlName
    websiteDisplayGroup websiteDisplayGroupName salesRankDisplayGroup"""

FINDER_PAGING = ("page", "perPage", "sort", "minMatch")
DEAL_NUMBERS = ("page", "domainId", "dateRange", "minRating", "sortType")
DEAL_LISTS = ("priceTypes", "excludeCategories", "includeCategories", "warehouseConditions")
DEAL_RANGES = ("currentRange", "deltaRange", "deltaPercentRange", "deltaLastRange", "salesRankRange")


@cache
def finder_filters() -> Mapping[str, FilterKind]:
    """Return the product finder's keys and the kind of value of each."""
    kinds: dict[str, FilterKind] = dict.fromkeys(FINDER_PAGING, "other")
    kinds |= dict.fromkeys(_FINDER_TEXTS.split(), "texts")
    kinds |= dict.fromkeys(_FINDER_NUMBERS.split(), "numbers")
    kinds |= dict.fromkeys(_FINDER_FLAGS.split(), "flag")
    kinds["title"] = "text"
    types = _PRICE_TYPES.split()
    for family in _FLAG_FAMILIES.split():
        kinds |= dict.fromkeys((f"{family}_{price_type}" for price_type in types), "flag")
    ranges = [
        *_RANGES.split(),
        *(f"{family}_{price_type}" for family in _RANGE_FAMILIES.split() for price_type in types),
    ]
    kinds |= dict.fromkeys((f"{name}_{end}" for name in ranges for end in ("gte", "lte")), "number")
    return MappingProxyType(kinds)


@cache
def deal_filters() -> Mapping[str, FilterKind]:
    """Return the deal request's keys and the kind of value of each."""
    kinds: dict[str, FilterKind] = dict.fromkeys(_DEAL_TEXTS.split(), "texts")
    kinds |= dict.fromkeys(_DEAL_FLAGS.split(), "flag")
    kinds |= dict.fromkeys(DEAL_NUMBERS, "number")
    kinds |= dict.fromkeys(DEAL_LISTS, "numbers")
    kinds |= dict.fromkeys(DEAL_RANGES, "range")
    kinds["titleSearch"] = "text"
    return MappingProxyType(kinds)


def nearest_name(name: str, known: Mapping[str, object] | tuple[str, ...]) -> str | None:
    """Return the known name that resembles `name`, or None."""
    wanted = name[:64].lower().replace("_", "-")
    by_form = {each.lower().replace("_", "-"): each for each in known}
    found = difflib.get_close_matches(wanted, by_form, n=1, cutoff=0.7)
    return by_form[found[0]] if found else None
