"""product, search, seller, category, bestsellers, deals: what they print and what they spend."""

import gzip
import io
import json
from pathlib import Path

import pytest

RECORDED = "B0D8W1YVBX"
SELLER = "A2YCVUVTA1ANJ"
BODY = Path(__file__).parents[1] / "data" / "recordings" / f"{RECORDED}-full.json.gz"
ACCOUNT = {
    "spent",
    "archived",
    "stale",
    "spent_today",
    "external_today",
    "saved_today",
    "balance",
    "free",
    "capacity",
    "refill_rate_per_minute",
    "flow_reduction_per_minute",
    "next_refill_at",
    "next_refill_in_seconds",
    "reserved",
    "unknown",
    "floor",
    "full_at",
    "full_in_seconds",
    "waiting",
    "measured_at",
}


def test_the_recorded_product_and_its_account(cli, rich):
    """`product B0D8W1YVBX --json` gives the real recorded product as Keepa sent it, and the account."""
    ended = cli("product", RECORDED, "--rating", "--buybox", "--stats", "90", "--json")
    assert ended.code == 0
    assert set(ended.json) == {"products", "missing", "origin", "account"}
    real = json.loads(gzip.decompress(BODY.read_bytes()))["products"][0]
    (product,) = ended.json["products"]
    assert product["title"] == real["title"]
    assert product["csv"][:4] == real["csv"][:4]
    account = ended.json["account"]
    assert set(account) == ACCOUNT
    assert account["spent"] in {3, 4}  # the rating is charged if it is fresh
    assert account["reserved"] == account["unknown"] == 0


def test_without_a_key_the_simulator_answers(program):
    """A newcomer's first command works, and says on stderr that no real token is spent."""
    ended = program("product", RECORDED, "--no-history", "--json")
    assert ended.code == 0
    assert ended.json["products"][0]["asin"] == RECORDED
    assert "csv" not in ended.json["products"][0]
    assert ended.err.splitlines()[0].startswith("no KEEPA_API_KEY is set: the built-in simulator")
    assert ended.err.splitlines()[-1].startswith("spent 1 token; 1,199 tokens left of 1,200")


def test_a_table_for_people(cli, rich):
    """Without --json there is a table without colours or line breaks, and the account below on stderr."""
    ended = cli("product", RECORDED, "B0F7XPYCSJ", "--rating")
    header, first, second = ended.out.splitlines()
    assert header.split() == ["ASIN", "title", "USD", "rank", "offers", "rating", "sold/month"]
    assert first.startswith(f"{RECORDED}  EQQUALBERRY Vitamin")
    assert "14.99" in first
    assert second.startswith("B0F7XPYCSJ  10 pcs")
    assert "\x1b" not in ended.out
    assert ended.err.startswith("spent 2 tokens; ")


def test_prices_without_histories_come_from_the_statistics(cli, rich):
    """--no-history still shows prices when there are statistics."""
    assert "14.99" in cli("product", RECORDED, "--no-history", "--stats", "30").out


def test_asins_come_from_files_and_stdin(cli, rich, tmp_path, monkeypatch):
    """--file takes one ASIN a line, with comments and blank lines; - is stdin; repeats cost once."""
    listed = tmp_path / "asins.txt"
    listed.write_text(f"\ufeff# mine\n{RECORDED}\n\nB0F7XPYCSJ  # the other\n{RECORDED}\n")
    from_file = cli("product", "--file", str(listed), "--json")
    assert [each["asin"] for each in from_file.json["products"]] == [RECORDED, "B0F7XPYCSJ"]
    assert from_file.json["account"]["spent"] == 2
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{RECORDED}\n"))
    from_stdin = cli("product", "--file", "-", "--json")
    assert len(from_stdin.json["products"]) == 1


def test_codes_need_a_bound(cli, rich):
    """Codes without --code-limit have no bound and are refused; with one, or allowed, they go."""
    real = json.loads(gzip.decompress(BODY.read_bytes()))["products"][0]
    code = real["eanList"][0]
    refused = cli("product", "--code", code, "--json")
    assert (refused.code, refused.out) == (3, "")
    assert "code-limit" in refused.sentence
    found = cli("product", "--code", code, "--code-limit", "2", "--json")
    assert found.code == 0
    assert all(code in each["eanList"] for each in found.json["products"])
    assert cli("product", "--code", code, "--allow-unbounded", "--max-tokens", "5", "--json").code == 0


def test_what_keepa_does_not_have_is_named(cli, rich):
    """Sellers that Keepa does not know are listed as missing, and cost nothing."""
    ended = cli("seller", "AAAAAAAAAAAAA0", "--json")
    assert ended.json["missing"] == ["AAAAAAAAAAAAA0"]
    assert ended.json["sellers"] == {}
    assert ended.json["account"]["spent"] == 0
    assert "Keepa has nothing for AAAAAAAAAAAAA0" in cli("seller", "AAAAAAAAAAAAA0").err


def test_search(cli, rich):
    """Words find ten products for ten tokens."""
    ended = cli("search", "coffee", "beans", "--no-history", "--json")
    assert set(ended.json) == {"products", "account"}
    assert len(ended.json["products"]) == 10
    assert ended.json["account"]["spent"] == 10
    assert len(cli("search", "coffee", "--asins-only").out.splitlines()) == 11


def test_best_sellers(cli, rich):
    """The list is in order; the table shows its beginning and says so."""
    ended = cli("bestsellers", "3760911", "--json")
    assert set(ended.json["bestsellers"]) == {"domain", "category", "asins", "updated_at"}
    assert ended.json["account"]["spent"] == 50
    table = cli("bestsellers", "3760911", "--limit", "3")
    assert table.out.splitlines()[1].split() == ["1", ended.json["bestsellers"]["asins"][0]]
    assert len(table.out.splitlines()) == 4
    assert "3 of " in table.err


def test_categories_by_id_and_by_words(cli, rich):
    """Digits look up, words search, 0 lists the roots."""
    by_id = cli("category", "3760911", "--json").json["categories"]
    assert by_id["3760911"]["name"] == "Beauty & Personal Care"
    by_words = cli("category", "beauty", "personal", "--json").json["categories"]
    assert "3760911" in by_words
    roots = cli("category", "0")
    assert "Beauty & Personal Care" in roots.out
    assert "root" in roots.out
    assert "no category has these words" in cli("category", "zzzzzz").err


def test_sellers(cli, rich):
    """Sellers come under their ids, as Keepa sent them."""
    ended = cli("seller", SELLER, "--json")
    assert ended.json["sellers"][SELLER]["sellerId"] == SELLER
    assert ended.json["account"]["spent"] == 1
    table = cli("seller", SELLER)
    assert table.out.splitlines()[0].split() == ["seller", "name", "positive", "ratings", "products"]


def test_deals(cli, rich):
    """Deals fit the ranges; the table shows price, mean and drop."""
    ended = cli("deals", "--percent", "20..90", "--price", "5..100", "--range", "week", "--json")
    assert set(ended.json) == {"deals", "categories", "account"}
    assert ended.json["deals"]
    for deal in ended.json["deals"]:
        assert 500 <= deal["current"][1] <= 10_000
        assert deal["deltaPercent"][1][1] >= 20
    table = cli("deals", "--limit", "2")
    assert len(table.out.splitlines()) == 3
    assert "%" in table.out.splitlines()[1]


@pytest.mark.parametrize(
    ("domain", "code"),
    [("de", 0), ("amazon.co.jp", 0), ("3", 0), ("7", 2), ("moon", 2), ("", 2)],
)
def test_domains(cli, rich, domain, code):
    """A marketplace is a number or a name; a wrong one is a usage error."""
    assert cli("category", "0", "--domain", domain, "--json").code == code


def test_refusals_name_the_time(cli, seen):
    """What cannot be paid for in time ends with code 3, says when it could be, and spends nothing."""
    seen(14, 5)
    refused = cli("bestsellers", "3760911", "--max-wait", "0", "--json")
    assert (refused.code, refused.out) == (3, "")
    assert "50 tokens" in refused.sentence
    assert "in about" in refused.sentence
    assert cli("product", RECORDED, "B0F7XPYCSJ", "--max-tokens", "1").code == 3
    never = cli("product", RECORDED, "--offers", "100", "--max-wait", "0")
    assert never.code == 3
    assert cli("status", "--json").json["account"]["balance"] == 14
