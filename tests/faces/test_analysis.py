"""analyse, verify, chart: what they print, what they write, and what they spend."""

import json
import re
from pathlib import Path

import pytest

SERUM, GLASS = "B0D8W1YVBX", "B0F7XPYCSJ"

SERUM_TOLD = """\
B0D8W1YVBX EQQUALBERRY Vitamin Illuminating Serum | Niacinamide 4% + Brightening Vitamin C Face Serum with Hyaluronic \
Acid & Vitamin E | Dark Spot, Uneven Tone Care | Korean Skincare, 1.01 fl.oz
CONSIDER     a return of 57% at this buying price
             about 100,000 sold a month: Amazon says 100,000 or more
             one seller had the Buy Box 95% of the time
             the data is N days old
             the price is 17% below its mean of 90 days
             BUY asks for a risk of at most 45, and it is 54
             BUY asks for fresh data
velocity 79  about 100,000 sold a month: Amazon says 100,000 or more; \
the rank of the last 30 days is worse than that of 90 (43 and 28)
risk 54      one seller had the Buy Box 95% of the time; the data is N days old; \
the price is 17% below its mean of 90 days; the rank of the last 30 days is 1.6 times the mean of 90; \
the price swings by 12%; 1.4 times as many offers as in the last 90 days

mean over        now  30 days  90 days  180 days  365 days
price, USD     14.99    17.64    18.05     18.53     19.11
lowest price       -    14.99    14.99     14.99     14.99
highest price      -    19.99    24.99     24.99     24.99
not offered        -       0%      <1%       <1%       <1%
sales rank        23       43       28        63       656
new offers         5      3.8      3.5       2.8       2.4

sales a month  about 100,000 (100,000 or more, by monthlySold)
a newcomer's   about 1,163: an equal share of what is left, with 3 rivals
rank drops     35 in 30, 75 in 90, 165 in 180, 424 in 365
offers         5 new, 3 by FBA and 2 by the merchant
Amazon         does not sell it now; offered it 0% of 90 days, had the Buy Box 0%
Buy Box        AFZNN5H6MIT2Z had it 95% of 90 days; 4 sellers in all
volatility     price 12%, rank 55%
stock-outs     1 in 90 days, <1% of the time
season         not known
selling price  14.99 USD
fees           6.34: referral 2.25 (15.01%), pick and pack 4.09
buying price   5.50: profit 3.15, return 57%
pay at most    6.65 for the return aimed at; no loss up to 8.65
note           all counts back from 2026-05-10, when Keepa last looked, N days ago
               a season cannot be told from 19 whole months of ranks; it takes 24
"""


def told(text: str) -> str:
    """What was printed, with the age of the recording left out."""
    return re.sub(r"\d+ days (old|ago)", r"N days \1", text)


def test_an_analysis_for_people(cli, rich):
    """One product is told in full: verdict and reasons first, then figures, market and money."""
    ended = cli("analyse", SERUM, "--buying-price", "5.50")
    assert told(ended.out) == SERUM_TOLD
    assert ended.err.startswith("spent 3 tokens; ")


def test_several_analyses(cli, rich):
    """Several products are a table; an assumed buying price has a star."""
    ended = cli("analyse", SERUM, GLASS, "--no-buybox")
    header, first, second = ended.out.splitlines()
    assert header.split()[:5] == ["ASIN", "recommendation", "velocity", "risk", "return"]
    assert first.split()[:5] == [SERUM, "CONSIDER", "79", "54", "15%*"]
    assert second.split()[0] == GLASS
    assert ended.err.startswith("spent 2 tokens; ")


def test_an_analysis_as_json(cli, rich):
    """--json has every figure, every part of every score, and the account."""
    ended = cli("analyse", SERUM, "--buying-price", "5.50", "--json")
    assert set(ended.json) == {"analyses", "missing", "account"}
    (seen,) = ended.json["analyses"]
    assert (seen["asin"], seen["currency"], seen["price"]["current"]) == (SERUM, "USD", 1499)
    assert seen["returns"] | {"roi": 0, "margin": 0} == {
        "buying_price": 550, "buying_price_source": "given", "profit": 315, "roi": 0, "margin": 0,
        "break_even_price": 865, "target_price": 665,
    }  # fmt: skip
    assert seen["recommendation"]["verdict"] == "CONSIDER"


def test_made_up_products(cli, rich):
    """A product of the catalogue is analysed as the real ones are, in its own currency."""
    found = cli("search", "coffee", "--domain", "jp", "--json").json["products"]
    asins = [each["asin"] for each in found]
    ended = cli("analyse", *asins, "--domain", "jp", "--json")
    assert len(ended.json["analyses"]) == len(asins)
    assert {each["currency"] for each in ended.json["analyses"]} == {"JPY"}
    assert any(each["competition"]["amazon_box_share"] for each in ended.json["analyses"])
    assert cli("analyse", *asins, "--domain", "jp", "--no-buybox").code == 0


def test_thresholds_count(cli, rich, monkeypatch):
    """A threshold of the environment changes what the command says."""
    monkeypatch.setenv("KEEPAHEAD_ANALYSIS__ROI_TARGET", "1")
    assert "pay at most    4.32 for the return aimed at" in cli("analyse", SERUM).out
    monkeypatch.setenv("KEEPAHEAD_ANALYSIS__ROI_TARGT", "1")
    assert cli("analyse", SERUM).code == 2
    assert "roi_target" in cli("analyse", SERUM).sentence


def test_saved_and_verified(cli, rich):
    """What analyse saved is what verify compares with, in both its forms; unchanged it is OK."""
    cli("analyse", SERUM, GLASS, "--buying-price", "5.50", "--save", "saved.json")
    Path("stdout.json").write_text(cli("analyse", SERUM, GLASS, "--json").out)
    for name in ("saved.json", "stdout.json"):
        ended = cli("verify", "--expected", name, "--json")
        assert [each["outcome"] for each in ended.json["verifications"]] == ["OK", "OK"]
        assert [each["differences"] for each in ended.json["verifications"]] == [[], []]
    lines = cli("verify", GLASS, "--expected", "saved.json").out.splitlines()
    assert lines[1].split() == [GLASS, "OK", "price,", "offers,", "Amazon,", "return", "as", "before"]


def test_verified_with_differences(cli, rich):
    """Values as options are compared too; each difference has its line, and the worst is the outcome."""
    wanted = ("verify", SERUM, "--price", "20", "--rank", "10", "--offers", "5", "--no-amazon")
    ended = cli(*wanted)
    assert ended.code == 0
    assert ended.out.splitlines()[1:] == [
        f"{SERUM}  AVOID    price  the price fell from 20.00 USD to 14.99 USD (-25%)",
        f"{SERUM}  CHANGED  rank   the rank is worse: 10 to 23",
    ]
    assert cli(*wanted, "--json").json["verifications"][0]["outcome"] == "AVOID"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["analyse"], "give ASINs"),
        (["analyse", SERUM, "--buying-price", "cheap"], "is no price"),
        (["analyse", SERUM, "--buying-price", "1.234"], "at most 2 decimals"),
        (["analyse", SERUM, "--save", "nowhere/a.json"], "No such file or directory; nothing was spent"),
        (["verify", SERUM], "give --expected FILE, or what you expect"),
        (["verify", SERUM, "--expected", "saved.json", "--rank", "3"], "give --expected FILE, or what you expect"),
        (["verify", "--rank", "3"], "give ASINs"),
        (["verify", "--expected", "none.json"], "cannot be read"),
        (["verify", "--expected", "junk.json"], "holds no analyses"),
        (["verify", "--expected", "saved.json", "--domain", "de"], "no analysis for this marketplace"),
        (["verify", SERUM, "--expected", "saved.json"], f"holds nothing of {SERUM}"),
        (["chart", SERUM, "-o", "a.gif"], "known are .png, .svg"),
        (["chart", SERUM, "-o", "nowhere/a.png"], "nothing was spent"),
        (["chart", SERUM, "-o", "junk.png"], "--force replaces it"),
        (["chart", SERUM, "-o", "a.png", "--days", "0"], "days"),
    ],
)
def test_bad_input(cli, seen, arguments, told):
    """What cannot be is a usage error before anything is sent."""
    seen(500)
    Path("junk.json").write_text("[1]")
    Path("junk.png").write_text("mine")
    Path("saved.json").write_text('{"analyses": [{"asin": "B000000001", "domain": 1}]}')
    ended = cli(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.sentence
    assert [each["kind"] for each in cli("ledger", "--json").json["entries"]] == ["observed"]


@pytest.mark.parametrize(("ending", "begins"), [("png", b"\x89PNG"), ("svg", b"<svg")])
def test_a_chart(cli, rich, ending, begins):
    """A chart is a picture by the ending of its name; nothing else is left in the folder."""
    ended = cli("chart", SERUM, "--output", f"chart.{ending}")
    assert ended.code == 0
    assert ended.out == ""
    assert "chart of B0D8W1YVBX, 2025-05-10 to 2026-05-10, written to" in ended.err
    assert Path(f"chart.{ending}").read_bytes().startswith(begins)
    assert [path.name for path in Path().iterdir()] == [f"chart.{ending}"]


def test_a_chart_as_json(cli, rich):
    """--json says where the picture is and what it shows."""
    ended = cli("chart", GLASS, "--output", "chart.svg", "--all", "--json")
    assert ended.json["chart"]["output"] == str(Path("chart.svg").absolute())
    assert ended.json["chart"]["since"].startswith("2025-05-13")
    svg = Path("chart.svg").read_text()
    assert "10 pcs Lab-Grade" in svg
    assert "price, USD" in svg


def test_a_chart_of_nothing(cli, answers):
    """A product without price and rank is one sentence and no file; one that Keepa does not have too."""
    envelope = {
        "timestamp": 1_800_000_000_000,
        "tokensLeft": 99,
        "refillIn": 1000,
        "refillRate": 20,
        "tokensConsumed": 1,
    }
    answers(
        (200, json.dumps(envelope | {"tokensConsumed": 0, "tokenFlowReduction": 0.0}).encode()),
        (
            200,
            json.dumps(envelope | {"products": [{"asin": SERUM, "domainId": 1}], "tokenFlowReduction": 0.0}).encode(),
        ),
    )
    ended = cli("chart", SERUM, "--output", "chart.png")
    assert ended.code == 1
    assert "neither a price nor a rank" in ended.sentence
    assert list(Path().iterdir()) == []
