"""discover: the plan and its cost first, nothing sent that cannot be paid for, then products that fit."""

import pytest

WISH = ["discover", "--category", "3760911", "--rank", "1..20000", "--price", "10..50", "--max-results", "6"]


def test_a_discovery(cli, rich):
    """The products fit the wish, in order of rank; plan, cost and account stand in the JSON."""
    ended = cli(*WISH, "--json")
    assert ended.code == 0
    assert set(ended.json) == {"plan", "found", "products", "account"}
    products = ended.json["products"]
    assert [each["asin"] for each in products] == ended.json["found"]["asins"]
    assert len(products) == 6 <= ended.json["found"]["total"]
    current = [each["stats"]["current"] for each in products]
    assert all(1000 <= each[1] <= 5000 and 1 <= each[3] <= 20_000 for each in current)
    assert [each[3] for each in current] == sorted(each[3] for each in current)
    cost = ended.json["plan"]["cost"]
    assert cost["tokens_min"] <= ended.json["account"]["spent"] <= cost["tokens_max"] == 11 + 12


def test_the_plan_comes_first(cli, rich):
    """For people the plan is on stderr before anything is spent, the table on stdout."""
    ended = cli(*WISH, "--no-rating")
    plan = ended.err.splitlines()
    assert plan[0] == "plan: up to 6 products on amazon.com, category 3760911, rank 1..20,000, price 10.00..50.00 USD"
    assert plan[3] == "together at most 17 tokens, 17 likely"
    assert plan[-1].startswith("spent 17 tokens; ")
    assert len(ended.out.splitlines()) == 7
    assert ended.out.splitlines()[0].split()[:3] == ["ASIN", "title", "USD"]


def test_the_plan_alone_sends_nothing(cli, rich):
    """--plan shows plan and cost, and says when it could be paid for if the bucket is known."""
    plan = cli(*WISH, "--plan", "--json")
    assert plan.json["plan"]["finder"]["selection"]["perPage"] == 50
    assert (plan.json["account"], plan.json["paid_in_seconds"]) == (None, None)
    assert "nobody knows when" in cli(*WISH, "--plan").out
    assert cli("ledger", "--json").json["entries"] == []
    cli("status")
    assert "it can be paid for now" in cli(*WISH, "--plan").out
    assert cli(*WISH, "--plan", "--json").json["paid_in_seconds"] == 0


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (["--max-wait", "0"], "in about"),
        (["--max-wait", "30"], "in about"),
        (["--max-tokens", "22"], "up to 23 tokens, and 22 are allowed"),
    ],
)
def test_the_whole_is_refused_before_the_first_call(cli, seen, limits, words):
    """The finder alone could be paid for, the details could not: nothing is sent."""
    seen(25, 5)
    ended = cli(*WISH, *limits, "--json")
    assert (ended.code, ended.out) == (3, "")
    assert words in ended.sentence
    assert [entry["kind"] for entry in cli("ledger", "--json").json["entries"]] == ["observed"]


def test_nothing_fits(cli, rich):
    """An empty result says what may be wrong with the wish."""
    ended = cli("discover", "--category", "3760911", "--price", "..0.01")
    assert ended.code == 0
    assert "use --subcategory" in ended.err


def test_other_wishes(cli, rich):
    """Title, brand, sub-category and order are part of the selection."""
    ended = cli(
        *("discover", "--subcategory", "7792528011", "--title", "serum", "--brand", "Acme", "--brand", "Bolt"),
        *("--sort", "-price", "--domain", "de", "--price", "9.99..", "--plan", "--json"),
    )
    assert ended.json["plan"]["finder"] | {"cost": None} == {
        "domain": 3,
        "cost": None,
        "selection": {
            "categories_include": [7792528011],
            "current_NEW_gte": 999,
            "title": "serum",
            "brand": ["Acme", "Bolt"],
            "sort": [["current_NEW", "desc"]],
            "page": 0,
            "perPage": 50,
        },
    }
