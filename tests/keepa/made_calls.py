"""Calls of every kind, made by hypothesis: each is valid, so construction must accept it."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

from keepahead.keepa import calls
from keepahead.keepa.calls import Call
from keepahead.keepa.tracking_calls import TRACKING_OPTIONS

TODAY = date(2026, 11, 22)

flags = st.none() | st.booleans()
days = st.none() | st.integers(1, 5000)
domains = st.sampled_from((1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12))
domains_without_brazil = st.sampled_from((1, 2, 3, 4, 5, 6, 8, 9, 10, 11))
asins = st.text("ABC0123", min_size=10, max_size=10)
asin_lists = st.lists(asins, min_size=1, max_size=100)
code_lists = st.lists(st.text("0123456789", min_size=8, max_size=14), min_size=1, max_size=100)
seller_lists = st.lists(st.text("ABC0123", min_size=3, max_size=20), min_size=1, max_size=100)
words = st.text("abcdefghäöü", min_size=3, max_size=12)
terms = st.lists(words, min_size=1, max_size=4).map(" ".join)
stats = (
    st.none()
    | st.integers(0, 3000)
    | st.just(("2015-10-20", "2015-12-24T10:00"))
    | st.tuples(st.integers(0, 10**13), st.dates())
)
pages = st.none() | st.integers(0, 9)


def _optional(**options: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=options)


product_options = _optional(
    stats=stats,
    update=st.none() | st.integers(-1, 100),
    history=flags,
    rating=flags,
    days=days,
    code_limit=st.none() | st.integers(1, 50),
    offers=st.none() | st.integers(20, 100),
    only_live_offers=flags,
    rental=flags,
    videos=flags,
    aplus=flags,
    buybox=flags,
    stock=flags,
    historical_variations=flags,
)


@st.composite
def product_calls(draw: st.DrawFn) -> calls.ProductCall:
    """Make a product call by ASINs or by codes."""
    name, listed = draw(st.sampled_from((("asins", asin_lists), ("codes", code_lists))))
    return calls.ProductCall(domain=draw(domains), **{name: draw(listed)}, **draw(product_options))


@st.composite
def seller_calls(draw: st.DrawFn) -> calls.SellerCall:
    """Make a seller call, with one seller if its storefront is wanted."""
    storefront = draw(flags)
    sellers = draw(seller_lists)
    return calls.SellerCall(
        domain=draw(domains),
        sellers=sellers[:1] if storefront else sellers,
        storefront=storefront,
        update=draw(st.none() | st.integers(0, 100)),
    )


@st.composite
def best_sellers_calls(draw: st.DrawFn) -> calls.BestSellersCall:
    """Make a best-seller call with one of its three ways to choose a list."""
    chosen = draw(
        st.sampled_from(({}, {"range_days": 30}, {"range_days": 0}, {"sublist": True}, {"month": 6, "year": 2026}))
    )
    return calls.BestSellersCall(
        domain=draw(domains_without_brazil),
        category=draw(st.sampled_from(("172282", "Beauty", "Toys & Games"))),
        variations=draw(flags),
        today=TODAY,
        **chosen,
    )


filters = st.fixed_dictionaries(
    {"rootCategory": st.lists(st.integers(1, 2**62), min_size=1, max_size=50)},
    optional={
        "current_NEW_gte": st.integers(0, 10**6),
        "brand": st.lists(words, max_size=50),
        "title": terms,
        "isHazMat": st.booleans(),
        "someNewFilter_gte": st.integers().filter(lambda number: abs(number) < 2**63),
        "sort": st.just([["current_SALES", "asc"], ["title", "desc"]]),
    },
)
finder_pages = st.sampled_from(({}, {"perPage": 50}, {"perPage": 10_000, "page": 0}, {"page": 99, "perPage": 100}))
deals = st.fixed_dictionaries(
    {"domainId": domains, "priceTypes": st.sampled_from(([0], [18], [23]))},
    optional={
        "page": st.integers(0, 66),
        "dateRange": st.integers(0, 4),
        "deltaPercentRange": st.just([20, 100]),
        "isRangeEnabled": st.booleans(),
        "titleSearch": terms,
        "newDealFilter": words,
    },
)
trackings = st.fixed_dictionaries(
    {"asin": asins, "mainDomainId": domains},
    optional={"updateInterval": st.integers(0, 25), "ttl": st.integers(-9, 9), "metaData": words},
)


@st.composite
def tracking_calls(draw: st.DrawFn) -> calls.TrackingCall:
    """Make a tracking call with some of the options of its type."""
    values = {
        "asin": ("asin", asins),
        "list": ("list_name", words),
        "asins-only": ("asins_only", st.booleans()),
        "page": ("page", st.integers(0, 9)),
        "perPage": ("per_page", st.integers(1, 100_000)),
        "since": ("since", st.integers(0, 10**7)),
        "revise": ("revise", st.booleans()),
        "readOnly": ("read_only", st.booleans()),
        "all": ("all_notifications", st.booleans()),
        "url": ("url", st.just("https://example.org/hook?a=1")),
    }
    chosen = draw(st.sampled_from(sorted(TRACKING_OPTIONS)))
    options = {
        values[name][0]: draw(values[name][1])
        for name in TRACKING_OPTIONS[chosen]
        if name in ("asin", "url") or draw(st.booleans())
    }
    return calls.TrackingCall(type=chosen, **options)


item_calls: st.SearchStrategy[calls.ItemCall] = st.one_of(
    product_calls(),
    seller_calls(),
    st.builds(
        calls.CategoryCall,
        domain=domains,
        categories=st.lists(st.integers(1, 2**63 - 1), min_size=1, max_size=10) | st.just(["0"]),
        parents=st.booleans(),
    ),
    st.builds(
        calls.TrackingAddCall,
        trackings=st.lists(trackings, min_size=1, max_size=20),
        list_name=st.none() | words,
    ),
)

all_calls: st.SearchStrategy[Call] = st.one_of(
    item_calls,
    st.builds(calls.TokenCall),
    st.builds(
        calls.ProductSearchCall,
        domain=domains,
        term=terms,
        asins_only=flags,
        page=pages,
        stats=stats,
        update=st.none() | st.integers(0, 50),
        history=flags,
        rating=flags,
    ),
    st.builds(calls.CategorySearchCall, domain=domains, term=terms, parents=flags),
    st.builds(
        calls.FinderCall,
        domain=domains,
        selection=st.builds(lambda chosen, page: {**chosen, **page}, filters, finder_pages),
        stats=flags,
        post=st.booleans(),
    ),
    st.builds(calls.DealCall, selection=deals),
    best_sellers_calls(),
    st.builds(
        calls.SellerFinderCall,
        domain=domains,
        selection=_optional(perPage=st.integers(1, 10_000), page=st.integers(0, 9), hasFBA=st.booleans()),
    ),
    st.builds(calls.TopSellersCall, domain=domains_without_brazil),
    st.builds(
        calls.LightningDealCall,
        domain=domains,
        asin=st.none() | asins,
        state=st.none() | st.sampled_from(("AVAILABLE", "EXPIRED")),
    ),
    tracking_calls(),
    st.builds(
        calls.GraphImageCall,
        domain=domains,
        asin=asins,
        new=flags,
        range_days=days,
        width=st.none() | st.integers(300, 1800),
        types=st.lists(st.integers(0, 35).map(str), max_size=5),
        line_width=st.none() | st.floats(0.01, 20),
        color_new=st.none() | st.just("ff00AA"),
    ),
)
