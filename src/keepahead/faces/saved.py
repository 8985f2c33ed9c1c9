"""What an analysis leaves to be compared with later, read from its JSON document. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec

from keepahead.work.analysis.fees import GIVEN
from keepahead.work.analysis.verify import Expected

_Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]


class _Figures(msgspec.Struct):
    current: _Count | None = None
    source: str | None = None


class _Competition(msgspec.Struct):
    amazon_in_stock: bool | None = None
    amazon_box_share: float | None = None


class _Returns(msgspec.Struct):
    buying_price: _Count | None = None
    buying_price_source: str | None = None


class SavedAnalysis(msgspec.Struct):
    """The parts of an analysis that a verification compares."""

    asin: str
    domain: int
    as_of: datetime | None = None
    price: _Figures = msgspec.field(default_factory=_Figures)
    rank: _Figures = msgspec.field(default_factory=_Figures)
    offers: _Figures = msgspec.field(default_factory=_Figures)
    competition: _Competition = msgspec.field(default_factory=_Competition)
    returns: _Returns | None = None

    @property
    def expected(self) -> Expected:
        """What is expected to be as it was."""
        given = self.returns if self.returns and self.returns.buying_price_source == GIVEN else _Returns()
        return Expected(
            price=self.price.current,
            price_source=self.price.source,
            rank=self.rank.current,
            offers=self.offers.current,
            amazon_in_stock=self.competition.amazon_in_stock,
            amazon_box_share=self.competition.amazon_box_share,
            buying_price=given.buying_price,
            saved_at=self.as_of,
        )


def expected_in(analysis: Mapping[str, object], asin: str, domain: int) -> Expected:
    """Return what one analysis, as its JSON was read, leaves to expect of a product. Raises ValueError."""
    try:
        saved = msgspec.convert(analysis, SavedAnalysis)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ValueError(f"this is no analysis: {error}") from None
    if (saved.asin, saved.domain) != (asin, domain):
        raise ValueError(f"this is the analysis of {saved.asin:.20} on domain {saved.domain}")
    return saved.expected


class _Document(msgspec.Struct):
    analyses: list[SavedAnalysis]


def read_analyses(text: str, domain: int) -> Mapping[str, Expected]:
    """Return what to expect, by ASIN, of one marketplace. Raises ValueError for what holds no analyses."""
    try:
        document = msgspec.json.decode(text, type=_Document)
    except (msgspec.DecodeError, RecursionError):
        raise ValueError("holds no analyses") from None
    return {each.asin: each.expected for each in document.analyses if each.domain == domain}
