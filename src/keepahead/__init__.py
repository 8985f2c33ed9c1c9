"""keepahead: spend Keepa tokens, and never one that is not there.

This is the front door: what is named here is promised, the modules behind it are not. The names are loaded when they
are first used, so that `keepahead --help` does not pay for a database and an HTTP client.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:  # the one place where this is right: for type checkers, the table below in their own language
    from keepahead.budget.cost import Cost as Cost
    from keepahead.budget.status import Status as Status
    from keepahead.errors import BadAnswerError as BadAnswerError
    from keepahead.errors import CallerLimitError as CallerLimitError
    from keepahead.errors import FrozenError as FrozenError
    from keepahead.errors import InsufficientTokensError as InsufficientTokensError
    from keepahead.errors import InvalidCallError as InvalidCallError
    from keepahead.errors import KeepaError as KeepaError
    from keepahead.errors import KeepaheadError as KeepaheadError
    from keepahead.errors import KeepaRejected as KeepaRejected
    from keepahead.errors import KeepaUnreachable as KeepaUnreachable
    from keepahead.errors import LedgerError as LedgerError
    from keepahead.errors import LedgerFormatError as LedgerFormatError
    from keepahead.errors import LedgerUnavailableError as LedgerUnavailableError
    from keepahead.errors import MaxTokensError as MaxTokensError
    from keepahead.errors import OutcomeUnknown as OutcomeUnknown
    from keepahead.errors import PartialResultError as PartialResultError
    from keepahead.errors import RefusedError as RefusedError
    from keepahead.errors import SettingsError as SettingsError
    from keepahead.errors import UnboundedCostError as UnboundedCostError
    from keepahead.faces.wiring import AsyncKeepa as AsyncKeepa
    from keepahead.faces.wiring import Keepa as Keepa
    from keepahead.keepa.calls import BestSellersCall as BestSellersCall
    from keepahead.keepa.calls import Call as Call
    from keepahead.keepa.calls import CategoryCall as CategoryCall
    from keepahead.keepa.calls import CategorySearchCall as CategorySearchCall
    from keepahead.keepa.calls import DealCall as DealCall
    from keepahead.keepa.calls import FinderCall as FinderCall
    from keepahead.keepa.calls import GraphImageCall as GraphImageCall
    from keepahead.keepa.calls import LightningDealCall as LightningDealCall
    from keepahead.keepa.calls import ProductCall as ProductCall
    from keepahead.keepa.calls import ProductSearchCall as ProductSearchCall
    from keepahead.keepa.calls import SellerCall as SellerCall
    from keepahead.keepa.calls import SellerFinderCall as SellerFinderCall
    from keepahead.keepa.calls import TokenCall as TokenCall
    from keepahead.keepa.calls import TopSellersCall as TopSellersCall
    from keepahead.keepa.calls import TrackingAddCall as TrackingAddCall
    from keepahead.keepa.calls import TrackingCall as TrackingCall
    from keepahead.keepa.calls import parse_call as parse_call
    from keepahead.keepa.costs import ENDPOINT_COSTS as ENDPOINT_COSTS
    from keepahead.keepa.costs import quote as quote
    from keepahead.keepa.csv_types import CsvType as CsvType
    from keepahead.keepa.long_frames import pandas_frame as pandas_frame
    from keepahead.keepa.long_frames import polars_frame as polars_frame
    from keepahead.keepa.money import Money as Money
    from keepahead.keepa.objects import BestSellers as BestSellers
    from keepahead.keepa.objects import Category as Category
    from keepahead.keepa.objects import Deal as Deal
    from keepahead.keepa.objects import Deals as Deals
    from keepahead.keepa.objects import Found as Found
    from keepahead.keepa.objects import LightningDeal as LightningDeal
    from keepahead.keepa.objects import Notification as Notification
    from keepahead.keepa.objects import Offer as Offer
    from keepahead.keepa.objects import Product as Product
    from keepahead.keepa.objects import SearchInsights as SearchInsights
    from keepahead.keepa.objects import Seller as Seller
    from keepahead.keepa.objects import Tracking as Tracking
    from keepahead.keepa.series import Series as Series
    from keepahead.keepa.stats import Stats as Stats
    from keepahead.keepa.wire import Answer as Answer
    from keepahead.work.analysis.analyse import Analysis as Analysis
    from keepahead.work.analysis.analyse import analyse as analyse
    from keepahead.work.analysis.thresholds import Thresholds as Thresholds
    from keepahead.work.analysis.verify import Expected as Expected
    from keepahead.work.analysis.verify import Verification as Verification
    from keepahead.work.analysis.verify import expected_of as expected_of
    from keepahead.work.analysis.verify import verify as verify

_ROOMS = {
    "budget.cost": ("Cost",),
    "budget.status": ("Status",),
    "errors": (
        "BadAnswerError",
        "CallerLimitError",
        "FrozenError",
        "InsufficientTokensError",
        "InvalidCallError",
        "KeepaError",
        "KeepaRejected",
        "KeepaUnreachable",
        "KeepaheadError",
        "LedgerError",
        "LedgerFormatError",
        "LedgerUnavailableError",
        "MaxTokensError",
        "OutcomeUnknown",
        "PartialResultError",
        "RefusedError",
        "SettingsError",
        "UnboundedCostError",
    ),
    "faces.wiring": ("AsyncKeepa", "Keepa"),
    "keepa.calls": (
        "BestSellersCall",
        "Call",
        "CategoryCall",
        "CategorySearchCall",
        "DealCall",
        "FinderCall",
        "GraphImageCall",
        "LightningDealCall",
        "ProductCall",
        "ProductSearchCall",
        "SellerCall",
        "SellerFinderCall",
        "TokenCall",
        "TopSellersCall",
        "TrackingAddCall",
        "TrackingCall",
        "parse_call",
    ),
    "keepa.costs": ("ENDPOINT_COSTS", "quote"),
    "keepa.csv_types": ("CsvType",),
    "keepa.long_frames": ("pandas_frame", "polars_frame"),
    "keepa.money": ("Money",),
    "keepa.objects": (
        "BestSellers",
        "Category",
        "Deal",
        "Deals",
        "Found",
        "LightningDeal",
        "Notification",
        "Offer",
        "Product",
        "SearchInsights",
        "Seller",
        "Tracking",
    ),
    "keepa.series": ("Series",),
    "keepa.stats": ("Stats",),
    "keepa.wire": ("Answer",),
    "work.analysis.analyse": ("Analysis", "analyse"),
    "work.analysis.thresholds": ("Thresholds",),
    "work.analysis.verify": ("Expected", "Verification", "expected_of", "verify"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [  # noqa: RUF022 - sorted as sorted() does
    "Analysis",
    "Answer",
    "AsyncKeepa",
    "BadAnswerError",
    "BestSellers",
    "BestSellersCall",
    "Call",
    "CallerLimitError",
    "Category",
    "CategoryCall",
    "CategorySearchCall",
    "Cost",
    "CsvType",
    "Deal",
    "DealCall",
    "Deals",
    "ENDPOINT_COSTS",
    "Expected",
    "FinderCall",
    "Found",
    "FrozenError",
    "GraphImageCall",
    "InsufficientTokensError",
    "InvalidCallError",
    "Keepa",
    "KeepaError",
    "KeepaRejected",
    "KeepaUnreachable",
    "KeepaheadError",
    "LedgerError",
    "LedgerFormatError",
    "LedgerUnavailableError",
    "LightningDeal",
    "LightningDealCall",
    "MaxTokensError",
    "Money",
    "Notification",
    "Offer",
    "OutcomeUnknown",
    "PartialResultError",
    "Product",
    "ProductCall",
    "ProductSearchCall",
    "RefusedError",
    "SearchInsights",
    "Seller",
    "SellerCall",
    "SellerFinderCall",
    "Series",
    "SettingsError",
    "Stats",
    "Status",
    "Thresholds",
    "TokenCall",
    "TopSellersCall",
    "Tracking",
    "TrackingAddCall",
    "TrackingCall",
    "UnboundedCostError",
    "Verification",
    "analyse",
    "expected_of",
    "pandas_frame",
    "parse_call",
    "polars_frame",
    "quote",
    "verify",
]


def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
