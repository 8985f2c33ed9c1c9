"""Every number that an analysis weighs with. Each has a default, a name, and a line in docs/analysis.md."""

from dataclasses import dataclass, fields
from math import isfinite
from typing import NamedTuple


class Ramp(NamedTuple):
    """Points that grow in a straight line: none up to `start`, all of them from `full` on."""

    start: float
    full: float
    points: float

    def of(self, value: float) -> float:
        """Return the points for a value. With `full` below `start` they grow as the value falls."""
        if self.full == self.start:
            return self.points if value >= self.full else 0.0
        share = (value - self.start) / (self.full - self.start)
        return self.points * min(1.0, max(0.0, share))


class Bar(NamedTuple):
    """What a recommendation asks for: at least this return and velocity, at most this risk."""

    roi: float
    velocity: float
    risk: float


class Limits(NamedTuple):
    """From which share of change on a thing has `changed`, and from which on one should `avoid` the purchase."""

    changed: float
    avoid: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Shares are fractions (0.25 is a quarter), percents are percents, money is in the smallest unit (cents, yen)."""

    # What is assumed where it is not known.
    assumed_cost_percent: float = 50.0
    referral_percent: float = 15.0
    referral_fee_min: int = 30
    pick_and_pack_percent: float = 25.0
    other_cost: int = 0
    vat_percent: float = 0.0
    roi_target: float = 0.30

    # How much is sold.
    sales_per_drop: float = 1.0

    # Velocity: how fast it sells. The points are weights; the score is out of 100.
    velocity_sales: Ramp = Ramp(0, 1_000, 75)
    velocity_trend: Ramp = Ramp(-1.0, 1.0, 25)

    # Risk: what can go wrong. The sum of the points, at most 100.
    risk_amazon: Ramp = Ramp(0.0, 0.5, 40)
    risk_amazon_in_stock: float = 20
    risk_one_seller: Ramp = Ramp(0.8, 0.95, 20)
    risk_rivals: Ramp = Ramp(5, 20, 15)
    risk_more_offers: Ramp = Ramp(1.2, 2.0, 10)
    risk_price_swings: Ramp = Ramp(0.05, 0.30, 15)
    risk_price_fall: Ramp = Ramp(0.05, 0.30, 15)
    risk_rank_fall: Ramp = Ramp(1.1, 2.0, 10)
    risk_stock_outs: Ramp = Ramp(0.05, 0.5, 10)
    risk_short_record: Ramp = Ramp(180, 30, 10)
    risk_out_of_season: Ramp = Ramp(1.1, 2.0, 10)
    risk_returns: float = 10
    risk_missing: float = 5
    risk_stale: float = 15

    # Recommendation.
    strong_buy: Bar = Bar(0.50, 70, 25)
    buy: Bar = Bar(0.30, 50, 45)
    consider: Bar = Bar(0.10, 20, 75)

    # When something is said of the data.
    stale_days: float = 30
    season_months: int = 24
    season_strength: float = 0.5
    season_swing: float = 1.5

    # Verification: how much may have changed since.
    verify_price_fall: Limits = Limits(0.05, 0.15)
    verify_price_rise: Limits = Limits(0.05, 10.0)
    verify_rank_worse: Limits = Limits(0.5, 2.0)
    verify_offers_more: Limits = Limits(0.3, 2.0)
    verify_offers_least: int = 2
    verify_amazon_share: Limits = Limits(0.1, 0.3)

    def changed(self) -> dict[str, float | list[float]]:
        """Return those that are not at their default."""
        found: dict[str, float | list[float]] = {}
        for field in fields(self):
            value: float | Ramp | Bar | Limits = getattr(self, field.name)
            if value != field.default:
                found[field.name] = [*value] if isinstance(value, tuple) else value
        return found

    def __post_init__(self) -> None:
        """Raise ValueError for a number that no formula can work with."""
        for field in fields(self):
            value: float | Ramp | Bar | Limits = getattr(self, field.name)
            numbers: tuple[float, ...] = value if isinstance(value, tuple) else (value,)
            least = value.points if isinstance(value, Ramp) else min(numbers)
            if not all(map(isfinite, numbers)) or least < 0:
                raise ValueError(f"{field.name} must be made of numbers from 0 on")
        if self.assumed_cost_percent == 0:
            raise ValueError("assumed_cost_percent must be above 0: what costs nothing has no return")
        for name, softer, harder in (
            ("buy", self.consider, self.buy),
            ("strong_buy", self.buy, self.strong_buy),
        ):
            if harder.roi < softer.roi or harder.velocity < softer.velocity or harder.risk > softer.risk:
                raise ValueError(f"{name} must ask for no less than the recommendation below it")
