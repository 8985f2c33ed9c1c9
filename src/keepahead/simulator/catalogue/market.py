"""The market of one listing: Amazon, merchants with FBA and without, used sellers; and what follows from them.

Every series is a list of (moment, value) where the value changes; triple series carry (moment, price, shipping).
A price of -1 is: nobody offers it.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from keepahead.simulator.catalogue.noise import noise
from keepahead.simulator.catalogue.steps import Steps
from keepahead.simulator.catalogue.traits import Traits, snap

LANDED_SINCE = 7_960_320  # 2026-02-19: NEW and USED turn from listing price to landed price
_DAY = 1_440
_QUARTER = 91 * _DAY
_MONTH = 43_830
CONDITION_VALUE = {1: 1.0, 2: 0.88, 3: 0.8, 4: 0.7, 5: 0.58, 6: 0.82, 7: 1.6, 8: 1.4, 9: 1.25, 10: 1.1}


class Side(NamedTuple):
    """One kind of seller at a moment: lowest price and its shipping (-1: nobody), live offers, slot of the cheapest."""

    moment: int
    price: int
    shipping: int
    sellers: int
    winner: int


class BuyBox(NamedTuple):
    """Who holds the new Buy Box from a moment on: 'amazon', 'fba', 'fbm' or 'nobody', with the slot of the offer."""

    moment: int
    price: int
    shipping: int
    holder: str
    slot: int


class Best(NamedTuple):
    """The lowest new price from a moment on, with the offer counts that hold then."""

    moment: int
    price: int
    fba: int
    fbm: int


@dataclass
class Market:
    """One listing's market between two moments (Keepa minutes), worked out once."""

    traits: Traits
    first: int
    last: int

    @cached_property
    def _levels(self) -> dict[tuple[int, int], float]:
        return {}

    def level(self, moment: int) -> float:
        """Return the slow movement of all prices: drift by quarter, season by month. 1.0 is the usual price."""
        key = (moment // _QUARTER, moment // _MONTH)
        if key not in self._levels:
            self._levels[key] = self._level(*key)
        return self._levels[key]

    def _level(self, quarter: int, month: int) -> float:
        traits = self.traits
        drift = 1 + 0.24 * (noise(traits.own & 0xFFFF, quarter) - 0.45)
        away = (month % 12 + 1 - traits.root.peak_month) % 12
        distance = min(away, 12 - away)
        return drift * (1 + 0.05 * math.cos(distance * math.pi / 6))

    @cached_property
    def amazon(self) -> list[tuple[int, int]]:
        """Return Amazon's own price (series 0)."""
        traits, key = self.traits, self.traits.own >> 3 & 0xFFFF
        if not traits.amazon:
            return [(self.first, -1)]
        steps = Steps(key, (4 + (traits.own >> 19 & 15)) * _DAY)
        gaps = 0.03 + 0.12 * noise(key, -1)
        points: list[tuple[int, int]] = []
        for moment, k in steps.within(self.first, self.last):
            roll = noise(key + 1, k)
            factor = 0.98 if roll < 0.6 else 0.8 + 0.15 * roll if roll < 0.8 else 1.02
            price = -1 if noise(key + 2, k) < gaps else snap(traits, traits.price * factor * self.level(steps.start(k)))
            if not points or points[-1][1] != price:
                points.append((moment, price))
        return points

    def side(self, most: int, salt: int, dearness: float) -> list[Side]:
        """Return how the FBA or merchant-shipped side changes; `most` offers at its best."""
        traits, key = self.traits, (self.traits.own >> salt) + salt & 0xFFFF
        if not most:
            return [Side(self.first, -1, -1, 0, 0)]
        steps = Steps(key, (5 + (traits.own >> (salt + 5) & 15)) * _DAY)
        gaps = 0.01 + 0.25 * noise(key, -1) / most
        posted = salt > 20 and traits.own >> salt & 1
        shipping = snap(traits, traits.price * 0.15) if posted else 0
        sides: list[Side] = []
        for moment, k in steps.within(self.first, self.last):
            if noise(key + 2, k) < gaps:
                side = Side(moment, -1, -1, 0, 0)
            else:
                roll = noise(key + 1, k)
                factor = dearness * (1.0 if roll < 0.5 else 0.9 if roll < 0.65 else 0.95 if roll < 0.8 else 1.05)
                price = snap(traits, traits.price * factor * self.level(steps.start(k)))
                count = min(most, max(1, round(most * (0.6 + 0.6 * noise(key + 3, k)))))
                side = Side(moment, price, shipping, count, int(noise(key + 4, k) * min(count, 3)))
            if not sides or sides[-1][1:] != side[1:]:
                sides.append(side)
        return sides

    @cached_property
    def fba(self) -> list[Side]:
        """Return the side of merchants with FBA (series 10)."""
        return self.side(self.traits.fba, 12, 1.0)

    @cached_property
    def fbm(self) -> list[Side]:
        """Return the side of merchants who ship themselves (series 7)."""
        return self.side(self.traits.fbm, 26, 1.03)

    @cached_property
    def used_counts(self) -> list[tuple[int, int]]:
        """Return the number of live used offers (series 12)."""
        traits, key = self.traits, self.traits.own >> 29 & 0xFFFF
        if not traits.used:
            return [(self.first, 0)]
        steps = Steps(key, 17 * _DAY)
        points: list[tuple[int, int]] = []
        for moment, k in steps.within(self.first, self.last):
            count = min(traits.used, int((traits.used + 1) * noise(key, k) * 1.6))
            if not points or points[-1][1] != count:
                points.append((moment, count))
        return points

    def used_price(self, slot: int, condition: int, moment: int) -> int:
        """Return what one used, refurbished or collectible offer asks at a moment; changes by quarter."""
        quarter = moment // _QUARTER
        wobble = 0.96 + 0.08 * noise(self.traits.own + slot * 131, quarter)
        return snap(self.traits, self.traits.price * CONDITION_VALUE[condition] * wobble * (1 + 0.03 * slot))

    def used_condition(self, slot: int) -> int:
        """Return the condition (2..5) of one used offer."""
        return 2 + (self.traits.own >> (slot % 24)) % 4

    @cached_property
    def best(self) -> list[Best]:
        """Return the lowest new price (series 1) and how many offers stand behind it (11, 34, 35), Amazon included."""
        rows = self.sweep
        points: list[Best] = []
        for moment, amazon, fba, fbm in rows:
            ship = max(fbm.shipping, 0) if moment >= LANDED_SINCE else 0
            asked = [amazon, fba.price, fbm.price + ship if fbm.price >= 0 else -1]
            price = min((price for price in asked if price >= 0), default=-1)
            best = Best(moment, price, fba.sellers + (amazon >= 0), fbm.sellers)
            if not points or points[-1][1:] != best[1:]:
                points.append(best)
        return points

    @cached_property
    def sweep(self) -> list[tuple[int, int, Side, Side]]:
        """Return (moment, Amazon's price, FBA side, merchant side) at every change of one of them."""
        amazon, fba, fbm = self.amazon, self.fba, self.fbm
        moments = {entry[0] for entry in amazon} | {entry[0] for entry in fba} | {entry[0] for entry in fbm}
        if self.first < LANDED_SINCE <= self.last:
            moments.add(LANDED_SINCE)
        rows: list[tuple[int, int, Side, Side]] = []
        a = b = c = 0
        for moment in sorted(moments):
            while a + 1 < len(amazon) and amazon[a + 1][0] <= moment:
                a += 1
            while b + 1 < len(fba) and fba[b + 1].moment <= moment:
                b += 1
            while c + 1 < len(fbm) and fbm[c + 1].moment <= moment:
                c += 1
            rows.append((moment, amazon[a][1], fba[b], fbm[c]))
        return rows

    @cached_property
    def buy_box(self) -> list[BuyBox]:
        """Return who holds the new Buy Box: Amazon if hardly dearer, else the cheapest; nobody if all ask too much."""
        points: list[BuyBox] = []
        dear = self.traits.price * 1.22
        for moment, amazon, fba, fbm in self.sweep:
            landed = fbm.price + max(fbm.shipping, 0) if fbm.price >= 0 else -1
            lowest = min((price for price in (amazon, fba.price, landed) if price >= 0), default=-1)
            box = BuyBox(moment, -1, -1, "nobody", 0)
            if 0 <= lowest < dear:
                if 0 <= amazon <= lowest * 1.03:
                    box = BuyBox(moment, amazon, 0, "amazon", 0)
                elif 0 <= fba.price <= lowest * 1.03:
                    box = BuyBox(moment, fba.price, 0, "fba", fba.winner)
                else:
                    box = BuyBox(moment, fbm.price, fbm.shipping, "fbm", fbm.winner)
            if not points or points[-1][1:] != box[1:]:
                points.append(box)
        return points

    def used(self, conditions: tuple[int, ...]) -> list[tuple[int, int]]:
        """Return the lowest price among live used offers of these conditions."""
        counts = self.used_counts
        first_quarter = self.first // _QUARTER + 1
        turns = range(first_quarter * _QUARTER, self.last + 1, _QUARTER)
        moments = sorted({moment for moment, _ in counts} | set(turns))
        points: list[tuple[int, int]] = []
        at = 0
        for moment in moments:
            while at + 1 < len(counts) and counts[at + 1][0] <= moment:
                at += 1
            asked = [
                self.used_price(slot, condition, moment)
                for slot in range(counts[at][1])
                if (condition := self.used_condition(slot)) in conditions
            ]
            price = min(asked, default=-1)
            if not points or points[-1][1] != price:
                points.append((moment, price))
        return points
