"""STRONG_BUY, BUY, CONSIDER or SKIP: the first whose bar is passed, and why no better one is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from keepahead.work.analysis.fees import ASSUMED, Returns
from keepahead.work.analysis.score import Number, Score
from keepahead.work.analysis.thresholds import Bar, Thresholds

_REASONS_MOST = 3


class Verdict(StrEnum):
    """What to do, best first."""

    STRONG_BUY = "STRONG_BUY"
    BUY = "BUY"
    CONSIDER = "CONSIDER"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A verdict, the reasons in words, and what it was decided on in numbers."""

    verdict: Verdict
    reasons: tuple[str, ...]
    inputs: Mapping[str, Number | None]


def recommend(
    returns: Returns | None, velocity: Score, risk: Score, *, is_stale: bool, thresholds: Thresholds
) -> Recommendation:
    """Decide. A better return, a higher velocity or a lower risk never makes it worse."""
    roi = returns.roi if returns else None
    inputs = {"roi": roi, "velocity": velocity.value, "risk": risk.value}
    if roi is None or velocity.value is None or risk.value is None:
        lacking = "no price is known" if roi is None else "nothing tells how much is sold"
        return Recommendation(Verdict.SKIP, (f"{lacking}: there is nothing to recommend it by",), inputs)
    assumed = returns is not None and returns.buying_price_source == ASSUMED
    misses: list[str] = []
    for verdict, bar in (
        (Verdict.STRONG_BUY, thresholds.strong_buy),
        (Verdict.BUY, thresholds.buy),
        (Verdict.CONSIDER, thresholds.consider),
    ):
        missed = [*_missed(bar, roi, velocity.value, risk.value), *_capped(verdict, is_stale=is_stale, assumed=assumed)]
        if not missed:
            return Recommendation(verdict, (*_for(roi, velocity, risk, assumed=assumed), *misses), inputs)
        misses = [f"{verdict} asks for {each}" for each in missed]
    return Recommendation(Verdict.SKIP, (*_for(roi, velocity, risk, assumed=assumed), *misses), inputs)


def _missed(bar: Bar, roi: float, velocity: float, risk: float) -> list[str]:
    """Say in words what a bar asks for and does not get."""
    return [
        *([f"a return of {bar.roi:.0%}, and it is {roi:.0%}"] if roi < bar.roi else []),
        *([f"a velocity of {bar.velocity:.0f}, and it is {velocity:.0f}"] if velocity < bar.velocity else []),
        *([f"a risk of at most {bar.risk:.0f}, and it is {risk:.0f}"] if risk > bar.risk else []),
    ]


def _capped(verdict: Verdict, *, is_stale: bool, assumed: bool) -> list[str]:
    """Say what stands in the way of a verdict whatever the numbers are."""
    return [
        *(["fresh data"] if is_stale and verdict is not Verdict.CONSIDER else []),
        *(["a buying price that is known, not assumed"] if assumed and verdict is Verdict.STRONG_BUY else []),
    ]


def _for(roi: float, velocity: Score, risk: Score, *, assumed: bool) -> list[str]:
    price = "at an assumed buying price" if assumed else "at this buying price"
    return [
        f"a return of {roi:.0%} {price}",
        *velocity.reasons[:1],
        *risk.reasons[:_REASONS_MOST],
    ]
