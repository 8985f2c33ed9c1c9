"""The page "Balance": a week of it, and what comes, live."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from tests.faces.dashboard.browser import SIZES, keep_picture, opened
from tests.faces.dashboard.ledgers import fill_past
from tests.faces.gateway.served_gateway import ServedGateway

_SERIES = """() => {
  const chart = getElement(document.querySelector(".kh-chart").id.slice(1)).chart;
  return Object.fromEntries(chart.getOption().series.map((each) => [each.id, each.data.length]));
}"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A served gateway that has spent for a week."""
    folder = tmp_path_factory.mktemp("balance")
    with ServedGateway(folder, "--balance", "400") as served:
        where = served.environment["KEEPAHEAD_DATABASE_URL"], served.environment["KEEPAHEAD_UPSTREAM_URL"]
        now = datetime.now(UTC)
        fill_past(*where, now - timedelta(days=7), now - timedelta(hours=1), calls=900)
        fill_past(*where, now - timedelta(hours=1), now, calls=60)
        yield served


def test_the_past_and_what_comes(chromium, gateway):
    """Each span shows its past; a call adds its points to what is there, and the words follow."""
    with opened(chromium, gateway.base, gateway.key, path="/balance") as (page, watched), gateway.client() as client:
        page.evaluate("window.isSame = true")
        client.get("/api/v1/budget")
        page.wait_for_function(f"({_SERIES})().balance > 20")
        expect(page.get_by_text("In the last hour the balance was between")).to_be_visible()
        before = page.evaluate(_SERIES)
        assert min(before[name] for name in ("held", "nothing")) > 1
        client.get(f"/api/v1/products/{gateway.some(1)[0]}")
        page.wait_for_function(f"({_SERIES})().held == {before['held'] + 1}")
        page.wait_for_function(f"({_SERIES})().pace > 1")
        for name in ("week", "day"):
            page.get_by_role("button", name=f"Last {name}").click()
            expect(page.get_by_text(f"In the last {name} the balance was between")).to_be_visible()
        coarse = page.evaluate(_SERIES)["balance"]
        page.locator(".kh-chart canvas").hover()
        for _ in range(8):
            page.mouse.wheel(0, -300)
        page.wait_for_function(f"({_SERIES})().balance > {coarse}")
        expect(page.get_by_role("status")).to_contain_text("At the pace of the last 5 minutes")
        assert page.evaluate("window.isSame")
        assert watched.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pictures(chromium, gateway, size, theme):
    """At both sizes and in both themes it fits, and shows hour and week."""
    with opened(chromium, gateway.base, gateway.key, size=size, theme=theme, path="/balance") as (page, _):
        page.wait_for_function(f"({_SERIES})().balance > 20")
        keep_picture(page, f"balance-{size}-{theme}")
        page.get_by_role("button", name="Last week").click()
        expect(page.get_by_text("In the last week the balance was between")).to_be_visible()
        page.wait_for_function(f"({_SERIES})().refused > 5")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        keep_picture(page, f"balance-week-{size}-{theme}")
