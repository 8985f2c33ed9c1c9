"""discover and niches: the plan and its cost first, nothing sent that cannot be paid for, then what fits."""

import pytest

WISH = ["discover", "--category", "3760911", "--rank", "1..20000", "--price", "10..50", "--max-results", "6"]
NICHES = ["niches", "--category", "3760911", "--price", "10..50", "--rank", "..20000", "--max-niches", "2"]


def test_a_discovery(cli, rich):
    """The products fit the wish, in order of rank; plan, cost and account stand in the JSON."""
    ended = cli(*WISH, "--json")
    assert ended.code == 0
    assert set(ended.json) == {"plan", "found", "products", "account"}
    products, found = ended.json["products"], ended.json["found"]
    assert [each["asin"] for each in products] == found["asins"]
    assert len(products) == 6 <= found["looked_up"] <= found["candidates"] <= found["total"]
    current = [each["stats"]["current"] for each in products]
    assert all(1000 <= each[1] <= 5000 and 1 <= each[3] <= 20_000 for each in current)
    plan = ended.json["plan"]
    assert plan["criteria"] == {"domain": 1, "category": 3760911, "rank": [1, 20_000], "new_price": [1000, 5000]}
    assert plan["road"] == "finder"
    assert plan["cost"]["tokens_min"] <= ended.json["account"]["spent"] <= plan["cost"]["tokens_max"] == 1 + 11 + 14


def test_the_plan_comes_first(cli, rich):
    """For people the plan is on stderr before anything is spent, with its reasons, the table on stdout."""
    ended = cli(*WISH, "--no-rating")
    plan = ended.err.splitlines()
    assert plan[0] == "plan: up to 6 products on amazon.com, category 3760911, rank 1..20,000, price 10.00..50.00 USD"
    assert plan[1].startswith("finder: the cheapest road that answers the criteria")
    assert [line[:3] for line in plan[4:7]] == ["1. ", "2. ", "3. "]
    assert plan[7] == "together 0 to 19 tokens, 18 likely"
    assert plan[-2].startswith("6 that fit of about ")
    assert plan[-1].startswith("spent 18 tokens; ")
    assert len(ended.out.splitlines()) == 7
    assert ended.out.splitlines()[0].split()[:3] == ["ASIN", "title", "USD"]


def test_the_plan_alone_sends_nothing(cli, rich):
    """--plan shows plan and cost, what it leaves, and when it could be paid for if the bucket is known."""
    plan = cli(*WISH, "--plan", "--json")
    assert plan.json["plan"]["steps"][1]["call"]["asked"]["perPage"] == 50
    assert (plan.json["account"], plan.json["forecast"]) == (None, None)
    assert "nobody knows when" in cli(*WISH, "--plan").out
    assert cli("ledger", "--json").json["entries"] == []
    cli("status")
    assert "it can be paid for now" in cli(*WISH, "--plan").out
    ahead = cli(*WISH, "--plan", "--json").json["forecast"]
    assert ahead["paid_in_seconds"] == 0
    assert ahead["free"] - ahead["leaves_least"] == 26


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (["--max-wait", "0"], "in about"),
        (["--max-wait", "30"], "in about"),
        (["--max-tokens", "25"], "up to 26 tokens, and 25 are allowed"),
    ],
)
@pytest.mark.parametrize("command", [WISH, [*NICHES[:-1], "1", "--sample", "1"]])
def test_the_whole_is_refused_before_the_first_call(cli, seen, limits, words, command):
    """A first step alone could be paid for, the whole could not: nothing is sent."""
    seen(25, 5)
    ended = cli(*command, *limits, "--json")
    assert (ended.code, ended.out) == (3, "")
    assert words.replace("26", "63" if command[0] == "niches" else "26") in ended.sentence
    kinds = {entry["kind"] for entry in cli("ledger", "--json").json["entries"]}
    assert kinds == {"observed"} | ({"refusal"} if "about" in words else set())


def test_nothing_fits(cli, rich):
    """An empty result is said to be one."""
    ended = cli("discover", "--category", "3760911", "--price", "..0.01")
    assert ended.code == 0
    assert "nothing fits" in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--category", "999"], "there is no category 999 on amazon.com"),
        (["--category", "7792528011"], "category 7792528011 (Serums) is no root category"),
        (["--category", "serums"], 'keepahead category "serums" finds it'),
        (["--no-amazon", "--amazon-price", "1..2"], "nothing was sent"),
        (["--brand", "Acme", "--not-brand", "acme"], "leave it out"),
        (["--stars", "4.55.."], "at most one decimal"),
        (["--changed-within", "90m"], "must be whole hours"),
        (["--branch", "1", "--sort", "price"], "No road answers these criteria"),
        (["--category", "3760911", "--domain", "br", "--road", "best-sellers"], "amazon.com.br"),
        ([], "at least one criterion"),
    ],
)
def test_a_wrong_wish(cli, rich, arguments, words):
    """Each wrong wish ends with one sentence that names what is wrong; at most the token for a category was spent."""
    ended = cli("discover", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.sentence
    assert sum(entry.get("tokens") or 0 for entry in cli("ledger", "--json").json["entries"] if
               entry["kind"] == "settled") <= 1  # fmt: skip


def test_other_wishes(cli, rich):
    """Every option is part of the selection, in Keepa's units."""
    ended = cli(
        *("discover", "--subcategory", "7792528011", "--title", "serum -oil", "--brand", "Acme", "--not-brand", "Bolt"),
        *("--sort", "-price", "--domain", "de", "--price", "9.99..", "--buybox-price", "..20", "--fba-price", "5.."),
        *("--amazon-price", "1..", "--used-price", "..2", "--stars", "4.2..5", "--reviews", "10..", "--offers", "2..9"),
        *(
            "--used-offers",
            "..1",
            "--fba-offers",
            "1..",
            "--drops-30",
            "1..",
            "--drops-90",
            "2..",
            "--drops-180",
            "3..",
        ),
        *("--sold", "50..", "--price-drop", "10..", "--changed-within", "2d", "--amazon", "--plan", "--json"),
    )
    asked = ended.json["plan"]["steps"][1]["call"]
    assert asked["domain"] == 3
    chosen = asked["asked"]
    assert chosen["sort"] == [["current_NEW", "desc"]]
    assert chosen["brand"] == ["Acme", "✜Bolt"]
    assert (chosen["current_NEW_gte"], chosen["current_BUY_BOX_SHIPPING_lte"]) == (999, 2000)
    assert (chosen["current_RATING_gte"], chosen["current_RATING_lte"]) == (42, 50)
    assert chosen["availabilityAmazon"] == [0]
    assert len(chosen) == 28
    words = cli("discover", "--domain", "jp", "--price", "900..", "--stars", "4..", "--no-amazon", "--plan").out
    assert "price 900.. JPY, 4.. stars, not in stock at Amazon" in words


def test_a_road_of_choice(cli, rich):
    """--road takes another road, whose details decide on what it does not apply; what is left out is told."""
    ended = cli(*WISH, "--road", "best-sellers")
    assert ended.code == 0
    assert "best-sellers: asked for" in ended.err
    assert "left out: " in ended.err
    assert len(ended.out.splitlines()) == 7


def test_niches(cli, rich):
    """Sub-categories come best first, with scores; in JSON with insights and sample; the cost lies within the plan."""
    ended = cli(*NICHES)
    assert ended.code == 0
    assert ended.out.split()[:4] == ["niche", "id", "products", "score"]
    assert len(ended.out.splitlines()) == 3
    assert "more sub-categories: not looked at" in ended.err
    document = cli(*NICHES, "--json").json
    assert len(document["niches"]) == 2
    assert all(0 < each["scores"]["total"] <= 100 and each["insights"]["avgBuyBox"] for each in document["niches"])
    assert document["account"]["spent"] <= document["plan"]["cost"]["tokens_max"]


def test_the_plan_of_niches(cli, rich):
    """--plan shows what looking for niches takes, and sends nothing."""
    cli("status")
    plan = cli(*NICHES, "--plan").out.splitlines()
    assert plan[0] == "plan: up to 2 niches on amazon.com, category 3760911, rank ..20,000, price 10.00..50.00 USD"
    assert plan[4] == "together at most 123 tokens, 100 likely"
    assert "it can be paid for now" in plan[5]
    assert cli(*NICHES, "--plan", "--json").json["plan"]["root"] == 3760911
    assert cli("niches", "--rank", "1..5").code == 2
