"""The graph image call: a PNG, and the only answer without a meter. Source: protocol sheet section 10.12."""

from typing import ClassVar

from keepahead.keepa.call import BrazilUndocumentedCall, call_class, option
from keepahead.keepa.parameters import Asin, Decimal, DomainNumber, Items, Maybe, Text, flag, whole

_SIZE_MAX = 1800  # pixels; open question 3.12: the older documentation says 1000


def _colour(name: str) -> Maybe[str | int, str]:
    return Maybe(Text(name, "a colour as RRGGBB", "[0-9A-Fa-f]{6}"))


@call_class
class GraphImageCall(BrazilUndocumentedCall):
    """The price graph of one ASIN: which lines to draw, `range_days`, size in pixels, colours as RRGGBB.

    Free if the account asked for exactly the same within 90 minutes.
    """

    endpoint: ClassVar[str] = "graphimage"
    domain: int = option(converter=DomainNumber())
    asin: str = option(converter=Asin())
    amazon: bool | None = option(converter=flag("amazon"), default=None)
    new: bool | None = option(converter=flag("new"), default=None)
    used: bool | None = option(converter=flag("used"), default=None)
    sales_rank: bool | None = option(converter=flag("salesrank"), default=None)
    buy_box: bool | None = option(converter=flag("bb"), default=None)
    buy_box_used: bool | None = option(converter=flag("bbu"), default=None)
    fba: bool | None = option(converter=flag("fba"), default=None)
    fbm: bool | None = option(converter=flag("fbm"), default=None)
    lightning_deal: bool | None = option(converter=flag("ld"), default=None)
    warehouse_deal: bool | None = option(converter=flag("wd"), default=None)
    prime_exclusive: bool | None = option(converter=flag("pe"), default=None)
    range_days: int | None = option(converter=whole("range", 1), default=None)
    y_zoom: bool | None = option(converter=flag("yzoom"), default=None)
    width: int | None = option(
        converter=whole("width", 300, _SIZE_MAX, outside_code="width_out_of_range"), default=None
    )
    height: int | None = option(
        converter=whole("height", 150, _SIZE_MAX, outside_code="height_out_of_range"), default=None
    )
    title: bool | None = option(converter=flag("title"), default=None)
    types: tuple[str, ...] = option(
        converter=Items("types", "types", "[0-9]|[12][0-9]|3[0-5]", "must be csv indices from 0 to 35", 36), default=()
    )
    legend: bool | None = option(converter=flag("legend"), default=None)
    line_width: float | None = option(converter=Maybe(Decimal("lw")), default=None)
    color_background: str | None = option(converter=_colour("cBackground"), default=None)
    color_font: str | None = option(converter=_colour("cFont"), default=None)
    color_amazon: str | None = option(converter=_colour("cAmazon"), default=None)
    color_new: str | None = option(converter=_colour("cNew"), default=None)
    color_used: str | None = option(converter=_colour("cUsed"), default=None)
    color_sales: str | None = option(converter=_colour("cSales"), default=None)
    color_fba: str | None = option(converter=_colour("cFBA"), default=None)
    color_fbm: str | None = option(converter=_colour("cFBM"), default=None)
    color_buy_box: str | None = option(converter=_colour("cBB"), default=None)
    color_buy_box_used: str | None = option(converter=_colour("cBBU"), default=None)
    color_lightning_deal: str | None = option(converter=_colour("cLD"), default=None)
    color_warehouse_deal: str | None = option(converter=_colour("cWD"), default=None)
    color_prime_exclusive: str | None = option(converter=_colour("cPE"), default=None)
