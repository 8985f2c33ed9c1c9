"""Every call that Keepa knows, as one frozen value each: the names to import. Validation happens on construction."""

from keepahead.keepa.graph_calls import GraphImageCall
from keepahead.keepa.lookup_calls import (
    ITEM_LIMITS,
    BestSellersCall,
    CategoryCall,
    CategorySearchCall,
    LightningDealCall,
    ProductCall,
    ProductSearchCall,
    SellerCall,
    TokenCall,
    TopSellersCall,
)
from keepahead.keepa.parse import Call, parse_as_keepa, parse_call
from keepahead.keepa.selection_calls import DealCall, FinderCall, SellerFinderCall
from keepahead.keepa.tracking_calls import TrackingAddCall, TrackingCall

ItemCall = ProductCall | CategoryCall | SellerCall | TrackingAddCall

__all__ = [
    "ITEM_LIMITS",
    "BestSellersCall",
    "Call",
    "CategoryCall",
    "CategorySearchCall",
    "DealCall",
    "FinderCall",
    "GraphImageCall",
    "ItemCall",
    "LightningDealCall",
    "ProductCall",
    "ProductSearchCall",
    "SellerCall",
    "SellerFinderCall",
    "TokenCall",
    "TopSellersCall",
    "TrackingAddCall",
    "TrackingCall",
    "parse_as_keepa",
    "parse_call",
]
