"""Who comes in: a gateway key opens the pages, nothing else does, and a key that is revoked closes them."""

import re
import socket

import httpx2
import pytest
from tests.faces.dashboard.browser import keep_picture, opened
from tests.faces.gateway.served_gateway import ServedGateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A served gateway."""
    with ServedGateway(tmp_path_factory.mktemp("login")) as served:
        yield served


def test_log_in_and_out(chromium, gateway):
    """A wrong key is told so, a good one leads to the page that was asked for, and the way out ends it."""
    with opened(chromium, gateway.base, path="/spending?by=caller") as (page, _):
        page.get_by_label("Gateway key").fill("kah" + "0" * 61)
        page.get_by_role("button", name="Log in").click()
        assert "not known here" in page.get_by_role("alert").inner_text()
        keep_picture(page, "login-failed")
        page.get_by_label("Gateway key").fill(gateway.key)
        page.keyboard.press("Enter")
        page.wait_for_url("**/spending?by=caller")
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/login")
        page.goto("/ledger")
        assert "/login?to=/ledger" in page.url
    assert gateway.key not in gateway.log.read_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "phone"])
def test_every_page_opens(chromium, gateway, size, theme):
    """Every page opens in both themes and sizes, asks for nothing outside, and complains of nothing."""
    with opened(chromium, gateway.base, gateway.key, size=size, theme=theme) as (page, watched):
        for link in page.get_by_role("navigation").get_by_role("link").all():
            path = link.get_attribute("href")
            other = page.context.new_page()
            other.on("console", watched.said)
            other.goto(path)
            other.locator("#page").wait_for(state="attached")
            assert re.search(rf"body--{theme}", other.locator("body").get_attribute("class"))
            other.wait_for_function("""() => {
                const { left, right } = document.querySelector(".kh-nav [aria-current]").getBoundingClientRect();
                return left >= 0 && right <= innerWidth;
            }""")
            assert other.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, "is too wide")
            other.close()
        assert watched.complaints == []


def test_theme_switch(chromium, gateway):
    """The switch changes the theme, and the next page has it."""
    with opened(chromium, gateway.base, gateway.key) as (page, _):
        page.get_by_role("button", name="Switch to the dark theme").click()
        page.locator("body.body--dark").wait_for()
        page.get_by_role("link", name="Ledger", exact=True).click()
        page.wait_for_url("**/ledger")
        page.locator("body.body--dark").wait_for()


def test_strangers(gateway):
    """Without a session no page and no live connection opens, and no page from elsewhere logs anybody in."""
    with httpx2.Client(base_url=gateway.base) as client:
        for path in ("/", "/ledger", "/settings"):
            assert client.get(path).status_code == 303
        foreign = {"Origin": "https://example.com"}
        assert client.post("/login", data={"key": gateway.key}, headers=foreign).status_code == 403
        assert client.post("/login", data={"key": "k" * 5_000}).status_code == 413
        assert client.get("/login?to=//example.com").text.count("example.com") == 0
        answer = client.post("/login", data={"key": gateway.key, "to": "https://example.com/"})
        assert answer.headers["location"] == "/"
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert client.get("/").status_code == 200
        forged = re.sub(
            r"[0-9a-f]$", lambda found: "0" if found[0] != "0" else "1", client.cookies["keepahead_session"]
        )
        client.cookies.clear()
        assert client.get("/", headers={"Cookie": f"keepahead_session={forged}"}).status_code == 303


def test_revoked_key(gateway, tmp_path):
    """Revoking a key ends its sessions."""
    key = gateway.command("keys", "create", "shop", "--json", folder=tmp_path)["key"]
    with httpx2.Client(base_url=gateway.base) as client:
        client.post("/login", data={"key": key})
        assert client.get("/").status_code == 200
        gateway.command("keys", "revoke", "shop", "--json", folder=tmp_path)
        assert client.get("/").status_code == 303


def test_revoked_key_on_an_open_page(chromium, gateway, tmp_path):
    """A page that is open when its key is revoked goes to the way in, and shows nothing more."""
    key = gateway.command("keys", "create", "desk", "--json", folder=tmp_path)["key"]
    with opened(chromium, gateway.base, key) as (page, _):
        page.get_by_role("link", name="Now", exact=True).wait_for()
        gateway.command("keys", "revoke", "desk", "--json", folder=tmp_path)
        page.wait_for_url("**/login?to=/")
    assert "Traceback" not in gateway.log.read_text()


def test_live_connections_from_elsewhere(gateway):
    """A page from elsewhere gets no live connection with our cookie, whichever way it asks for one."""
    path = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    with httpx2.Client(base_url=gateway.base) as client:
        client.post("/login", data={"key": gateway.key})
        assert client.get(path).status_code == 200
        for foreign in ({"Origin": "http://localhost:9"}, {"Origin": "http://["}, {"Sec-Fetch-Site": "same-site"}):
            assert client.get(path, headers=foreign).status_code == 403


def test_open_gateway(chromium, tmp_path):
    """Where nobody is asked for a key the pages open at once, but not under another name."""
    with ServedGateway(tmp_path, serve=("--open",)) as served:
        with opened(chromium, served.base) as (page, _):
            page.get_by_role("link", name="Now", exact=True).wait_for()
            assert page.get_by_role("button", name="Log out").count() == 0
        assert httpx2.get(served.base, headers={"Host": "example.com"}).status_code == 403


@pytest.mark.parametrize("name", ["/_nicegui/nothing", "/favicon.ico/nothing", "/_nicegui/client/1/upload/1"])
def test_nothing_there(gateway, name):
    """Where nothing is a stranger gets a line, and no page that is kept for a while."""
    for method in ("GET", "POST"):
        answer = httpx2.request(method, f"{gateway.base}{name}?key={gateway.key}")
        assert (answer.status_code, answer.text) == (404, "There is nothing here.")
    assert "not found" not in gateway.log.read_text()


def test_odd_strangers(gateway):
    """What no browser sends is refused like all else, and is no fault of ours."""
    session = f"keepahead_session=a.999999999999.{'0' * 64}"  # in the year 33658
    assert httpx2.get(gateway.base, headers={"Cookie": session}).status_code == 303
    for origin in ("http://[", "null"):
        answer = httpx2.post(f"{gateway.base}/login", data={"key": gateway.key}, headers={"Origin": origin})
        assert answer.status_code == 403
    with socket.create_connection((httpx2.URL(gateway.base).host, httpx2.URL(gateway.base).port)) as leaver:
        leaver.sendall(b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nkey=")
    assert httpx2.get(f"{gateway.base}/login").status_code == 200
    assert "Traceback" not in gateway.log.read_text()
