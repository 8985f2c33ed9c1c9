"""What comes from elsewhere is text on every page, in a real browser; and no page from elsewhere uses a session.

What is shown of odd titles and names: tests/faces/dashboard. Foreign origins: test_login.py, test_from_outside.py.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from playwright.sync_api import Page
from tests.faces.dashboard.browser import opened
from tests.house import KEY
from tests.security.conftest import Watched
from tests.security.recorder import Asked, envelope, product

import keepahead.faces.dashboard
from keepahead.budget.rule import Freeze, Limit
from keepahead.budget.scope import Scope
from keepahead.faces.dashboard.frontage import PAGES
from keepahead.faces.dashboard.login import safe_path
from keepahead.faces.wiring import fingerprint_of
from keepahead.store.database import open_database
from keepahead.store.keyring import Keyring
from keepahead.store.rulebook import Rulebook

EVIL = "\"><img src=x onerror=pwned=1><b id=raw>{{constructor.constructor('pwned=1')()}}${pwned=1}"
"""HTML, a template of Vue's and one of JavaScript's, in a name that the ledger takes."""

LINK = "javascript:pwned=1"
SCRIPT = "</script></style></textarea></title><script>pwned=1</script><svg onload=pwned=1>"
ASIN = "B0EVIL0001"

LOOK = """() => ({
  pwned: window.pwned,
  made: document.querySelectorAll("#raw, img[src='x'], [onerror], [onload]:not(body)").length,
  links: [...document.querySelectorAll("a[href], form[action], iframe")]
    .filter((each) => /^\\s*(javascript|data|vbscript):/i.test(each.href || each.action || each.src)).length,
})"""
ROOM = Path(keepahead.faces.dashboard.__file__).parent
WAYS = re.compile(
    r"ui\.(?:html|markdown|restructured_text|mermaid|interactive_image|chat_message|log|code)\(|v-html|innerHTML|"
    r"outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|[\"']html[\"']: True|renderMode"
)
TIPS = """(words) => {
  const ids = [...document.querySelectorAll("[id^=c]")].map((each) => Number(each.id.slice(1))).filter(Boolean);
  const charts = ids.map((id) => getElement(id)?.chart).filter((chart) => chart?.dispatchAction);
  const found = [];
  for (const chart of charts) for (let at = 0; at < 30; at++) {
    chart.dispatchAction({ type: "showTip", seriesIndex: 0, dataIndex: at });
    found.push(chart.getDom().textContent);
  }
  return found.some((text) => text.includes(words));
}"""
CLEAN = {"pwned": None, "made": 0, "links": 0}


def doctored(asked: Asked) -> tuple[int, dict[str, str], bytes]:
    """Answer with markup wherever a product has text; to a search with an error that is full of it."""
    if asked.path != "/product":
        told = envelope(error={"type": EVIL, "message": EVIL + SCRIPT, "details": LINK})
        return (200, {}, envelope()) if asked.path == "/token" else (400, {}, told)
    texts = dict.fromkeys(("title", "brand", "manufacturer", "model", "color", "size", "description"), EVIL + SCRIPT)
    tree = [{"catId": 283155, "name": EVIL}, {"catId": 5, "name": LINK}]
    more = {"categoryTree": tree, "categories": [5], "rootCategory": 283155, "imagesCSV": 'x.jpg" onerror="pwned=1'}
    series = [None] * 36
    series[0] = series[1] = [7_900_000, 1_200, 8_000_000, 1_500]
    found = [product(asin, **texts, **more, csv=series) for asin in ",".join(asked.query["asin"]).split(",")]
    return 200, {}, envelope(products=found, tokensConsumed=len(found))


@pytest.fixture
def doctored_gateway(gateway: Watched) -> Watched:
    """Fill the gateway's ledger, archive, rules and keys with markup."""
    gateway.keepa.answer = doctored
    now, database = datetime.now(UTC), open_database(gateway.environment["KEEPAHEAD_DATABASE_URL"])
    account = fingerprint_of(gateway.keepa.url, KEY)
    made = Keyring(database, account).create(EVIL, Scope.SPEND, "live", None, now)
    if made:  # the first test that needs it
        rulebook = Rulebook(database, account)
        rulebook.limit(Limit(caller=EVIL, tokens_per_hour=5_000))
        rulebook.freeze(Freeze(freeze_id=0, words=SCRIPT, made_at=now, endpoints=("topseller",), caller=EVIL))
        with gateway.client(made[1]) as client:
            assert client.get(f"/api/v1/products/{ASIN}?max_age=0").status_code == 200
            assert client.get("/api/v1/search?term=coffee").status_code == 502
        with gateway.client() as client:
            silence = {"lasts": "1d", "subject": EVIL, "words": SCRIPT}
            assert client.post("/api/v1/alerts/silences", json=silence).status_code == 201
    database.close()
    return gateway


def look(page: Page, path: str) -> None:
    """Open a page, let it connect, and look whether anything of what is on it became more than text."""
    page.goto(path)
    page.wait_for_function("window.did_handshake === true")
    page.wait_for_load_state("networkidle")
    assert page.evaluate(LOOK) == CLEAN, path


def show_tips(page: Page, words: str) -> None:
    """Have every chart show each of its tooltips, as if a mouse stood there, until one holds these words."""
    page.wait_for_function(TIPS, arg=words)


def test_what_comes_from_elsewhere_is_text(chromium, doctored_gateway):
    """Titles, brands, categories, callers, words of freezes and silences, errors of Keepa's: no page runs any of it."""
    gateway = doctored_gateway
    evil = quote(EVIL + SCRIPT, safe="")
    with opened(chromium, gateway.base, gateway.key) as (page, watched):
        page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
        for path in PAGES:
            look(page, path)
        look(page, f"/products/{ASIN}?domain=US")
        assert page.get_by_text("<img src=x onerror").count() > 0, "the title is there, as text"
        for path in (f"/products/{evil}", f"/products?q={evil}&domain={evil}", f"/discover?{evil}={evil}&rank={evil}"):
            look(page, path)
        for path in (
            f"/ledger?text={evil}&q={evil}&caller={evil}&call={evil}",
            f"/ledger/{evil}",
            f"/spending?by={evil}",
        ):
            look(page, path)
        look(page, f"/alerts?{evil}")
        page.goto(f"/nothing/{evil}")
        assert page.evaluate(LOOK) == CLEAN
        look(page, "/spending?by=caller")
        page.locator("canvas").first.wait_for()
        show_tips(page, "onerror")
        assert page.evaluate(LOOK) == CLEAN
        with gateway.client() as client:
            entries = client.get("/api/v1/ledger", params={"caller": EVIL}).json()["entries"]
        look(page, f"/ledger?call={entries[0]['call_id']}")
        page.locator(".kh-dialog").get_by_text(EVIL[:20]).first.wait_for(state="attached")
        assert page.evaluate(LOOK) == CLEAN
        assert not [told for told in watched.complaints if "pwned" in told]
    with opened(chromium, gateway.base, path=f"/login?to={evil}") as (page, _):
        assert page.evaluate(LOOK) == CLEAN


def test_the_browser_is_told_what_it_may_run(gateway: Watched):
    """Every answer, page, refusal and file, forbids frames, guesses of types, and whatever is not from here.

    The pages keep unsafe-inline and unsafe-eval: NiceGUI writes its scripts into the page, and Vue compiles in the
    browser. What keeps markup out is that nothing is ever drawn as HTML.
    """
    with gateway.client() as client, httpx2.Client(base_url=gateway.base) as stranger:
        assert client.post("/login", data={"key": gateway.key}).status_code == 303
        answers = [
            client.get(path) for path in (*PAGES, "/login", "/health", "/api/v1/budget", "/nothing", "/ledger/x")
        ]
        answers += [stranger.get(path) for path in ("/", "/login", "/api/v1/budget", "/keepa/token", "/_nicegui/none")]
        answers += [
            stranger.post("/login", data={"key": "x"}),
            stranger.post("/logout", headers={"Origin": "http://x"}),
        ]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert re.match(r"default-src '(none|self)'", policy)
        assert not re.search(r"https?:|\*", policy), "nothing from elsewhere"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] in {"no-referrer", "same-origin"}


def test_what_is_told_is_kept_by_no_cache(gateway: Watched):
    """Whatever holds data or a session says no-store: after logging out the way back shows nothing."""
    with gateway.client() as client:
        login = client.post("/login", data={"key": gateway.key})
        paths = (*PAGES, "/login", "/api/v1/budget", "/api/v1/ledger", f"/keepa/token?key={gateway.key}", "/metrics")
        answers = [login, *map(client.get, paths), client.post("/logout")]
        gone = client.get("/ledger")
        socket = client.get("/_nicegui_ws/socket.io/?EIO=4&transport=polling")
    for answer in (*answers, gone, socket):
        assert answer.headers.get("cache-control") == "no-store", answer.request.url.path


@pytest.mark.parametrize("secure", [False, True])
def test_the_cookie(gateway: Watched, secure):
    """The session's cookie is out of reach of scripts and of other sites' requests, and of http where there is TLS."""
    with httpx2.Client(base_url=gateway.base) as client:
        headers = {"X-Forwarded-Proto": "https"} if secure else {}
        told = client.post("/login", data={"key": gateway.key}, headers=headers).headers["set-cookie"]
        gone = client.post("/logout").headers["set-cookie"]
    flags = {flag.strip().lower() for flag in told.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= flags
    assert ("secure" in flags) is secure
    assert not any(flag.startswith("domain") for flag in flags)
    assert gateway.key not in told
    assert "max-age=0" in gone.lower()


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "/\t/evil.example", "",
        " //evil.example", "/\n//evil.example", "javascript:pwned=1", "data:text/html,x", "///evil.example",
        "/%2f/evil.example/..//", "http:evil.example", "/x\r\nSet-Cookie: a=b", "\u2044\u2044evil.example",
        "/.//evil.example", "evil.example",
    ],
)  # fmt: skip
def test_logging_in_leads_nowhere_else(chromium, gateway: Watched, to):
    """Whatever the page that asks for the key is told to go to afterwards, it is a path of this house."""
    with httpx2.Client(base_url=gateway.base) as client:
        answer = client.post("/login", data={"key": gateway.key, "to": to})
        gone_to = answer.headers["location"]
        assert gone_to == safe_path(to)
        assert client.base_url.join(gone_to).netloc == client.base_url.netloc
        assert "a=b" not in str(answer.headers.get_list("set-cookie"))
    context = chromium.new_context(base_url=gateway.base)
    page = context.new_page()
    page.set_content(f"<a href='{gone_to}'>x</a>".replace("&", "&amp;"))
    assert (
        page.evaluate(f"new URL(document.querySelector('a').getAttribute('href'), '{gateway.base}/login').origin")
        == gateway.base
    )
    context.close()


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost.evil.example"]
)
def test_no_page_from_elsewhere_acts_for_a_visitor(gateway: Watched, origin):
    """With a visitor's cookie a page from elsewhere logs nobody in or out, opens no connection, and reads no answer."""
    with httpx2.Client(base_url=gateway.base) as client:
        client.post("/login", data={"key": gateway.key})
        headers = {"Origin": origin}
        assert client.post("/login", data={"key": gateway.key}, headers=headers).status_code == 403
        assert client.post("/logout", headers=headers).status_code == 403
        assert client.get("/ledger").status_code == 200, "still logged in"
        assert client.get("/logout").status_code == 303
        assert client.get("/ledger").status_code == 200, "a link logs nobody out"
        path = "/_nicegui_ws/socket.io/?EIO=4&transport="
        assert client.get(f"{path}polling", headers=headers).status_code == 403
        assert client.post(f"{path}polling", headers=headers, content=b"40").status_code == 403
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        assert client.get(f"{path}websocket", headers={**headers, **upgrade, **key}).status_code == 403
        answer = client.get("/api/v1/budget", headers=headers)
        assert answer.status_code == 401, "a cookie is no key of the API"
        assert "access-control-allow-origin" not in answer.headers


def test_no_source_draws_html():
    """No page of ours has a way to draw what it is given as HTML; scripts are made of numbers, JSON and constants."""
    sources = {path.name: path.read_text() for path in ROOM.rglob("*") if path.suffix in {".py", ".js"}}
    assert {name: WAYS.findall(text) for name, text in sources.items() if WAYS.search(text)} == {}
    made = re.compile(r"(?:run_javascript|add_head_html|add_body_html)\(f.*$", re.MULTILINE)
    names = {name: set(re.findall(r"\{([^{}]+)\}", "".join(made.findall(text)))) for name, text in sources.items()}
    assert {name: told for name, told in names.items() if told} == {
        "frame.py": {"style", "FIRST_SCRIPT", "OUTAGE_SCRIPT"},
        "balance.py": {"_SCRIPT", "self._chart.id", "told", "since:.0f", "until:.0f"},  # told: JSON of numbers
        "discover.py": {"json.dumps(path)"},
        "ledger_table.py": {"head"},  # a constant
    }
