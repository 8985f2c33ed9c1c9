"""Pages live: they follow, they say when they cannot, they come back, and one that hangs costs nobody anything."""

import itertools
import re
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import Page, expect
from tests.faces.dashboard.browser import opened
from tests.faces.dashboard.relay import Relay
from tests.faces.gateway.served_gateway import ServedGateway
from tests.postgres import own_server

LOST = "Connection lost."
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A served gateway that knows its balance, and outlives these tests."""
    with ServedGateway(tmp_path_factory.mktemp("liveness"), "--balance", "500") as served:
        spend(served)
        yield served


@pytest.fixture
def mortal(tmp_path):
    """Another one, which may be ended."""
    with ServedGateway(tmp_path, "--balance", "500", KEEPAHEAD_DRAIN_SECONDS="10") as served:
        spend(served)
        yield served


def spend(gateway: ServedGateway) -> int:
    """Spend a token on a product that nobody has asked for; return what was spent so far."""
    with gateway.client() as client:
        assert client.get(f"/api/v1/products/{gateway.some(1, next(NUMBERS))[0]}").status_code == 200
    return spent_at(gateway)


def spent_at(gateway: ServedGateway) -> int:
    """What was spent so far."""
    with gateway.client() as client:
        return client.get("/api/v1/budget").json()["spent_today"]


def expect_spent(page: Page, spent: int, *, patience: float = 15) -> None:
    """Wait until the page shows what was spent today. Not the balance: a refill may come between."""
    today = page.get_by_role("region", name="Today")
    expect(today).to_contain_text(f"Spent{spent}Refilled", timeout=1000 * patience)


def complaints_of(log: Path) -> list[str]:
    """What the gateway's log has of errors."""
    return [line for line in log.read_text().splitlines() if "Traceback" in line or '"level": "error"' in line]


def test_many_pages_follow(chromium, gateway):
    """What is spent is seen on every open page, without a reload; a page that is closed is forgotten."""
    with opened(chromium, gateway.base, gateway.key) as (first, _):
        pages = [first, *(first.context.new_page() for _ in range(5))]
        for page in pages[1:]:
            page.goto("/")
        for page in pages:
            expect_spent(page, spent_at(gateway))
            page.evaluate("window.isSame = true")
        pages.pop().close()
        spent = spend(gateway)
        for page in pages:
            expect_spent(page, spent)
            assert page.evaluate("window.isSame")
    assert complaints_of(gateway.log) == []


def test_a_short_outage(chromium, gateway):
    """A page that is cut off says so; joined again it goes on where it was, and shows what happened meanwhile."""
    with Relay(gateway.base) as relay, opened(chromium, relay.base, gateway.key) as (page, _):
        expect_spent(page, spent_at(gateway))
        page.evaluate("window.isSame = true")
        relay.cut()
        expect(page.get_by_text(LOST)).to_be_visible()
        spent = spend(gateway)
        relay.join()
        expect_spent(page, spent)
        expect(page.get_by_text(LOST)).to_be_hidden()
        assert page.evaluate("window.isSame")
        expect_spent(page, spend(gateway))
    assert complaints_of(gateway.log) == []


def test_a_killed_gateway_comes_back(chromium, mortal, tmp_path):
    """A gateway that is killed and started again has its pages back, without anybody touching them."""
    with opened(chromium, mortal.base, mortal.key, path="/") as (page, _):
        expect_spent(page, spent_at(mortal))
        mortal.process.kill()
        mortal.process.wait()
        expect(page.get_by_text(LOST)).to_be_visible()
        port = str(urlsplit(mortal.base).port)
        with ServedGateway(tmp_path, serve=("--port", port), beside=mortal) as again:
            expect_spent(page, spend(again), patience=30)
            expect(page.get_by_text(LOST)).to_be_hidden()
            expect_spent(page, spend(again))


def test_a_key_that_was_revoked_meanwhile(chromium, gateway, tmp_path):
    """A page that may not connect again asks for a key, and does not wait for ever."""
    key = gateway.command("keys", "create", "shop", "--json", folder=tmp_path)["key"]
    with Relay(gateway.base) as relay, opened(chromium, relay.base, key) as (page, _):
        expect_spent(page, spent_at(gateway))
        relay.cut()
        expect(page.get_by_text(LOST)).to_be_visible()
        gateway.command("keys", "revoke", "shop", "--json", folder=tmp_path)
        relay.join()
        expect(page.get_by_label("Gateway key")).to_be_visible(timeout=30_000)


def test_a_ledger_that_is_away(chromium, tmp_path):
    """While the ledger's server is down the page says so and keeps what it showed; then it goes on by itself."""
    with own_server() as database, ServedGateway(tmp_path, KEEPAHEAD_DATABASE_URL=database.url) as gateway:
        spent = spend(gateway)
        with opened(chromium, gateway.base, gateway.key) as (page, _):
            expect_spent(page, spent)
            page.evaluate("window.isSame = true")
            database.shut_down()
            failure = page.get_by_role("alert").get_by_text("the ledger cannot be read")
            expect(failure).to_be_visible()
            expect_spent(page, spent)
            database.start()
            expect(failure).to_have_count(0)
            expect_spent(page, spend(gateway))
            assert page.evaluate("window.isSame")


def test_it_ends_with_open_pages(chromium, mortal):
    """A gateway that is told to end does so while pages are open, soon and without a complaint; the pages say so."""
    with opened(chromium, mortal.base, mortal.key) as (page, _):
        other = page.context.new_page()
        other.goto("/balance")
        expect_spent(page, spent_at(mortal))
        mortal.process.send_signal(signal.SIGTERM)
        assert mortal.process.wait(10) == 0
        expect(page.get_by_text(LOST)).to_be_visible()
    assert complaints_of(mortal.log) == []


def test_a_page_that_hangs(gateway):
    """A browser that neither answers nor takes anything is dropped; until then the others are served as ever."""
    with httpx2.Client(base_url=gateway.base) as browser:
        browser.post("/login", data={"key": gateway.key})
        page, session = browser.get("/").text, "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    client_id = re.search(r"client_id.{1,4}:\s*.{0,2}([0-9a-f]{8}-[0-9a-f-]+)", page)
    assert client_id
    with _hanging(gateway.base, client_id[1], session) as hanging:
        assert _is_held(hanging)
        for _ in range(20):
            spend(gateway)
        _wait_until(lambda: not _is_held(hanging))
    assert complaints_of(gateway.log) == []


def _hanging(base: str, client_id: str, session: str) -> socket.socket:
    where = urlsplit(base)
    hanging = socket.socket()
    hanging.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    hanging.connect((where.hostname, where.port))
    query = f"client_id={client_id}&next_message_id=0&implicit_handshake=true&document_id=d&tab_id=t&EIO=4"
    lines = (
        f"GET /_nicegui_ws/socket.io/?{query}&transport=websocket HTTP/1.1",
        f"Host: {where.netloc}",
        f"Origin: {base}",
        f"Cookie: {session}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version: 13",
    )
    hanging.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())
    assert hanging.recv(1_000).startswith(b"HTTP/1.1 101")
    hanging.sendall(b"\x81\x82\x00\x00\x00\x0040")  # socket.io's connect, masked with nothing
    hanging.recv(1_000)
    return hanging


def _is_held(hanging: socket.socket) -> bool:
    """Whether the gateway still has the other end of that connection."""
    ending = f":{hanging.getsockname()[1]:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(row[2].endswith(ending) and row[9] != "0" for row in rows)


def _wait_until(is_so, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)
