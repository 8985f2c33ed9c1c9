"""The unchanging part of Keepa's product object for a listing of the catalogue."""

from typing import Any

from keepahead.simulator.catalogue import words
from keepahead.simulator.catalogue.noise import mix
from keepahead.simulator.catalogue.numbers import Numbers
from keepahead.simulator.catalogue.taxonomy import id_in
from keepahead.simulator.catalogue.traits import Traits

EXPLODING_CODE = "0810000000012"  # one code in the catalogue belongs to hundreds of products
EXPLODING_STEP, EXPLODING_REST = 300, 5


def codes(index: int, numbers: Numbers) -> list[str]:
    """Return the EANs of a product, its own first; some are shared with a neighbour."""
    found = [numbers.ean(index)]
    if index % 16 == 4:
        found.append(numbers.ean(index - 1))
    if index % EXPLODING_STEP == EXPLODING_REST:
        found.append(EXPLODING_CODE)
    return found


def products_of_code(code: str, numbers: Numbers, products: int) -> list[int]:
    """Return the indexes of the products that carry a UPC or EAN."""
    if code.zfill(13) == EXPLODING_CODE:
        return list(range(EXPLODING_REST, products, EXPLODING_STEP))
    index = numbers.index_of_code(code)
    if index is None:
        return []
    return [index, index + 1] if index % 16 == 3 and index + 1 < products else [index]


def _sizes(traits: Traits) -> dict[str, int]:
    """Return dimensions in mm and weights in g; the package is a little larger than the item."""
    roll = mix(traits.look, 9)
    length, width, height = 60 + roll % 540, 40 + (roll >> 10) % 360, 20 + (roll >> 20) % 230
    weight = max(30, length * width * height // 9_000)
    return {
        "itemHeight": height,
        "itemLength": length,
        "itemWeight": weight,
        "itemWidth": width,
        "packageHeight": height + 12,
        "packageLength": length + 20,
        "packageWeight": weight + 60,
        "packageWidth": width + 15,
    }


def _category(traits: Traits) -> dict[str, Any]:
    leaf = traits.leaf
    tree = [
        {"catId": id_in(traits.domain, cat_id), "name": name}
        for cat_id, name in zip(leaf.path, leaf.names, strict=True)
    ]
    return {
        "rootCategory": tree[0]["catId"],
        "categories": [tree[-1]["catId"]],
        "categoryTree": tree,
        "salesRankReference": tree[0]["catId"],
        "salesRankDisplayGroup": traits.root.group,
        "websiteDisplayGroup": traits.root.group,
        "websiteDisplayGroupName": traits.root.name,
    }


def _images(traits: Traits) -> list[dict[str, Any]]:
    names = [f"{mix(traits.look, 20 + n):016X}"[:11] for n in range(2 + traits.look % 5)]
    return [
        {"l": f"71{name}.jpg", "lH": 1500, "lW": 1500, "m": f"41{name}.jpg", "mH": 500, "mW": 500} for name in names
    ]


def _fees(traits: Traits, sizes: dict[str, int], at: int) -> dict[str, Any]:
    cents = 306 + sizes["packageWeight"] // 9 + sizes["packageLength"] // 4
    scale = traits.price / traits.root.price_cents
    return {
        "fbaFees": {"lastUpdate": at - 9_000, "pickAndPackFee": round(cents * min(scale, 3.0))},
        "referralFeePercent": round(traits.root.referral_percent),
        "referralFeePercentage": traits.root.referral_percent + 0.01,
    }


def attributes(traits: Traits, numbers: Numbers, at: int) -> dict[str, Any]:
    """Return identity, names, categories, sizes and flags of a listing, as the product object carries them."""
    look, sizes = traits.look, _sizes(traits)
    brand, own_codes = words.brand(traits), codes(traits.index, numbers)
    parent = numbers.asin(traits.family) if traits.family is not None and not traits.is_parent else None
    return {
        "asin": numbers.asin(traits.index),
        "domainId": traits.domain,
        "productType": traits.type,
        "title": words.title(traits),
        "brand": brand,
        "manufacturer": brand if look & 3 else words.brand_name(look % 997) + " Inc.",
        "model": f"{brand[:2].upper()}-{look % 9000 + 1000}",
        "partNumber": f"{brand[:3].upper()}{look % 90000 + 10000}",
        "color": None if traits.is_parent else words.color(traits),
        "size": None if traits.is_parent else words.size(traits),
        "binding": "Paperback" if traits.root.number == 0 else None,
        "author": words.brand_name(look % 601) + " Writer" if traits.root.number == 0 else None,
        "type": traits.leaf.name.upper().replace(" ", "_"),
        "itemTypeKeyword": traits.leaf.name.lower().replace(" ", "-"),
        "eanList": own_codes,
        "upcList": [code[1:] for code in own_codes],
        "parentAsin": parent,
        "listedSince": traits.since - 20_000,
        "trackingSince": traits.since,
        "images": _images(traits),
        "features": [f"{brand} {traits.leaf.name}", f"Contains {words.pieces(traits)} piece(s)", "Made with care"],
        "description": f"{words.title(traits)}. Designed by {brand}.",
        "numberOfItems": words.pieces(traits),
        "packageQuantity": words.pieces(traits),
        "numberOfPages": 80 + look % 600 if traits.root.number == 0 else -1,
        "publicationDate": 0,
        "releaseDate": 0,
        "isAdultProduct": False,
        "isEligibleForSuperSaverShipping": traits.amazon,
        "isEligibleForTradeIn": traits.own >> 33 & 15 == 0 and traits.type == 0,
        "isHeatSensitive": traits.root.number == 5 and look & 1 == 0,
        "isHazMat": look >> 30 & 31 == 0,
        "isSNS": traits.root.number in {4, 5, 8} and look & 1 == 1,
        "launchpad": False,
        "batteriesRequired": traits.root.number in {1, 11} and look & 2 == 0,
        "batteriesIncluded": traits.root.number in {1, 11} and look & 6 == 0,
        "returnRate": (None, 1, 1, 2)[look >> 52 & 3],
        "coupon": [-5 * (1 + (look >> 33 & 3)), 0] if look >> 35 & 15 == 0 else None,
        "frequentlyBoughtTogether": None,
        "ebayListingIds": None,
        "g": traits.index % 10_000,
        **_category(traits),
        **sizes,
        **_fees(traits, sizes, at),
    }
