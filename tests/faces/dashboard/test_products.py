"""The page "Products": the archive searched, a product from all sides, fetched only by a button that says its cost."""

import re

import pytest
from playwright.sync_api import expect
from tests.faces.dashboard.browser import keep_picture, opened
from tests.faces.gateway.served_gateway import ServedGateway

HELD = 25


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A served gateway with products in its archive; the first with offers."""
    with ServedGateway(tmp_path_factory.mktemp("products")) as served:
        asins = served.some(HELD)
        with served.client() as client:
            client.get("/api/v1/products", params={"asins": ",".join(asins), "stats": 90, "buybox": "true"})
            client.get(f"/api/v1/products/{asins[0]}", params={"stats": 90, "offers": 20, "max_age": 0})
        yield served


def spent(gateway: ServedGateway) -> int:
    """What Keepa really charged."""
    return gateway.truth()["consumed"]


def test_search(chromium, gateway):
    """Words of the title and ASINs find what is archived, it is said what was searched, and nothing is spent."""
    before = spent(gateway)
    with opened(chromium, gateway.base, gateway.key, path="/products") as (page, watched):
        page.get_by_text(f"Searched all {HELD} archived answers").wait_for()
        links = page.locator(".kh-list tbody tr")
        assert links.count() == HELD
        title = links.nth(3).locator("td").nth(1).inner_text()
        words = page.get_by_label("ASIN, or words of the title or brand")
        words.fill(" ".join(reversed(title.lower().replace(",", " ").split()[:4])))
        words.press("Enter")
        page.get_by_text("Searched all").wait_for()
        expect(page.get_by_role("link", name=title).first).to_be_visible()
        assert page.locator(".kh-list tbody tr").count() < HELD
        words.fill(gateway.some(1)[0].lower())
        page.get_by_role("button", name="Search").click()
        page.get_by_text("Searched by ASIN").wait_for()
        assert page.locator(".kh-list tbody tr").count() == 1
        words.fill("no product is called so")
        words.press("Enter")
        page.get_by_text("Nothing that was looked at").wait_for()
        page.goto("/products?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&domain=nowhere")
        page.get_by_text("Nothing that was looked at").wait_for()
        assert watched.complaints == []
    assert spent(gateway) == before


def test_one_product(chromium, gateway):
    """The chart has its ranges, the analysis its reasons for any buying price; a wrong one is said at its field."""
    asin, before = gateway.some(1)[0], spent(gateway)
    with opened(chromium, gateway.base, gateway.key, path=f"/products/{asin}?domain=US") as (page, watched):
        page.locator("canvas").wait_for()
        figures = page.get_by_role("region", name="Price and rank in figures")
        first = figures.inner_text()
        page.get_by_role("button", name="All", exact=True).click()
        expect(figures).not_to_have_text(first, use_inner_text=True)
        analysis = page.get_by_role("region", name="Analysis", exact=True)
        assert "at an assumed buying price" in analysis.inner_text()
        price = page.get_by_label("Your buying price, USD")
        price.fill("cheap")
        page.get_by_text("'cheap' is no price; write 9.99").wait_for()
        price.fill("1.50")
        analysis.get_by_text("at this buying price").wait_for()
        assert page.get_by_role("region", name="Offers, prices in USD").locator("tbody tr").count() > 3
        assert watched.complaints == []
    assert spent(gateway) == before


def test_fetching(chromium, gateway):
    """What it may cost is said first, follows the choices, and is what the ledger has afterwards."""
    asin = gateway.some(1, skip=200)[0]
    with opened(chromium, gateway.base, gateway.key, path=f"/products?q={asin}") as (page, _):
        page.get_by_role("link", name="Open it all the same").click()
        page.get_by_text("The archive holds nothing of this product on amazon.com").wait_for()
        button = page.get_by_role("button", name="Fetch (at most 3 tokens)")
        expect(button).to_be_enabled()
        page.get_by_role("checkbox", name="with up to 20 live offers").click()
        expect(page.get_by_role("button", name="Fetch (at most 12 tokens)")).to_be_enabled()
        page.get_by_role("checkbox", name="with up to 20 live offers").click()
        page.get_by_role("checkbox", name="with the Buy Box").click()
        before = spent(gateway)
        page.get_by_role("button", name="Fetch (at most 1 token)").click()
        page.get_by_text("1 token spent").wait_for()
        page.locator("canvas").wait_for()
        assert spent(gateway) == before + 1


def test_who_may_only_read(chromium, gateway, tmp_path):
    """Who may only read sees the product, and the button disabled with the reason."""
    key = gateway.command("keys", "create", "reader", "--scope", "read", "--json", folder=tmp_path)["key"]
    with opened(chromium, gateway.base, key, path=f"/products/{gateway.some(1)[0]}") as (page, _):
        page.get_by_text("The key of reader may only read").wait_for()
        expect(page.get_by_role("button", name=re.compile("^Fetch"))).to_be_disabled()


def test_revoked_meanwhile(chromium, gateway, tmp_path):
    """A page that stays open when its key is revoked spends nothing any more."""
    key = gateway.command("keys", "create", "leaver", "--json", folder=tmp_path)["key"]
    with opened(chromium, gateway.base, key, path=f"/products/{gateway.some(1, skip=300)[0]}") as (page, _):
        button = page.get_by_role("button", name=re.compile("^Fetch"))
        expect(button).to_be_enabled()
        gateway.command("keys", "revoke", "leaver", "--json", folder=tmp_path)
        before = spent(gateway)
        button.click()
        page.get_by_text("has been revoked").wait_for()
        assert spent(gateway) == before


def test_no_tokens(chromium, tmp_path):
    """Without tokens nothing can be fetched, and it is said when they will be there; what is no ASIN is told so."""
    with ServedGateway(tmp_path, "--balance", "11") as gateway:
        path = f"/products/{gateway.some(1)[0]}"
        with opened(chromium, gateway.base, gateway.key, path=path) as (page, _):
            page.get_by_text("All of it will be there in").wait_for()
            expect(page.get_by_role("button", name="Fetch (at most 3 tokens)")).to_be_disabled()
            page.get_by_role("checkbox", name="with the Buy Box").click()
            expect(page.get_by_role("button", name="Fetch (at most 1 token)")).to_be_enabled()
            page.goto("/products/short?domain=US")
            page.get_by_text("is no ASIN").wait_for()
            page.goto("/products")
            page.get_by_text("The archive holds no product yet").wait_for()
            keep_picture(page, "products-empty")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "phone"])
def test_how_it_looks(chromium, gateway, size, theme):
    """Nothing is too wide for the screen, in both sizes and themes, and the pages are light."""
    asin = gateway.some(1)[0]
    with opened(chromium, gateway.base, gateway.key, size=size, theme=theme, path="/products") as (page, watched):
        page.get_by_role("link", name=asin).wait_for()
        keep_picture(page, f"products-{size}-{theme}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.goto(f"/products/{asin}?domain=US")
        page.locator("canvas").wait_for()
        keep_picture(page, f"product-{size}-{theme}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        sent = page.evaluate("performance.getEntries().reduce((all, each) => all + (each.transferSize || 0), 0)")
        assert 0 < sent < 1_500_000
        assert watched.complaints == []
