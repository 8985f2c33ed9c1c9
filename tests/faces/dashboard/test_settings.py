"""The page "Settings": limits, freezes and keys are set there as the commands set them, and only by who may."""

import sqlite3
from contextlib import closing

import httpx2
import pytest
from playwright.sync_api import expect
from tests.faces.dashboard.browser import keep_picture, opened
from tests.faces.gateway.served_gateway import ServedGateway


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the gateway of this module works."""
    return tmp_path_factory.mktemp("settings")


@pytest.fixture(scope="module")
def gateway(folder):
    """A served gateway on which three callers have spent."""
    with ServedGateway(folder) as served:
        served.reader = served.command("keys", "create", "wall", "--scope", "read", "--json", folder=folder)["key"]
        spender = served.command("keys", "create", "nightly", "--json", folder=folder)["key"]
        served.command("callers", "add", "nightly", "--per-hour", "20", "--per-day", "500", "--json", folder=folder)
        for key, skip, count in ((spender, 0, 17), (served.key, 20, 6)):
            with served.client(key) as client:
                for asin in served.some(count, skip):
                    assert client.get(f"/api/v1/products/{asin}", params={"domain": 1}).status_code == 200, asin
        yield served


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "phone"])
def test_pictures(chromium, gateway, size, theme):
    """It is drawn at both sizes in both themes."""
    with opened(chromium, gateway.base, gateway.key, size=size, theme=theme, path="/settings") as (page, watched):
        expect(page.get_by_text("17 of 20 tokens")).to_be_visible()
        keep_picture(page, f"settings-{size}-{theme}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert watched.complaints == []


def test_limits(chromium, gateway, folder):
    """A limit is set, changed and taken away; wrong figures are told at the field, and nothing is lost."""
    with opened(chromium, gateway.base, gateway.key, path="/settings") as (page, watched):
        callers = page.get_by_role("region", name="Callers")
        callers.get_by_role("button", name="Set a limit", exact=True).click()
        form = page.get_by_role("dialog", name="Set a limit")
        form.get_by_label("Caller").fill("shop")
        form.get_by_label("Tokens a day").fill("many")
        form.get_by_role("button", name="Save").click()
        expect(form.get_by_text("write a number of tokens, such as 0 or 500")).to_be_visible()
        expect(form.get_by_label("Caller")).to_have_value("shop")
        form.get_by_label("Tokens a day").fill("")
        form.get_by_role("button", name="Save").click()
        expect(form.get_by_text("how many? Write this one, or the other, or both")).to_be_visible()
        keep_picture(page, "settings-limit-wide-light")
        form.get_by_label("Tokens a day").fill("1,200")
        page.keyboard.press("Enter")
        expect(callers.get_by_text("0 of 1,200 tokens")).to_be_visible()
        told = gateway.command("callers", "--json", folder=folder)["callers"]
        assert next(each for each in told if each["caller"] == "shop")["tokens_per_day"] == 1200

        callers.get_by_role("button", name="Set a limit", exact=True).click()
        form = page.get_by_role("dialog", name="Set a limit")
        form.get_by_label("Caller").fill("shop")
        form.get_by_label("Tokens an hour").fill("5")
        form.get_by_role("button", name="Save").click()
        expect(form.get_by_text("shop has a limit already: change it in its row")).to_be_visible()
        form.get_by_role("button", name="Cancel").click()

        callers.get_by_role("button", name="Change: shop").click()
        form = page.get_by_role("dialog", name="The limit of shop")
        form.get_by_label("Tokens an hour").fill("50")
        form.get_by_role("button", name="Save").click()
        expect(callers.get_by_text("0 of 50 tokens")).to_be_visible()
        callers.get_by_role("button", name="Take away: shop").click()
        page.get_by_role("dialog").get_by_role("button", name="Take away").click()
        expect(callers.get_by_text("shop")).to_have_count(0)
        assert watched.complaints == []
    assert "limit taken away" in gateway.log.read_text()


def test_bars_move(chromium, gateway):
    """What a caller spends is seen at its bar without a reload."""
    with opened(chromium, gateway.base, gateway.key, path="/settings") as (page, _):
        row = page.get_by_role("region", name="Callers").get_by_role("row").filter(has_text="admin")
        expect(row.get_by_text("6, no limit").first).to_be_visible()
        with gateway.client() as client:
            client.get(f"/api/v1/products/{gateway.some(1, 40)[0]}", params={"domain": 1})
        expect(row.get_by_text("7, no limit").first).to_be_visible(timeout=2_000)


def test_freezes(chromium, gateway, folder):
    """A freeze is made and taken back; one that would end at once is refused at its field."""
    with opened(chromium, gateway.base, gateway.key, path="/settings", theme="dark") as (page, watched):
        freezes = page.get_by_role("region", name="Freezes")
        freezes.get_by_role("button", name="Freeze calls").click()
        form = page.get_by_role("dialog", name="Freeze calls")
        form.get_by_label("Endpoints (none chosen: all)").click()
        page.get_by_role("option", name="bestsellers").click()
        page.keyboard.press("Escape")
        form.get_by_label("Only calls above so many tokens").fill("10")
        form.get_by_label("Or until so many tokens are there").fill("1")
        form.get_by_role("button", name="Freeze").click()
        expect(form.get_by_text("the freeze would end at once")).to_be_visible()
        form.get_by_label("Or until so many tokens are there").fill("")
        form.get_by_label("How long").click()
        page.get_by_role("option", name="Until a time").click()
        form.get_by_role("button", name="Freeze").click()
        expect(form.get_by_text("choose a day and a time")).to_be_visible()
        keep_picture(page, "settings-freeze-wide-dark")
        form.get_by_label("Until (UTC)").fill("2126-01-01T08:30")
        form.get_by_label("What refused callers are told").fill("prices <b>are</b> being looked at")
        form.get_by_role("button", name="Freeze").click()
        expect(freezes.get_by_text("bestsellers calls above 10 tokens")).to_be_visible()
        expect(freezes.get_by_text("prices <b>are</b> being looked at")).to_be_visible()
        made = gateway.command("freeze", "--json", folder=folder)["freezes"]
        assert [each["until"] for each in made] == ["2126-01-01T08:30:00Z"]
        keep_picture(page, "settings-frozen-wide-dark")

        with opened(chromium, gateway.base, gateway.reader, path="/settings", size="phone") as (other, _):
            expect(other.get_by_text("You can see this and change nothing")).to_be_visible()
            expect(other.get_by_role("button", name="Take back: freeze 1")).to_be_disabled()
            expect(other.get_by_role("button", name="Make a key")).to_be_disabled()
            keep_picture(other, "settings-read-phone-light")

        freezes.get_by_role("button", name="Take back: freeze 1").click()
        page.get_by_role("dialog").get_by_role("button", name="Take back").click()
        expect(freezes.get_by_text("No freeze is in force")).to_be_visible()
        assert watched.complaints == []
    assert gateway.command("freeze", "--json", folder=folder)["freezes"] == []


def test_keys(chromium, gateway):
    """A key is shown once, copied, good at once, changed and revoked; its text is nowhere afterwards."""
    with opened(chromium, gateway.base, gateway.key, path="/settings") as (page, watched):
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        keys = page.get_by_role("region", name="Keys")
        keys.get_by_role("button", name="Make a key").click()
        form = page.get_by_role("dialog", name="Make a key")
        form.get_by_label("Caller").fill("wall")
        form.get_by_role("button", name="Make").click()
        expect(form.get_by_text("wall has a key already")).to_be_visible()
        form.get_by_label("Caller").fill("shop")
        form.get_by_label("Requests a minute").fill("60")
        form.get_by_role("button", name="Make").click()
        shown = page.get_by_role("dialog", name="The key of shop")
        text = shown.get_by_label("Key").input_value()
        shown.get_by_role("button", name="Copy").click()
        expect(shown.get_by_text("Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == text
        keep_picture(page, "settings-key-wide-light")
        shown.get_by_role("button", name="I have kept it").click()
        expect(shown).to_have_count(0)
        assert text not in page.content()
        with gateway.client(text) as client:
            assert client.get("/api/v1/budget").status_code == 200

        keys.get_by_role("button", name="Change: shop").click()
        form = page.get_by_role("dialog", name="The key of shop")
        expect(form.get_by_label("Requests a minute")).to_have_value("60")
        form.get_by_label("May", exact=True).click()
        page.get_by_role("option", name="read: see").click()
        form.get_by_label("Requests a minute").fill("0")
        form.get_by_role("button", name="Save").click()
        expect(form.get_by_text("write a number from 1 to")).to_be_visible()
        form.get_by_label("Requests a minute").fill("")
        form.get_by_role("button", name="Save").click()
        row = keys.get_by_role("row").filter(has_text="shop")
        expect(row.get_by_text("read", exact=True)).to_be_visible()
        expect(row.get_by_text("no limit")).to_be_visible()

        keys.get_by_role("button", name="Revoke: admin").click()
        expect(page.get_by_text("It is the last one that may change rules and keys")).to_be_visible()
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        keys.get_by_role("button", name="Revoke: shop").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        expect(keys.get_by_text("shop")).to_have_count(0)
        assert watched.complaints == []
    log = gateway.log.read_text()
    assert text not in log
    assert "key made" in log


def test_ledger_away(chromium, gateway, folder):
    """A ledger that cannot be read is told, what was shown stays, and the page recovers by itself."""
    with (
        opened(chromium, gateway.base, gateway.key, path="/settings") as (page, _),
        closing(sqlite3.connect(folder / "ledger.db", timeout=10, isolation_level=None)) as ledger,
    ):
        expect(page.get_by_text("17 of 20 tokens")).to_be_visible()
        ledger.execute("ALTER TABLE hours RENAME TO hours_away")
        try:
            expect(page.get_by_text("The ledger cannot be read")).to_be_visible(timeout=30_000)
            expect(page.get_by_text("17 of 20 tokens")).to_be_visible()
        finally:
            ledger.execute("ALTER TABLE hours_away RENAME TO hours")
        expect(page.get_by_text("The ledger cannot be read")).to_be_hidden(timeout=30_000)


def test_lost_key(chromium, gateway, folder):
    """A page that is open changes nothing any more once its key may not, whatever is pressed on it."""
    key = gateway.command("keys", "create", "boss", "--scope", "admin", "--json", folder=folder)["key"]
    with opened(chromium, gateway.base, key, path="/settings") as (page, _):
        gateway.command("keys", "limit", "boss", "--scope", "read", "--json", folder=folder)
        page.get_by_role("button", name="Take away: nightly").click()
        page.get_by_role("dialog").get_by_role("button", name="Take away").click()
        expect(page.get_by_role("alert").get_by_text("the key of boss has")).to_be_visible()
        gateway.command("keys", "revoke", "boss", "--json", folder=folder)
        page.get_by_role("dialog").get_by_role("button", name="Take away").click()
        expect(page.get_by_role("alert").get_by_text("has been revoked")).to_be_visible()
    with httpx2.Client(base_url=gateway.base, headers={"X-API-Key": gateway.key}) as client:
        callers = client.get("/api/v1/callers").json()["callers"]
    assert next(each for each in callers if each["caller"] == "nightly")["tokens_per_hour"] == 20


def test_own_key(chromium, gateway, folder):
    """Who revokes the key that he is logged in with is told so before, and has to log in anew."""
    key = gateway.command("keys", "create", "leaver", "--scope", "admin", "--json", folder=folder)["key"]
    with opened(chromium, gateway.base, key, path="/settings") as (page, _):
        page.get_by_role("button", name="Revoke: leaver").click()
        expect(page.get_by_role("dialog").get_by_text("You are logged in with it.")).to_be_visible()
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        page.wait_for_url("**/login?to=/settings")
