"""The page "Discover": plan and cost before the button, progress, stop, results, files; and no token for bad input."""

import csv
import io
import json
import re

import openpyxl
import pytest
from playwright.sync_api import expect
from tests.faces.dashboard.browser import keep_picture, opened, reload
from tests.faces.gateway.served_gateway import ServedGateway

from keepahead.faces.dashboard.found_rows import FIELDS

RUN = re.compile(r"^(Wait .* and run|Run) \(at most")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A served gateway."""
    with ServedGateway(tmp_path_factory.mktemp("discover")) as served:
        yield served


def spent(gateway: ServedGateway) -> int:
    """What the ledger says was spent today."""
    with gateway.client() as client:
        return client.get("/api/v1/budget").json()["spent_today"]


def told(page, name: str) -> str:
    """What a card says."""
    return page.get_by_role("region", name=name).inner_text()


def wait_until_done(page) -> None:
    """Wait for the end of a discovery: the simulated finder takes its time on a busy machine."""
    page.get_by_role("heading", name="Done", exact=True).wait_for()


def number(pattern: str, text: str) -> int:
    """A number in a text."""
    found = re.search(pattern, text)
    assert found, (pattern, text)
    return int(found[1].replace(",", ""))


def download(page, name: str) -> bytes:
    """Press a button and return the file that comes."""
    with page.expect_download() as coming:
        page.get_by_role("button", name=f"Download as {name}").click()
    assert coming.value.suggested_filename.endswith(f".{name.lower()}")
    return coming.value.path().read_bytes()


def test_from_the_form_to_the_files(chromium, gateway):
    """The plan is said before the button can be pressed; what the page says was spent is what the ledger says."""
    with opened(chromium, gateway.base, gateway.key, path="/discover") as (page, watched):
        button = page.get_by_role("button", name=re.compile("^(Run|Wait)"))
        expect(button).to_be_disabled()
        assert "at least one criterion" in told(page, "The plan")
        page.get_by_label("Sales rank, from").fill("1")
        page.get_by_label("Sales rank, to").fill("200000")
        page.get_by_label("Products wanted").fill("12")
        button = page.get_by_role("button", name="Run (at most 39 tokens)")
        expect(button).to_be_enabled()
        assert "product finder, a page of 50" in told(page, "The plan")
        page.get_by_text("it leaves").wait_for()
        before = spent(gateway)
        button.click()
        wait_until_done(page)
        said = number(r"([\d,]+) tokens? spent", told(page, "Progress"))
        assert said == spent(gateway) - before == gateway.truth()["consumed"] - before > 12
        assert "12 of 12 found" in told(page, "Progress")

        rows = list(csv.DictReader(io.StringIO(download(page, "CSV").decode())))
        document = json.loads(download(page, "JSON"))
        sheet = openpyxl.load_workbook(io.BytesIO(download(page, "XLSX"))).active
        assert [row["asin"] for row in rows] == document["found"]["asins"]
        assert len(rows) == 12
        assert list(rows[0]) == list(document["products"][0]) == [field.name for field in FIELDS]
        assert [cell.value for cell in sheet["A"]][1:] == document["found"]["asins"]
        assert {row["recommendation"] for row in rows} <= {"STRONG_BUY", "BUY", "CONSIDER", "SKIP"}
        assert document["plan"]["cost"]["tokens_max"] == 39

        page.get_by_role("columnheader", name="Price").click()
        prices = page.locator(".kh-found tbody tr td:nth-child(7)")
        expect(prices.first).to_have_text(f"{min(float(row['price_new']) for row in rows if row['price_new']):,.2f}")
        page.get_by_role("link", name=rows[0]["asin"]).click()
        page.wait_for_url(f"**/products/{rows[0]['asin']}?domain=US")
        assert watched.complaints == []


def test_a_reload_pays_nothing_twice(chromium, gateway):
    """The form outlives a reload, the plan says what the archive saves, and running again costs nothing."""
    with opened(chromium, gateway.base, gateway.key, path="/discover?rank_to=90000&max_results=5") as (page, _):
        page.get_by_role("button", name=RUN).click()
        wait_until_done(page)
        reload(page)
        expect(page.get_by_label("Sales rank, to")).to_have_value("90000")
        page.get_by_text("The archive has all of it").wait_for()
        before = spent(gateway)
        page.get_by_role("button", name=RUN).click()
        wait_until_done(page)
        assert number(r"([\d,]+) saved", told(page, "Progress")) > 10
        assert spent(gateway) == before


def test_bad_input(chromium, gateway):
    """What is wrong is said at its field, the button cannot be pressed, and nothing is spent."""
    with opened(chromium, gateway.base, gateway.key, path="/discover?rank_from=5&road=deals") as (page, watched):
        before = gateway.truth()["consumed"]
        button = page.get_by_role("button", name=re.compile("^(Run|Wait)"))
        for label, text, message in (
            ("Sales rank, from", "many", "'many' is no number; write it as 20000."),
            ("Sales rank, to", "2", "Contradicts itself: 5 is more than 2."),
            ("Lowest new price, to", "9.999", "'9.999' must be in USD with at most 2 decimals"),
            ("Rating, stars, to", "7", "There are 0 to 5 stars."),
            ("Category", "Books", "'Books' is no whole number; write digits only."),
            ("Products wanted", "100000", "Must be 1 to 10,000, not 100,000."),
        ):
            field = page.get_by_label(label, exact=True)
            was = field.input_value()
            field.fill(text)
            page.get_by_text(message).first.wait_for()
            expect(button).to_be_disabled()
            if "Contradicts" not in message:
                expect(field).to_have_attribute("aria-invalid", "true")
            if label == "Sales rank, from":
                keep_picture(page, "discover-wrong")
            field.fill(was)
        page.get_by_label("Branch").fill("5")
        page.get_by_text("The road deals cannot be taken").wait_for()
        assert gateway.truth()["consumed"] == before
        assert watched.complaints == []


def test_stop(chromium, gateway):
    """The button ends it; what was sent by then is kept and counted."""
    gateway.upstream.make_trouble(latency_seconds=[1.5, 1.5])
    try:
        with opened(chromium, gateway.base, gateway.key, path="/discover?rank_from=1000&max_results=30") as (page, _):
            page.get_by_role("button", name=RUN).click()
            page.get_by_role("heading", name="Asking for candidates").wait_for()
            keep_picture(page, "discover-running")
            page.get_by_role("button", name="Stop").click()
            page.get_by_role("heading", name="Stopped").wait_for()
            expect(page.get_by_role("button", name=RUN)).to_be_enabled()
            assert gateway.truth()["consumed"] == spent(gateway)
    finally:
        gateway.upstream.make_trouble()


def test_who_may_only_read(chromium, gateway, tmp_path):
    """Who may only read sees the plan, and the button disabled with the reason."""
    key = gateway.command("keys", "create", "looker", "--scope", "read", "--json", folder=tmp_path)["key"]
    with opened(chromium, gateway.base, key, path="/discover?rank_from=7") as (page, _):
        page.get_by_text("The key of looker may only read").wait_for()
        expect(page.get_by_role("button", name=RUN)).to_be_disabled()


def test_what_cannot_be_paid(chromium, tmp_path):
    """A plan that cannot be paid for says when it can; one that never can says so."""
    with ServedGateway(tmp_path, "--balance", "30", "--rate", "5") as gateway:
        with gateway.client() as client:
            client.get("/api/v1/budget")
        with opened(chromium, gateway.base, gateway.key, path="/discover?rank_to=500&max_results=20") as (page, _):
            page.get_by_text("All of it will be there in").wait_for()
            expect(page.get_by_role("button", name=RUN)).to_be_disabled()
            page.get_by_label("Products wanted").fill("1000")
            page.get_by_text("can ever be spent at once: ask for less").wait_for()
            page.get_by_label("Products wanted").fill("1")
            expect(page.get_by_role("button", name="Run (at most 15 tokens)")).to_be_enabled()
            keep_picture(page, "discover-poor")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "phone"])
def test_how_it_looks(chromium, gateway, size, theme):
    """Nothing is too wide for the screen, in both sizes and themes."""
    path = "/discover?rank_to=90000&max_results=5"
    with opened(chromium, gateway.base, gateway.key, size=size, theme=theme, path=path) as (page, watched):
        page.get_by_role("button", name=RUN).click()
        wait_until_done(page)
        page.get_by_text("1-5 of 5").wait_for()
        keep_picture(page, f"discover-{size}-{theme}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert watched.complaints == []
