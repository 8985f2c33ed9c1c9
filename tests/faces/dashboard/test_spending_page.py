"""The page of spending in a real browser: what was charged, to whom, when, and how well that was foreseen."""

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from tests.faces.dashboard.browser import keep_picture, opened, reload
from tests.faces.dashboard.past import make_past
from tests.faces.gateway.served_gateway import ServedGateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A served gateway with a past of a month."""
    with ServedGateway(tmp_path_factory.mktemp("spending"), "--rate", "1000") as served:
        make_past(served)
        yield served


def headline(page: Page, name: str) -> int:
    """A figure at the top."""
    box = page.locator(".kh-headlines > div", has=page.get_by_text(name, exact=True))
    return int(box.locator(".kh-figure").inner_text().replace(",", ""))


def rows(page: Page, label: str) -> list[list[str]]:
    """The cells of a table."""
    table = page.locator(f'.kh-figures[aria-label="{label}"]')
    return [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]


def test_figures_are_those_of_the_record(chromium, gateway):
    """A month by caller: the sums of the API, the chart's figures in a table, somebody else by name."""
    with (
        opened(chromium, gateway.base, gateway.key, path="/spending") as (page, watched),
        closing(gateway.client()) as client,
    ):
        page.get_by_role("button", name="30 days").click()
        page.get_by_role("button", name="Caller").click()
        page.wait_for_url("**/spending?range=30d&by=caller")
        expect(page.get_by_role("heading", name="By day")).to_be_visible()
        since = (datetime.now(UTC) - timedelta(days=29)).date().isoformat()
        told = client.get(f"/api/v1/ledger/sums?by=caller&since={since}").json()["totals"]
        ours = [each for each in told if each["group"]]
        assert headline(page, "Charged") == sum(each["charged"] for each in ours)
        shown = rows(page, "Tokens by caller")
        assert {row[0].split("\n")[0] for row in shown} == {each["group"] or "(somebody else)" for each in told}
        page.get_by_text("Figures", exact=True).click()
        stacked = page.locator('.kh-figures[aria-label="Tokens over time"]')
        expect(stacked.get_by_text("(somebody else)")).to_be_visible()
        total = sum(int(row[1].replace(",", "")) for row in rows(page, "Tokens over time"))
        assert total == headline(page, "Charged") + headline(page, "Somebody else")
        beyond = rows(page, "What was set aside, and what was charged")
        assert {row[0] for row in beyond} == {each["group"] for each in ours}
        assert all(int(row[5]) > 0 and int(row[6]) > 0 for row in beyond)
        assert page.get_by_role("img", name=re.compile("same figures")).count() == 2
        reload(page)
        expect(page.get_by_role("heading", name="By day")).to_be_visible()
        expect(page.get_by_role("button", name="Caller")).to_have_attribute("aria-pressed", "true")
        dearest = page.locator('.kh-figures[aria-label="The dearest calls"] tbody tr').first
        expect(dearest).to_contain_text("bestsellers")
        dearest.press("Enter")
        page.wait_for_url("**/ledger?call=*")
        expect(page.get_by_role("dialog")).to_contain_text("Keepa charged 50 tokens")
        assert watched.complaints == []


def test_it_follows_the_ledger(chromium, gateway):
    """What is spent while somebody looks is added to every figure, without a reload."""
    with (
        opened(chromium, gateway.base, gateway.key, path="/spending?range=today&by=lane") as (page, watched),
        closing(gateway.client()) as client,
    ):
        expect(page.locator(".kh-figures").first).to_be_attached()
        before, calls = headline(page, "Charged"), headline(page, "Calls")
        answer = client.get("/api/v1/bestsellers/283155?max_age=0")
        assert answer.status_code == 200, answer.text
        expect(page.locator('.kh-figures[aria-label="Tokens by caller"]')).to_contain_text("admin", timeout=4_000)
        assert headline(page, "Calls") == calls + 1
        assert headline(page, "Charged") == before + 50
        expect(page.locator('.kh-figures[aria-label="The dearest calls"]')).to_contain_text("admin")
        live = next(row for row in rows(page, "What was set aside, and what was charged") if row[0] == "live")
        assert int(live[3].replace(",", "")) >= 50
        assert watched.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "phone"])
def test_pictures(chromium, gateway, size, theme):
    """Charts and figures fit into both sizes."""
    path = "/spending?range=30d&by=endpoint"
    with opened(chromium, gateway.base, gateway.key, size=size, theme=theme, path=path) as (page, watched):
        page.locator("canvas").nth(1).wait_for()
        page.locator('.kh-figures[aria-label="The dearest calls"] tbody tr').first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        keep_picture(page, f"spending-{size}-{theme}")
        assert watched.complaints == []
