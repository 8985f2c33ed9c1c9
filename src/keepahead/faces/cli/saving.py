"""`--save FILE`: a JSON document for a later command, and reading it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import typer

from keepahead.faces.cli.files import demand_writable, new_file
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import text_of
from keepahead.work.analysis.fees import GIVEN
from keepahead.work.analysis.verify import Expected


@dataclass(frozen=True, slots=True)
class Saved:
    """A JSON file that can be written; nothing is there until it is complete."""

    path: Path
    force: bool

    def write(self, document: Any) -> None:
        """Write the document, and say so. Raises NotWritten."""
        with new_file(self.path, force=self.force) as unfinished:
            unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
        say(f"saved to {self.path}")


def saved_to(file: str | None, *, force: bool) -> Saved | None:
    """Find out whether the file can be written, before anything is spent. Raises BadParameter."""
    if file is None:
        return None
    path = Path(file).absolute()
    demand_writable(path, force=force, option="--save")
    return Saved(path, force)


class _Figures(msgspec.Struct):
    current: int | None = None
    source: str | None = None


class _Competition(msgspec.Struct):
    amazon_in_stock: bool | None = None
    amazon_box_share: float | None = None


class _Returns(msgspec.Struct):
    buying_price: int | None = None
    buying_price_source: str | None = None


class _Analysis(msgspec.Struct):
    asin: str
    domain: int
    as_of: datetime | None = None
    price: _Figures = msgspec.field(default_factory=_Figures)
    rank: _Figures = msgspec.field(default_factory=_Figures)
    offers: _Figures = msgspec.field(default_factory=_Figures)
    competition: _Competition = msgspec.field(default_factory=_Competition)
    returns: _Returns | None = None


class _Document(msgspec.Struct):
    analyses: list[_Analysis]


def expected_from(file: str, domain: int, option: str) -> Mapping[str, Expected]:
    """Read what an analysis saved, by ASIN, for one marketplace. Raises BadParameter."""
    try:
        document = msgspec.json.decode(text_of(file, option), type=_Document)
    except (msgspec.DecodeError, RecursionError):
        message = f"{file} holds no analyses; keepahead analyse --save writes one, and its --json is one"
        raise typer.BadParameter(message, param_hint=f"'{option}'") from None
    found = {each.asin: _expected(each) for each in document.analyses if each.domain == domain}
    if not found:
        raise typer.BadParameter(f"{file} holds no analysis for this marketplace", param_hint=f"'{option}'")
    return found


def _expected(saved: _Analysis) -> Expected:
    given = saved.returns if saved.returns and saved.returns.buying_price_source == GIVEN else _Returns()
    return Expected(
        price=saved.price.current,
        price_source=saved.price.source,
        rank=saved.rank.current,
        offers=saved.offers.current,
        amazon_in_stock=saved.competition.amazon_in_stock,
        amazon_box_share=saved.competition.amazon_box_share,
        buying_price=given.buying_price,
        saved_at=saved.as_of,
    )
