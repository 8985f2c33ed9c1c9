"""The page of the ledger in a real browser: found, sorted, turned, opened, and told of what is new."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect
from tests.faces.dashboard.browser import keep_picture, opened, reload
from tests.faces.dashboard.past import make_past
from tests.faces.gateway.served_gateway import ServedGateway

ROWS = "tr.kh-row"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A served gateway with a past of a month."""
    with ServedGateway(tmp_path_factory.mktemp("ledger"), "--rate", "1000") as served:
        served.newest_call = make_past(served)
        yield served


def wait_for_query(page: Page, is_so: Callable[[dict[str, list[str]]], bool]) -> None:
    """Wait until the address says what is looked for: it follows the rows."""
    page.wait_for_url(lambda url: is_so(parse_qs(urlsplit(url).query)))


def texts(page: Page) -> list[str]:
    """What the rows say, whether the browser has got to draw them or not."""
    return page.locator(ROWS).all_text_contents()


def test_find_sort_and_turn(chromium, gateway):
    """Words, filters, order and page are in the address: whoever opens that sees the same. Markup stays text."""
    with opened(chromium, gateway.base, gateway.key, path="/ledger") as (page, watched):
        rows = page.locator(ROWS)
        expect(rows).to_have_count(50)
        first = texts(page)
        page.get_by_role("button", name="On").click()
        expect(rows.first).not_to_have_text(first[0])
        wait_for_query(page, lambda query: "after" in query)
        second = texts(page)
        assert not set(first) & set(second)
        page.get_by_role("button", name="Back").click()
        expect(rows.first).to_contain_text(re.split(r"\s{2,}|\t|\n", first[0])[0])
        assert texts(page) == first
        page.get_by_role("button", name="Tokens").click()
        expect(rows.first).to_contain_text("9,000")
        expect(page.locator("th", has_text="Tokens")).to_have_attribute("aria-sort", "descending")
        expect(page.get_by_role("button", name="Tokens")).to_be_focused()
        page.get_by_label("Search").fill("coffee NIGHTLY")
        expect(page.get_by_text("<b>coffee</b>").first).to_be_visible()
        expect(rows.first).not_to_contain_text("9,000")
        assert all("coffee" in text and "nightly" in text for text in texts(page))
        page.get_by_label("Entry", exact=True).click()
        page.get_by_role("option", name="settled").click()
        expect(rows.first).to_contain_text("settled")
        wanted = {"text": ["coffee NIGHTLY"], "kind": ["settled"], "order": ["most"]}
        wait_for_query(page, lambda query: query == wanted)
        found = texts(page)
        reload(page)
        expect(rows.first).to_contain_text("settled")
        assert texts(page) == found
        assert page.get_by_label("Search").input_value() == "coffee NIGHTLY"
        page.get_by_label("From").fill("the day before")
        expect(page.get_by_text("Write 6h, 7d or 2026-11-22 20:00")).to_be_visible()
        assert texts(page) == found
        page.get_by_label("From").fill("3d")
        expect(page.get_by_text("Write 6h, 7d or")).to_be_hidden()
        expect(rows).not_to_have_count(len(found))
        page.get_by_label("Search").fill("nobody ever")
        expect(page.get_by_text("Nothing in the ledger is so")).to_be_visible()
        page.get_by_role("button", name="Clear search").click()
        expect(rows).to_have_count(50)
        wait_for_query(page, lambda query: query == {"order": ["most"]})
        assert watched.complaints == []


def test_a_call_opens_by_keyboard(chromium, gateway):
    """Enter on a row tells the life of its call, Escape closes it, and its address opens it again."""
    with opened(chromium, gateway.base, gateway.key, path="/ledger") as (page, watched):
        rows = page.locator(ROWS)
        expect(rows).to_have_count(50)
        page.get_by_label("Search").fill(
            gateway.newest_call
        )  # what the page was sent after it was drawn has come by then
        expect(rows).to_have_count(2)
        page.locator("th").first.get_by_role("button").focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        expect(rows.first).to_be_focused()
        page.keyboard.press("ArrowDown")
        expect(rows.nth(1)).to_be_focused()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("18 tokens, 3 more than was set aside")
        for words in (gateway.newest_call, "15 tokens were set aside", "Keepa charged 18 tokens", "1.25 s later"):
            expect(dialog).to_contain_text(words)
        wait_for_query(page, lambda query: query.get("call") == [gateway.newest_call])
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        wait_for_query(page, lambda query: "call" not in query)
        page.goto(f"/ledger?call={gateway.newest_call}")
        expect(page.get_by_role("dialog")).to_contain_text("Keepa charged 18 tokens")
        page.goto("/ledger?call=nosuchcall")
        expect(page.get_by_role("dialog")).to_contain_text("The ledger has no such call")
        page.get_by_role("button", name="Close").click()
        page.goto("/ledger?kind=observed")
        rows.first.click()
        expect(page.get_by_role("dialog")).to_contain_text("spent by somebody else on this key. The bucket held")
        assert watched.complaints == []


def test_new_entries_announce_themselves(chromium, gateway):
    """What comes while somebody reads moves nothing: it is told, where it is wanted, and shown when that is pressed."""
    with (
        opened(chromium, gateway.base, gateway.key, path="/ledger") as (page, _),
        opened(chromium, gateway.base, gateway.key, path="/ledger?caller=nightly") as (other, _),
        closing(gateway.client()) as client,
    ):
        expect(page.locator(ROWS)).to_have_count(50)
        expect(other.locator(ROWS)).to_have_count(50)
        before = texts(page)
        assert client.get(f"/api/v1/products?asins={gateway.some(1)[0]}&max_age=0").status_code == 200
        news = page.get_by_role("button", name=re.compile("new: show"))
        expect(news).to_be_visible(timeout=3_000)
        assert texts(page) == before
        assert other.get_by_text("new: show").count() == 0 or not other.get_by_text("new: show").is_visible()
        news.click()
        expect(page.locator(ROWS).first).not_to_have_text(before[0])
        expect(news).to_be_hidden()
        assert any("settled" in text for text in texts(page)[:3])


def test_a_ledger_that_cannot_be_read(chromium, gateway):
    """Both pages say so, keep what they showed, and recover by themselves."""
    with (
        opened(chromium, gateway.base, gateway.key, path="/ledger") as (page, _),
        opened(chromium, gateway.base, gateway.key, path="/spending") as (other, _),
        closing(
            sqlite3.connect(gateway.environment["KEEPAHEAD_DATABASE_URL"].removeprefix("sqlite:///"), timeout=60)
        ) as file,
    ):
        expect(page.locator(ROWS)).to_have_count(50)
        expect(other.locator(".kh-figures").nth(1)).to_be_visible()
        before = texts(page)
        file.execute("ALTER TABLE entries RENAME TO mislaid")
        for each in (page, other):
            expect(each.get_by_text("The ledger cannot be read")).to_be_visible()
        page.get_by_role("button", name="On").click()
        assert texts(page) == before
        file.execute("ALTER TABLE mislaid RENAME TO entries")
        for each in (page, other):
            expect(each.get_by_text("The ledger cannot be read")).to_be_hidden()
        expect(page.locator(ROWS).first).not_to_have_text(before[0])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "phone"])
def test_pictures(chromium, gateway, size, theme):
    """The table and a call fit into both sizes."""
    with opened(chromium, gateway.base, gateway.key, size=size, theme=theme, path="/ledger?since=1d") as (
        page,
        watched,
    ):
        expect(page.locator(ROWS)).to_have_count(50)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        keep_picture(page, f"ledger-{size}-{theme}")
        page.locator(ROWS, has_text="coffee").first.click()
        expect(page.get_by_role("dialog")).to_contain_text("set aside")
        keep_picture(page, f"ledger-call-{size}-{theme}")
        assert watched.complaints == []


def test_an_empty_ledger_says_what_to_do(chromium, tmp_path):
    """Before the first call both pages say that nothing was spent, and what makes it."""
    with ServedGateway(tmp_path) as fresh, opened(chromium, fresh.base, fresh.key, path="/ledger") as (page, _):
        expect(page.get_by_text("Nothing was spent yet")).to_be_visible()
        keep_picture(page, "ledger-empty")
        page.goto("/spending")
        expect(page.get_by_text("Nothing was spent in this time")).to_be_visible()
        keep_picture(page, "spending-empty")
