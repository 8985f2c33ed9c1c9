"""Each rule: what it fires at, when it is over, and what it says."""

from dataclasses import replace

import pytest
from tests.work.alerts.standing import at, facts, rule

from keepahead.work.alerts.facts import Allowance, Allowances, Errors, Fill, Inspection
from keepahead.work.alerts.history import Pace, RateChange, Seen


def found(name, standing, minutes=0.0, **more):
    """What a rule says of how things stand: fires, over, or neither; and in which words."""
    of = rule(name, **more)
    [finding] = of.look(of, standing, at(minutes)).findings
    assert not (finding.is_bad and finding.is_over)
    return "fires" if finding.is_bad else "over" if finding.is_over else "stays", finding.headline


def states(name, standings, minutes=0.0, **more):
    """What a rule says of each of these, in short."""
    return [found(name, each, minutes, **more)[0] for each in standings]


@pytest.mark.parametrize(
    ("name", "balances", "expected"),
    [
        ("low", (49, 50, 59, 60), ("fires", "stays", "stays", "over")),
        ("critical", (19, 20, 24, 25), ("fires", "stays", "stays", "over")),
        ("negative", (-1, 0, 4, 5), ("fires", "stays", "stays", "over")),
    ],
)
def test_balances(name, balances, expected):
    """A rule of the balance fires below its mark, and is over a fifth, at least 5 tokens, above it."""
    assert tuple(states(name, map(facts, balances))) == expected


def test_what_a_balance_says():
    """The figure, and the mark."""
    assert found("low", facts(49)) == ("fires", "49 tokens are left; low is below 50")
    assert found("critical", facts(1)) == ("fires", "1 token is left; critical is below 20")
    assert found("low", facts(60)) == ("over", "60 tokens are left again")
    assert found("negative", facts(-31)) == (
        "fires",
        "The balance is -31 tokens; Keepa refuses every call until it is above 0",
    )
    assert found("negative", facts(7)) == ("over", "7 tokens are left again")


def test_the_floor_ahead():
    """It fires when the pace leads to the floor within half an hour, and is over when it does not within an hour."""
    pace = Pace(0, 30)
    near = facts(210, pace=pace, floor_at=at(20))
    assert found("floor_ahead", near) == (
        "fires",
        "At 30 tokens a minute the floor of 10 is reached in 20 minutes; 210 tokens are left",
    )
    assert states("floor_ahead", [replace(near, floor_at=at(m)) for m in (0, 30, 31, 60, 61)]) == [
        "fires",
        "fires",
        "stays",
        "stays",
        "over",
    ]
    assert found("floor_ahead", facts(210)) == ("over", "The floor of 10 is no longer near: 210 tokens are left")
    assert found("floor_ahead", replace(near, floor_at=at(0.5)))[1].endswith("is reached just now; 210 tokens are left")


def test_at_the_floor_it_is_not_over():
    """At the floor spending goes at the pace of the refill and leads nowhere: that is not the end of it."""
    assert states("floor_ahead", map(facts, (10, 30, 49, 50))) == ["stays", "stays", "stays", "over"]
    assert states("floor_ahead", [facts(20, capacity=20, net_rate_per_minute=20)]) == ["over"]


def test_a_limit_of_a_caller():
    """It fires when the limit is spent or the caller was refused for it, and is over in a window with room."""
    web = Allowance("web", "hour", 100, 100, False)
    of = [web, replace(web, spent=99), replace(web, spent=90), replace(web, spent=89), replace(web, spent=0)]
    assert [states("caller_limit", [facts(allowances=Allowances(at(0), [each]))])[0] for each in of] == [
        "fires",
        "stays",
        "stays",
        "over",
        "over",
    ]
    told = found("caller_limit", facts(allowances=Allowances(at(0), [replace(web, spent=96, was_refused=True)])))
    assert told == ("fires", "web has spent 96 of its 100 tokens of the hour and was refused")
    nothing = replace(web, spent=0, tokens=0)
    assert states("caller_limit", [facts(allowances=Allowances(at(0), [nothing]))]) == ["over"]
    assert states("caller_limit", [facts(allowances=Allowances(at(0), [replace(nothing, was_refused=True)]))]) == [
        "fires"
    ]


def test_somebody_else_spends():
    """It fires when somebody else was seen to spend, and is over after half an hour without."""
    seen = facts(external=Seen(2, 120, at(0)))
    assert found("external", seen) == ("fires", "Somebody else spent 120 tokens with the same key in the last hour")
    assert [found("external", seen, minutes)[0] for minutes in (29, 30)] == ["fires", "over"]
    assert states("external", [seen], threshold=121) == ["stays"]


def test_a_gateway_that_has_just_come_knows_of_no_quiet():
    """What happened before a gateway knew anything may have happened: nothing is over before it has watched itself."""
    assert [found("external", facts(since=at(0)), minutes)[0] for minutes in (0, 29, 30)] == ["stays", "stays", "over"]
    assert [found("keepa_errors", facts(since=at(0)), minutes)[0] for minutes in (0, 59, 60)] == [
        "stays",
        "stays",
        "over",
    ]


def test_a_cost_outside_its_bounds():
    """It tells how often, how much and of what."""
    assert found("overage", facts(overage=Seen(1, 3, at(0), "deal")))[1] == (
        "1 call cost more than it could, 3 tokens in the last hour; the last was of deal"
    )


def test_another_refill_rate():
    """It fires for more and for less, and is over when it has stayed so."""
    change = facts(rate_change=RateChange(at(0), 20, 5), net_rate_per_minute=5)
    assert found("rate_changed", change) == ("fires", "5 tokens a minute are refilled now; it was 20")
    assert found("rate_changed", change, 30) == ("over", "5 tokens a minute have been refilled for 30 minutes")
    assert states("rate_changed", [facts(rate_change=RateChange(at(0), 5, 20))]) == ["fires"]


def test_keepa_fails():
    """It fires above its share of enough calls, and is over at half of that."""
    of = [(19, 19), (20, 1), (20, 2), (100, 6), (100, 5), (100, 3), (100, 2), (100, 0)]
    standings = [facts(errors=Errors(calls, failed, "HTTP 500 without a meter")) for calls, failed in of]
    assert states("keepa_errors", standings) == [
        "stays",
        "stays",
        "fires",
        "fires",
        "stays",
        "stays",
        "over",
        "over",
    ]
    assert (
        found("keepa_errors", standings[3])[1] == "6 of the last 100 calls failed; the last: HTTP 500 without a meter"
    )


def test_the_account_drifts():
    """It fires for the first thing that differs, and is over when an inspection finds none."""
    assert found("drift", facts(inspection=Inspection(at(0), 1, "gap")))[1] == (
        "1 thing of the account differs from its entries; the first: gap"
    )
    assert states("drift", [facts(inspection=Inspection(at(0), 0))]) == ["over"]


def test_the_archive_grows():
    """It fires above the size that the archive may have."""
    fills = [Fill(at(0), size, 100_000_000) for size in (100_000_001, 100_000_000, 95_000_000)]
    assert states("archive_size", [facts(fill=fill) for fill in fills]) == ["fires", "stays", "over"]
    assert found("archive_size", facts(fill=Fill(at(0), 120_000_000, 100_000_000)))[1] == (
        "The archive holds 120 MB; it may hold 100 MB"
    )
