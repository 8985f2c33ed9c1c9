"""The page "Now": what is left, live, from the first call on."""

import threading

import pytest
from playwright.sync_api import expect
from tests.faces.dashboard.browser import SIZES, keep_picture, opened
from tests.faces.dashboard.ledgers import fire
from tests.faces.gateway.served_gateway import ServedGateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A served gateway whose bucket holds 90 tokens."""
    with ServedGateway(tmp_path_factory.mktemp("now"), "--balance", "90") as served:
        yield served


def test_from_nothing_to_everything(chromium, gateway):
    """A fresh gateway says how to begin; then each fact appears by itself, and the page is never loaded again."""
    with opened(chromium, gateway.base, gateway.key) as (page, watched), gateway.client() as client:
        page.evaluate("window.isSame = true")
        expect(page.get_by_text(f"{gateway.base}/keepa", exact=True)).to_be_visible()
        keep_picture(page, "now-first-wide-light")
        page.get_by_role("button", name="Ask Keepa now").click()
        gauge = page.get_by_role("meter", name="Tokens left")
        expect(gauge).to_have_attribute("aria-valuenow", "90")
        expect(gauge).to_have_attribute("aria-valuemax", "1200")
        expect(page.get_by_text("Floor 10")).to_be_visible()

        assert client.get(f"/api/v1/bestsellers/{283155}").status_code == 200
        left = gateway.tokens()["tokensLeft"]
        expect(gauge).to_have_attribute("aria-valuenow", str(left))
        expect(page.get_by_text("Low: below 50")).to_be_visible()
        today = page.get_by_role("region", name="Today")
        expect(today).to_contain_text("50")

        assert client.get(f"/api/v1/bestsellers/{283155}").status_code == 200
        expect(today).to_contain_text("The archive saved 50 tokens.")
        refill = page.get_by_role("region", name="Refill").locator("time").first
        before = refill.inner_text()
        expect(refill).not_to_have_text(before)  # counted in the browser

        def wait_in_line() -> None:
            with gateway.client() as another:
                another.get("/api/v1/bestsellers/1055398", params={"deadline": 30})

        waiter = threading.Thread(target=wait_in_line)
        waiter.start()
        line = page.get_by_role("region", name="Waiting calls").get_by_role("row").nth(1)
        expect(line).to_contain_text("live")
        expect(line).to_contain_text("50")
        expect(line.locator("time").nth(1)).to_contain_text("in ")
        where = gateway.environment["KEEPAHEAD_DATABASE_URL"], gateway.environment["KEEPAHEAD_UPSTREAM_URL"]
        fire(*where, "40 tokens are left; low is below 50")
        fire(*where, "the floor <b>is</b> near", severity="critical")
        headlines = page.get_by_role("alert").locator(".kh-note")
        expect(headlines.first).to_have_text("Critical: the floor <b>is</b> near")
        expect(headlines.nth(1)).to_have_text("Warning: 40 tokens are left; low is below 50")
        assert page.evaluate("window.isSame")
        assert watched.complaints == []
        for size in SIZES:
            for theme in ("light", "dark"):
                with opened(chromium, gateway.base, gateway.key, size=size, theme=theme) as (other, seen):
                    expect(other.get_by_role("meter")).to_have_attribute("aria-valuemax", "1200")
                    assert other.evaluate("document.documentElement.scrollWidth <= innerWidth")
                    keep_picture(other, f"now-{size}-{theme}")
                    assert seen.complaints == []
        waiter.join()
