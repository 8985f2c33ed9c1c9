"""What a caller has used of its limits."""

import pytest

from keepahead.budget.rule import DAY, HOUR, Limit
from keepahead.faces.dashboard.share import Share, share_of
from keepahead.store.rulebook import Caller


@pytest.mark.parametrize(
    ("spent", "held", "most", "share"),
    [
        (12, 0, None, Share(None, "good", "12, no limit")),
        (0, 0, 50, Share(0, "good", "0 of 50 tokens")),
        (30, 10, 50, Share(80, "warn", "40 of 50 tokens")),
        (49, 1, 50, Share(100, "bad", "50 of 50 tokens, used up")),
        (1_250, 0, 1_000, Share(100, "bad", "1,250 of 1,000 tokens, used up")),
        (0, 0, 0, Share(100, "bad", "0 of 0 tokens, used up")),
    ],
)
def test_share(spent, held, most, share):
    """What is held counts as used, of the hour and of the day; at the limit nothing is left."""
    hourly = Caller("nightly", Limit(caller="nightly", tokens_per_hour=most), spent, 7, held)
    daily = Caller("nightly", Limit(caller="nightly", tokens_per_day=most), 7, spent, held)
    assert share_of(hourly, HOUR) == share_of(daily, DAY) == share


def test_no_limit():
    """A caller without any limit has none."""
    assert share_of(Caller("web", None, 3, 9, 0), DAY) == Share(None, "good", "9, no limit")
