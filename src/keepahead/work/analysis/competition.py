"""Who else sells it: how many, how they ship, and who had the Buy Box, Amazon above all."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from types import MappingProxyType

AMAZON_SELLERS = MappingProxyType(
    {
        1: "ATVPDKIKX0DER",
        2: "A3P5ROKL5A1OLE",
        3: "A3JWKAKR8XB7XF",
        4: "A1X6FK5RDHNB96",
        5: "AN1VRQENFRJN5",
        6: "A3DWYIK6Y9EEQB",
        8: "A11IL2PNWYJU7H",
        9: "A1AT7YVPFBWXBL",
        11: "AVDBXBAVVSXLQ",
        12: "A1ZZFT5FULY4LN",
    }
)
"""Amazon's own seller id by domain, as its offers show it. In India Amazon does not sell under one id."""

SHARE_DAYS = 90


@dataclass(frozen=True, slots=True)
class BoxShares:
    """Who had the Buy Box for which share of the time that it is known of. `source` names the field."""

    source: str
    by_seller: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Competition:
    """Numbers of new offers now, and shares over the last 90 days (0 to 1). None: not known.

    `rivals` are the sellers that a newcomer with FBA shares the Buy Box with: new FBA offers, Amazon left out; all new
    offers where it is not known how they ship. `leader` is who had the Buy Box longest, Amazon left out.
    """

    offers_new: int | None
    offers_fba: int | None
    offers_fbm: int | None
    offers_source: str | None
    fba_share: float | None
    rivals: int | None
    amazon_in_stock: bool | None
    amazon_offer_share: float | None
    amazon_box_share: float | None
    leader: str | None
    leader_share: float | None
    winners: int | None
    box_source: str | None


def box_shares(
    holders: Sequence[tuple[datetime, str | None]], *, until: datetime, days: int = SHARE_DAYS
) -> BoxShares | None:
    """Return who had the Buy Box in the days before `until`; times with nobody count for nobody.

    `holders` says who has it from when on. None if nobody is known to have had it.
    """
    since = until - timedelta(days=days)
    held: dict[str, timedelta] = defaultdict(timedelta)
    in_order = sorted(holders, key=lambda holder: holder[0])
    for (begin, seller), (end, _) in pairwise([*in_order, (until, None)]):
        lasted = min(end, until) - max(begin, since)
        if seller and lasted > timedelta():
            held[seller] += lasted
    total = sum(held.values(), timedelta())
    if not total:
        return None
    return BoxShares("buyBoxSellerIdHistory", {seller: lasted / total for seller, lasted in held.items()})


def competition_of(
    *,
    domain: int,
    offers_new: int | None,
    shipped: tuple[int, int, str] | None,
    amazon_in_stock: bool | None,
    amazon_offer_share: float | None,
    shares: BoxShares | None,
) -> Competition:
    """Put together what is known. `shipped` are the new offers by FBA and by the merchant, and where that is from."""
    fba, fbm, source = shipped or (None, None, None)
    amazon = AMAZON_SELLERS.get(domain)
    others = {seller: share for seller, share in shares.by_seller.items() if seller != amazon} if shares else {}
    leader = max(others, key=lambda seller: others[seller], default=None)
    known = fba if fba is not None else offers_new
    return Competition(
        offers_new=offers_new,
        offers_fba=fba,
        offers_fbm=fbm,
        offers_source=source,
        fba_share=fba / (fba + fbm) if fba is not None and fbm is not None and fba + fbm else None,
        rivals=None if known is None else max(0, known - bool(amazon_in_stock)),
        amazon_in_stock=amazon_in_stock,
        amazon_offer_share=amazon_offer_share,
        amazon_box_share=shares.by_seller.get(amazon, 0.0) if shares and amazon else None,
        leader=leader,
        leader_share=others[leader] if leader else None,
        winners=len(shares.by_seller) if shares else None,
        box_source=shares.source if shares else None,
    )
