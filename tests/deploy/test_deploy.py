"""What is under deploy/ fits what a gateway shows: every metric and label that is named there exists."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.faces.gateway.scraped import Scraped, scrape
from tests.gateway_house import GatewayHouse
from tests.house import run

from keepahead.budget.lane import LIVE
from keepahead.errors import InsufficientTokensError, MaxTokensError
from keepahead.faces.gateway.follower import BEAT_SECONDS
from keepahead.store.outbox import Letter, Outbox

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "keepahead.rules.yml"
DASHBOARD = DEPLOY / "grafana" / "keepahead.json"
PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"

NAME = re.compile(r"\b(?:keepahead|http_server)_[a-z_]+[a-z]")
RECORDED = re.compile(r"\bkeepahead:[a-z_]+:[a-z0-9]+")
LABELS = re.compile(r"(\b(?:keepahead|http_server)_[a-z_]+[a-z])\{([^}]*)\}")
FROM_PROMETHEUS = {"job", "instance", "le"}
VARIABLES = {"$__rate_interval": "5m", "$job": "keepahead"}

promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> Scraped:
    """Return what a gateway shows at which everything has happened once."""

    async def main():
        folder = tmp_path_factory.mktemp("deploy")
        url = f"sqlite:///{folder / 'house.db'}"
        async with GatewayHouse(folder, balance=500).opened(database_url=url, api_key="k" * 64) as house:
            await house.gateway._keepa.status()
            person = house.gateway._keepa.on_behalf_of("person", LIVE, max_wait_seconds=0)
            await person.products(["B0D8W1YVBX"])
            await person.best_sellers(283155)
            with pytest.raises((InsufficientTokensError, MaxTokensError)):
                await person.lightning_deals(None)
            with house.books() as (ledger, _):
                now = house.clock.now()
                told = Letter(channel="log", rule="low", subject="", is_over=False, headline="49 are left", alert="{}")
                Outbox(ledger.database, ledger.fingerprint).put([told], now)
            await house.clock.sleep_async(2 * BEAT_SECONDS)
            await spend_fast(house)
            async with house.client("read", **{"X-API-Key": house.first_key or ""}) as client:
                await client.get("/health")
                return await scrape(client)

    return run(main())


async def spend_fast(house: GatewayHouse) -> None:
    """Spend at a pace that leads to the floor."""
    person = house.gateway._keepa.on_behalf_of("person", LIVE, max_wait_seconds=0)
    for _ in range(5):
        await person.best_sellers(283155, max_age=0)
    await house.clock.sleep_async(2 * BEAT_SECONDS)


@pytest.fixture(scope="module")
def labels(shown) -> Mapping[str, set[str]]:
    """Return the labels of each metric that is shown, by its name."""
    found: dict[str, set[str]] = {}
    for sample in shown.samples:
        found.setdefault(sample.name, set()).update(sample.labels)
    return found


def strings(node: Any, name: str) -> Iterator[str]:
    """Yield all strings of that name, however deep they lie."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == name and isinstance(value, str):
                yield value
            yield from strings(value, name)
    elif isinstance(node, list):
        for each in node:
            yield from strings(each, name)


def dashboard_queries() -> list[str]:
    """Return all queries of the dashboard."""
    document = json.loads(DASHBOARD.read_text())
    return [*strings(document["panels"], "expr"), *strings(document["annotations"], "expr")]


def rule_text() -> str:
    """Return the rules without comments."""
    return "\n".join(line for line in RULES.read_text().splitlines() if not line.lstrip().startswith("#"))


@pytest.mark.parametrize("text", [rule_text(), *dashboard_queries()])
def test_every_metric_and_label_exists(text, labels):
    """Rules and dashboard name metrics that are shown, and labels that those have."""
    names = set(NAME.findall(text))
    assert names <= labels.keys()
    for name, inside in LABELS.findall(text):
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside)) <= labels[name] | FROM_PROMETHEUS
    known = FROM_PROMETHEUS.union(*(labels[name] for name in names))
    for by in re.findall(r"\b(?:by|without) \(([^)]*)\)", text):
        assert {each.strip() for each in by.split(",")} <= known


def test_every_metric_is_on_the_page(shown):
    """docs/metrics.md has a row for every metric that is shown, with its type and its labels, and for no other."""
    rows = dict(re.findall(r"^\| `((?:keepahead|http)_[a-z_]+)` \| (\w+ \|[^|]*)\|", PAGE.read_text(), re.MULTILINE))
    told: dict[str, tuple[str, set[str]]] = {}
    for family in shown.families.values():
        if family.name != "target_info":
            name = f"{family.name}_total" if family.type == "counter" else family.name
            told[name] = family.type, {label for each in family.samples for label in each.labels} - {"le"}
    assert rows.keys() == told.keys()
    for name, (kind, names) in told.items():
        type_of, _, labelled = rows[name].partition(" |")
        assert type_of == kind, name
        assert set(re.findall(r"`(\w+)`", labelled)) == names, name


def test_the_dashboard_is_one():
    """The dashboard has panels that do not overlap, each with a query, and names no data source of ours."""
    document = json.loads(DASHBOARD.read_text())
    panels = document["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 10
    cells = [
        (x, y)
        for panel in panels
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert all(panel["targets"] and panel["title"] for panel in panels)
    assert set(strings(document["panels"], "uid")) == {"${datasource}"}


@promtool
def test_prometheus_takes_the_rules():
    """`promtool check rules` finds nothing wrong, and `promtool check config` nothing in the scrape configuration."""
    scrape_yml = RULES.parent / "scrape.yml"
    for check in (["rules", str(RULES)], ["config", "--syntax-only", str(scrape_yml)]):
        done = subprocess.run(["promtool", "check", *check], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout


@promtool
def test_prometheus_takes_the_queries(tmp_path):
    """Every query of the dashboard is one that Prometheus understands."""
    lines = ["groups:", "  - name: dashboard", "    rules:"]
    for number, query in enumerate(dashboard_queries()):
        for name, value in VARIABLES.items():
            query = query.replace(name, value)  # noqa: PLW2901 - as Grafana does it
        lines += [f"      - record: panel:{number}", f"        expr: {json.dumps(query)}"]
    rules = tmp_path / "dashboard.yml"
    rules.write_text("\n".join(lines))
    done = subprocess.run(["promtool", "check", "rules", str(rules)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout


@promtool
def test_the_rules_fire_when_they_should():
    """With made-up scrapes each rule fires for what it is for, once for several gateways, and not before."""
    cases = Path(__file__).parent / "rules.test.yml"
    done = subprocess.run(["promtool", "test", "rules", str(cases)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout


@promtool
def test_what_a_gateway_shows_is_sound(shown):
    """`promtool check metrics` finds nothing wrong in names, types and help of what is shown."""
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=shown.text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
