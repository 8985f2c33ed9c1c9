"""Parts of a call are the calls that one would have made for them."""

from hypothesis import given
from hypothesis import strategies as st
from tests.keepa.made_calls import all_calls, item_calls

from keepahead.keepa.calls import CategoryCall, ProductCall, SellerCall
from keepahead.keepa.contents import wanted
from keepahead.keepa.shares import both_of, each_of, items_of, part_of


@given(item_calls, st.data())
def test_parts(call, data):
    """A part equals the call narrowed to its items; all of them is the call itself, none is nothing."""
    of = wanted(call)
    if of is None or len(items_of(call)) != len(of.items):  # never archived, by codes, or an item named twice
        return
    chosen = data.draw(st.lists(st.sampled_from(of.items), unique=True))
    part = part_of(call, chosen)
    if not chosen:
        assert part is None
    elif of.items != tuple(items_of(call)):  # it is one item as a whole
        assert part is call
    else:
        assert part == call.narrowed(item for item in call.items if item in chosen)
        assert hash(part) == hash(call.narrowed(part.items))
        rest = part_of(call, [item for item in call.items if item not in chosen])
        assert sorted(items_of(both_of(part, rest))) == sorted(call.items)
    assert part_of(call, of.items) is call


@given(all_calls)
def test_each(call):
    """Each item's own part is the call for that item alone."""
    of = wanted(call)
    if of is None or len(of.items) < len(items_of(call)):
        return
    for item, part in each_of(call, of.items):
        assert part == part_of(call, (item,))


def test_codes_are_one_part():
    """A call by codes has no parts in the archive."""
    call = ProductCall(codes=["40063810", "40063811"], domain=1, code_limit=1)
    assert part_of(call, wanted(call).items) is call
    assert [part for _, part in each_of(call, wanted(call).items)] == [call]


def test_both():
    """Two parts of one call are one again; what is not there adds nothing."""
    for call in (
        ProductCall(asins=["B0D8W1YVBX", "B0F7XPYCSJ"], domain=1),
        SellerCall(sellers=["AAA", "BBB"], domain=1),
        CategoryCall(categories=["1", "2"], domain=1),
    ):
        first, second = (part_of(call, (item,)) for item in call.items)
        assert both_of(first, second) == call
        assert both_of(first, None) is first
        assert both_of(None, second) is second
        assert both_of(None, None) is None
