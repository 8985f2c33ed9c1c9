"""What Amazon keeps of a sale, what is left, and what may be paid for the thing. What is assumed says so."""

from dataclasses import dataclass

from keepahead.work.analysis.thresholds import Thresholds

GIVEN, ASSUMED = "given", "assumed"
_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Fees:
    """Of one sale at `selling_price`, in the smallest unit. `…_source` names the field it is from, or "assumed"."""

    selling_price: int
    referral_percent: float
    referral_source: str
    referral_fee: int
    pick_and_pack_fee: int
    pick_and_pack_source: str
    closing_fee: int
    vat: int
    other_cost: int
    total: int
    left: int
    """The selling price without the total, before the thing itself is paid; it can be below 0."""


@dataclass(frozen=True, slots=True)
class Returns:
    """What buying at `buying_price` brings. `roi` and `margin` are fractions: of what is paid, of the selling price."""

    buying_price: int
    buying_price_source: str
    profit: int
    roi: float
    margin: float | None
    break_even_price: int
    """The dearest buying price without a loss."""
    target_price: int
    """The dearest buying price that still brings `roi_target`."""


def fees_of(
    selling_price: int,
    *,
    referral_percent: float | None,
    pick_and_pack: int | None,
    closing: int | None,
    thresholds: Thresholds,
) -> Fees:
    """Return the fees of one sale. What is None is assumed, but for the closing fee, which most products lack."""
    percent = thresholds.referral_percent if referral_percent is None else referral_percent
    assumed = round(selling_price * thresholds.pick_and_pack_percent / _PERCENT)
    referral_fee = max(thresholds.referral_fee_min, round(selling_price * percent / _PERCENT))
    fulfilment = assumed if pick_and_pack is None else pick_and_pack
    vat = round(selling_price * thresholds.vat_percent / (_PERCENT + thresholds.vat_percent))
    total = referral_fee + fulfilment + (closing or 0) + vat + thresholds.other_cost
    return Fees(
        selling_price=selling_price,
        referral_percent=percent,
        referral_source=ASSUMED if referral_percent is None else "referralFeePercentage",
        referral_fee=referral_fee,
        pick_and_pack_fee=fulfilment,
        pick_and_pack_source=ASSUMED if pick_and_pack is None else "fbaFees",
        closing_fee=closing or 0,
        vat=vat,
        other_cost=thresholds.other_cost,
        total=total,
        left=selling_price - total,
    )


def returns_of(fees: Fees, buying_price: int | None, thresholds: Thresholds) -> Returns:
    """Return what a purchase brings. Without a buying price it is assumed as a share of the selling price."""
    assumed = max(1, round(fees.selling_price * thresholds.assumed_cost_percent / _PERCENT))
    paid = assumed if buying_price is None else max(1, buying_price)
    profit = fees.left - paid
    return Returns(
        buying_price=paid,
        buying_price_source=ASSUMED if buying_price is None else GIVEN,
        profit=profit,
        roi=profit / paid,
        margin=profit / fees.selling_price if fees.selling_price else None,
        break_even_price=max(0, fees.left),
        target_price=max(0, int(fees.left / (1 + thresholds.roi_target))),
    )
