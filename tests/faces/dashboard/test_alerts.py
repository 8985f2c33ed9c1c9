"""The page "Alerts": what fires is seen as it happens, who was told and whether it arrived; silences and tests."""

import pytest
from playwright.sync_api import expect
from tests.faces.dashboard.browser import keep_picture, opened
from tests.faces.gateway.served_gateway import ServedGateway
from tests.work.alerts.sinks import free_port, webhook_sink

_LEAST = 50


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the gateway of this module works."""
    return tmp_path_factory.mktemp("alerts")


@pytest.fixture(scope="module")
def sink():
    """A webhook that works."""
    with webhook_sink() as served:
        yield served


@pytest.fixture(scope="module")
def gateway(folder, sink):
    """A served gateway with a few tokens more than the mark of the low ones, and two webhooks of which one is dead."""
    told = f"{sink.url} json://127.0.0.1:{free_port()}/dead-secret-path"
    settings = {"KEEPAHEAD_WARN_TO": told, "KEEPAHEAD_ALERT_TO": sink.url}
    with ServedGateway(folder, "--rate", "1", "--balance", str(_LEAST + 3), **settings) as served:
        served.reader = served.command("keys", "create", "wall", "--scope", "read", "--json", folder=folder)["key"]
        spend(served, 1)
        yield served


def spend(gateway, count, skip=0):
    """Spend so many tokens."""
    with gateway.client() as client:
        for asin in gateway.some(count, skip):
            assert client.get(f"/api/v1/products/{asin}", params={"domain": 1}).status_code == 200


def test_it_fires(chromium, gateway, sink):
    """What fires is seen within two seconds, on other pages too; who was told is seen, and whether it arrived."""
    with (
        opened(chromium, gateway.base, gateway.key, path="/alerts") as (page, watched),
        opened(chromium, gateway.base, gateway.key, path="/products") as (other, _),
    ):
        expect(page.get_by_text("Nothing fires")).to_be_visible()
        assert other.get_by_role("navigation").get_by_text("firing").count() == 0
        spend(gateway, 5, skip=10)
        expect(page.get_by_role("status").get_by_text("tokens are left; low is below 50")).to_be_visible(timeout=3_000)
        expect(page.get_by_role("navigation").get_by_text("firing")).to_be_visible()
        expect(other.get_by_role("navigation").get_by_text("firing")).to_be_visible()
        rule = page.get_by_role("region", name="Rules").get_by_role("row").filter(has_text="low").first
        expect(rule.get_by_text("fires since")).to_be_visible()
        deliveries = page.get_by_role("region", name="Deliveries")
        low = deliveries.get_by_role("row").filter(has_text="low is below 50")
        expect(low.filter(has_text="json:127.0.0.1").filter(has_text="delivered")).to_have_count(1)
        expect(low.filter(has_text="failed").filter(has_text="Connection refused")).to_have_count(1)
        assert sink.documents
        assert "secret-path" not in page.content()
        assert watched.complaints == []


def test_silence(chromium, gateway, folder):
    """A rule is silenced and heard again; what cannot be is told at the field."""
    with opened(chromium, gateway.base, gateway.key, path="/alerts", theme="dark") as (page, watched):
        silences = page.get_by_role("region", name="Silences")
        page.get_by_role("status").get_by_role("button", name="Silence: low").click()
        form = page.get_by_role("dialog", name="Silence alerts")
        expect(form.get_by_label("Rule", exact=True)).to_have_value("low")
        form.get_by_label("How long").click()
        page.get_by_role("option", name="Until a time").click()
        form.get_by_label("Until (UTC)").fill("2001-01-01T00:00")
        form.get_by_label("Why").fill("the nightly import <i>")
        form.get_by_role("button", name="Silence").click()
        expect(form.get_by_text("this has passed; choose a time that is to come (UTC)")).to_be_visible()
        form.get_by_label("How long").click()
        page.get_by_role("option", name="2 h").click()
        form.get_by_role("button", name="Silence").click()
        expect(silences.get_by_text("the nightly import <i>")).to_be_visible()
        expect(page.get_by_role("region", name="Rules").get_by_text("; silenced, ends in 2 h")).to_be_visible()
        made = gateway.command("alerts", "--json", folder=folder)["silences"]
        assert [(each["rule"], each["subject"], each["words"]) for each in made] == [
            ("low", None, "the nightly import <i>")
        ]
        keep_picture(page, "alerts-silence-wide-dark")
        silences.get_by_role("button", name="End: silence of low").click()
        page.get_by_role("dialog").get_by_role("button", name="End it").click()
        expect(silences.get_by_text("Nothing is silenced")).to_be_visible()
        assert watched.complaints == []
    assert gateway.command("alerts", "--json", folder=folder)["silences"] == []


def test_send_a_test(chromium, gateway, sink):
    """A test is sent to everybody, and how it went is told for each."""
    before = len(sink.documents)
    with opened(chromium, gateway.base, gateway.key, path="/alerts") as (page, _):
        told = page.get_by_role("region", name="Who is told")
        told.get_by_role("button", name="Send a test").click()
        expect(told.get_by_text("taken")).to_have_count(2)
        expect(told.get_by_text("failed").filter(has_text="Connection refused")).to_have_count(1)
        expect(told.get_by_role("row").filter(has_text="log").get_by_text("critical, warnings")).to_be_visible()
        assert "secret-path" not in page.content()
    assert any("arrive" in str(document) for document in sink.documents[before:])


def test_who_may_only_read(chromium, gateway):
    """Who may not change anything sees all of it, and why nothing can be pressed."""
    with opened(chromium, gateway.base, gateway.reader, path="/alerts", size="phone", theme="dark") as (page, _):
        expect(page.get_by_text("You can see this and change nothing")).to_be_visible()
        for name in ("Silence alerts", "Send a test", "Silence: critical"):
            expect(page.get_by_role("button", name=name)).to_be_disabled()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "phone"])
def test_pictures(chromium, gateway, size, theme):
    """It is drawn at both sizes in both themes."""
    with opened(chromium, gateway.base, gateway.key, size=size, theme=theme, path="/alerts") as (page, watched):
        expect(page.get_by_role("status").get_by_text("low is below 50")).to_be_visible()
        keep_picture(page, f"alerts-{size}-{theme}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert watched.complaints == []
