"""The hidden, unchanging properties of a listing (a product in one domain): everything else follows from them."""

import math
from dataclasses import dataclass

from keepahead.simulator.catalogue.marketplaces import MARKETPLACES
from keepahead.simulator.catalogue.noise import mix
from keepahead.simulator.catalogue.taxonomy import Node, Root, root_by_byte, roots, tree

ANCHOR_KT = 7_889_760  # 2026-01-01 in Keepa minutes; ages of products count back from here
_DAY = 1_440


def _spread(most: int, shape: float) -> tuple[int, ...]:
    """Return 256 equally likely counts 0..most, the small ones far more often."""
    return tuple(round(most * (byte / 255) ** shape) for byte in range(256))


_FBA, _FBM, _USED = _spread(18, 2.2), _spread(28, 2.6), _spread(10, 1.5)


@dataclass(frozen=True, slots=True)
class Traits:
    """One listing. Prices in the domain's smallest unit, times in Keepa minutes.

    look: hash shared by a family of variations (brand, title, category); own: hash of this listing alone.
    """

    index: int
    domain: int
    look: int
    own: int
    root: Root
    leaf: Node
    family: int | None
    is_parent: bool
    price: float
    log_rank: float
    since: int
    amazon: bool
    fba: int
    fbm: int
    used: int
    ending: int
    type: int


def family_of(salt: int, index: int) -> tuple[int, int] | None:
    """Return (hash, number of variations) of the family an index belongs to, None for a product of its own."""
    block = mix(salt, (index >> 3) + (1 << 40))
    members = 2 + (block >> 2) % 6
    return (block, members) if block & 3 == 0 and index & 7 <= members else None


def exists(salt: int, index: int, domain: int) -> bool:
    """Say whether a product is sold in a domain."""
    return mix(mix(salt, index), domain) & 1023 < MARKETPLACES[domain].share * 1024


def place(salt: int, index: int) -> tuple[int, int]:
    """Return (root number, hash that decides looks) of a product."""
    family = family_of(salt, index)
    look = family[0] >> 5 if family else mix(salt, index)
    return root_by_byte()[look & 255], look


def traits(salt: int, index: int, domain: int) -> Traits:
    """Work out the hidden properties of one listing."""
    family = family_of(salt, index)
    number, look = place(salt, index)
    root = roots()[number]
    leaves = tree().leaves[number]
    own = mix(mix(salt, index), domain + 50)
    far = mix(mix(salt, index), 77)
    luck = ((own >> 8) & 0xFFFF) / 65_536
    # one price level for all domains, give or take a little
    level = math.exp(((far & 255) / 255 + (far >> 8 & 255) / 255 - 1) * 1.5 + ((own & 255) / 255 - 0.5) * 0.2)
    price = root.price_cents * level * MARKETPLACES[domain].units_per_cent
    fame = (((far >> 16) & 0xFFFFFF) + 1 + ((own >> 24) & 0xFFFF)) / (0xFFFFFF + 0x10001)
    is_parent = family is not None and index & 7 == 0
    kind = 5 if is_parent else 2 if number == 0 and far >> 56 < 10 else 1 if far >> 56 >= 253 else 0
    marketplace = kind == 0
    popular = fame < 0.3
    return Traits(
        index=index,
        domain=domain,
        look=look,
        own=own,
        root=root,
        leaf=leaves[(look >> 8) % len(leaves)],
        family=index & ~7 if family else None,
        is_parent=is_parent,
        price=price,
        log_rank=fame**0.25 * math.log(root.ranks),
        since=ANCHOR_KT - _DAY * (45 + int(1_900 * luck * luck)) - (own >> 40 & 1023),
        amazon=not is_parent and (own >> 40 & 255) < (150 if popular else 60),
        fba=_FBA[own >> 48 & 255] + popular if marketplace else 0,
        fbm=_FBM[own >> 56 & 255] if marketplace else 0,
        used=_USED[own >> 32 & 255] if marketplace and (far >> 40 & 255) < root.used * 256 else 0,
        ending=(99, 99, 99, 95, 49, 0)[far >> 48 & 7 if far >> 48 & 7 < 6 else 0],
        type=kind,
    )


def snap(traits_: Traits, amount: float) -> int:
    """Give a price the ending its seller likes: .99, .95, .49, .00; whole tens in yen."""
    if traits_.domain == 5:
        return max(80, round(amount / 10) * 10 - (20 if traits_.ending == 99 else 0))
    whole = int(amount) // 100 * 100 + traits_.ending
    return max(whole, 49)
