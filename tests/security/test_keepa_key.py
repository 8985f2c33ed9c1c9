"""The Keepa key on the roads where it could get out: answers that repeat it, redirects, proxies, processes, files.

Logs, errors and files of the library are tests/keepa/test_key.py's, of the commands tests/faces/test_secrecy.py's,
spans and metrics test_otlp.py's, Sentry test_sentry.py's.
"""

import asyncio
import gzip
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect, select, table, text
from tests.house import KEY, Canned, House, run
from tests.keepa.envelopes import answer
from tests.security.conftest import Watched
from tests.security.recorder import envelope, recorder, spellings, wait_until

from keepahead import AsyncKeepa, Keepa, KeepaheadError
from keepahead.faces.settings import Settings, read_settings
from keepahead.keepa.blotting import without_key
from keepahead.store.packing import unpack

ASIN = "B0D8W1YVBX"
MIXED = "aB3" * 21 + "z"
"""No real key: one that differs in its two cases."""

_PACKED = b"\x28\xb5\x2f\xfd"
LETTERS = st.sampled_from("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._~-")


def secrets_in(told: bytes) -> list[str]:
    """Return how the key is spelled in there."""
    return [name for name, spelled in spellings().items() if spelled in told]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("spelling", spellings())
def test_no_spelling_of_an_echo_gets_through(tmp_path, spelling, packed):
    """A key that Keepa repeats is in no body, error and file, however it is spelled, be the answer good or bad."""
    told = spellings()[spelling]
    good = envelope(products=[{"asin": ASIN, "title": "TITLE"}]).replace(b"TITLE", told)
    bad = b'{"error":{"type":"x","message":"No ' + told + b'","details":"' + told + b'"}}'
    bodies = [gzip.compress(each) if packed else each for each in (good, bad)]
    canned = Canned(
        answer(left=1000, consumed=0), httpx2.Response(200, content=bodies[0]), httpx2.Response(400, content=bodies[1])
    )
    seen: list[bytes] = []

    async def main():
        async with House(tmp_path).keepa(transport=canned) as keepa:
            found = await keepa.products([ASIN], max_wait_seconds=0)
            seen.append(repr(found).encode() + found[0].title.encode())
            with pytest.raises(KeepaheadError) as caught:
                await keepa.products(["B0F7XPYCSJ"], max_wait_seconds=0)
            seen.extend((str(caught.value).encode(), repr(vars(caught.value)).encode(), caught.value.body))

    run(main())
    seen += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert KEY not in seen[0].decode().lower()
    assert secrets_in(b"\n".join(seen)) == []


@given(st.text(LETTERS, min_size=16, max_size=64), st.data())
def test_any_key_in_any_mixture_of_spellings(key, data):
    """Each sign of any key may be spelled in its own way, anywhere in a body; what is around it stays as it is."""

    def spelled(sign: str) -> str:
        either = data.draw(st.sampled_from([sign, sign.upper(), sign.lower()]))
        return data.draw(
            st.sampled_from([either, f"\\u{ord(either):04x}", f"\\u{ord(either):04X}", f"%{ord(either):02X}"])
        )

    told = f'<a "{"".join(map(spelled, key))}" %41 \\u0041>'.encode()
    assert without_key(told, key) == b'<a "***" %41 \\u0041>' or key.casefold() in 'a "%41'


@pytest.mark.parametrize(
    "body", [b"100% cotton \\u003d \\u0026 %20 %C3%A9", b"\x89PNG %4b \\u006b", b"\\u00", b"%", b""]
)
def test_what_is_no_key_stays(body):
    """Escapes alone change nothing."""
    assert without_key(body, KEY) == body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_the_key_nowhere(tmp_path, status):
    """A Keepa that sends us to another place is not obeyed: nothing is asked there, key or not."""
    with recorder() as elsewhere, recorder() as keepa:
        to = f"{elsewhere.url}/product?key={KEY}"
        keepa.answer = lambda asked: (
            (200, {}, envelope()) if asked.path == "/token" else (status, {"Location": to}, b"")
        )
        client = Keepa(KEY, upstream_url=keepa.url, database_url=f"sqlite:///{tmp_path / 'a.db'}")
        with client, pytest.raises(KeepaheadError) as caught:
            client.products([ASIN], max_wait_seconds=0)
        assert len(keepa.calls) == 1
    assert elsewhere.asked == []
    assert KEY not in repr(vars(caught.value)) + str(caught.value)


def test_no_proxy_sees_what_goes_to_this_machine(tmp_path, monkeypatch):
    """Without TLS a proxy reads all that passes through it: a Keepa on this machine is asked without one."""
    with recorder() as proxy, recorder() as keepa:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        with Keepa(KEY, upstream_url=keepa.url, database_url=f"sqlite:///{tmp_path / 'a.db'}") as client:
            client.products([ASIN])
        assert len(keepa.calls) == 1
    assert proxy.asked == []


def test_a_proxy_on_the_way_to_keepa_sees_no_key(tmp_path, monkeypatch):
    """With TLS a proxy is told the host to connect to, and nothing of the request."""
    with recorder() as proxy:
        proxy.answer = lambda _: (502, {}, b"no")
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        url = "https://keepa.example.test"
        client = Keepa(KEY, upstream_url=url, database_url=f"sqlite:///{tmp_path / 'a.db'}")
        with client, pytest.raises(KeepaheadError):
            client.products([ASIN], max_wait_seconds=0)
        assert [each.line for each in proxy.asked] == ["CONNECT keepa.example.test:443 HTTP/1.1"]
        assert KEY not in repr(proxy.asked)


def test_a_key_that_goes_out_unencrypted_is_told(tmp_path, caplog, monkeypatch):
    """To another machine by plain http it is warned, with the host and without the key; to this one it is not."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(logging.getLogger("keepahead"), "propagate", True)
    with caplog.at_level(logging.DEBUG):
        for url in ("http://keepa.example.test", "http://127.0.0.1:1"):
            Keepa(KEY, upstream_url=url, database_url=f"sqlite:///{tmp_path / 'a.db'}").close()
    told = [record.getMessage() for record in caplog.records if "unencrypted" in record.getMessage()]
    assert told == ["the key goes to keepa.example.test unencrypted; use https"]
    assert KEY not in caplog.text


def test_no_error_in_the_chain_holds_the_key(tmp_path):
    """Neither an error nor what it came from holds the key, in its text, its members, or a request on it."""

    async def main():
        url = "http://127.0.0.1:1"
        async with AsyncKeepa(KEY, upstream_url=url, database_url=f"sqlite:///{tmp_path / 'a.db'}") as keepa:
            with pytest.raises(KeepaheadError) as caught:
                await keepa.products([ASIN], max_wait_seconds=0)
        return caught.value

    chain, error = [], asyncio.run(main())
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    for each in chain:
        told = [str(each), repr(each), *map(repr, vars(each).values()), *map(repr, each.args)]
        request = getattr(each, "_request", None)
        told += [] if request is None else [str(request.url), repr(request.headers)]
        assert KEY not in "\n".join(told)


def test_settings_print_no_secret():
    """Settings that are shown, dumped or written as JSON hold stars in place of keys and passwords."""
    hidden = {"api_key": KEY, "database_url": "postgresql://me:hunter2@db/x", "smtp_url": "smtp://me:hunter2@mail"}
    settings = read_settings(**hidden, sentry_dsn="https://hunter2@sentry.example/1", alert_to="slack://hunter2/b/c")
    shown = f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    assert KEY not in shown
    assert "hunter2" not in shown
    secret = {name for name in Settings.model_fields if re.search("key|dsn|url|_to$", name)}
    assert {name for name in secret if "SecretStr" not in str(Settings.model_fields[name].annotation)} == {
        "upstream_url"
    }


def test_a_crash_writes_no_key(tmp_path):
    """A process that is killed by a fault, with Python's own fault handler on, writes where it was, and no key."""
    script = (
        "import faulthandler, os, signal\n"
        "from keepahead import Keepa\n"
        f"keepa = Keepa(database_url='sqlite:///{tmp_path / 'a.db'}')\n"
        "os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    environment = {**os.environ, "KEEPA_API_KEY": KEY, "PYTHONFAULTHANDLER": "1", "PYTHONDEVMODE": "1"}
    environment["KEEPAHEAD_UPSTREAM_URL"] = "http://127.0.0.1:1"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, env=environment, cwd=tmp_path, check=False
    )
    assert done.returncode < 0
    assert b"Segmentation fault" in done.stderr
    assert KEY.encode() not in done.stdout + done.stderr
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_fault_of_a_command_shows_a_place_and_nothing_else(tmp_path):
    """An error that nobody foresaw ends a command with one line: no traceback, no locals, no key."""
    script = (
        "import sys\n"
        "from keepahead.faces.cli import main, status\n"
        "def fail(): key = __import__('os').environ['KEEPA_API_KEY']; raise RuntimeError(key)\n"
        "status.status = fail\n"
        "sys.argv = ['keepahead', 'status']\n"
        "main.main()\n"
    )
    environment = {**os.environ, "KEEPA_API_KEY": KEY}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, env=environment, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert b"a fault of keepahead itself" in done.stderr
    assert b"Traceback" not in done.stderr
    assert KEY.encode() not in done.stdout + done.stderr


def test_all_that_a_gateway_leaves_and_says(gateway: Watched):
    """Neither its arguments, its files, its log, nor any answer or page hold the Keepa key, though Keepa repeats it."""
    echo = b'{"error":{"type":"x","message":"' + KEY.encode() + b'","details":"key=' + KEY.upper().encode() + b'"}}'
    gateway.keepa.answer = lambda asked: (
        (400, {"X-Echo": KEY}, echo) if "FAULT" in asked.line else usual_with_key(asked)
    )
    said: list[bytes] = []
    with gateway.client() as client:
        paths = [
            "/api/v1/products/B00000FAUL",
            "/api/v1/products/B0D8W1YVBX?history=true",
            "/api/v1/budget",
            "/metrics",
        ]
        paths += ["/api/v1/ledger", "/api/v1/alerts", "/api/v1/callers", "/health", "/openapi.json", "/api/v1/archive"]
        paths += [
            f"/keepa/product?domain=1&asin=B00FAULT00&key={gateway.key}",
            f"/keepa/token?key={gateway.key}",
            "/nowhere",
        ]
        said += [_told(client.get(path)) for path in paths]
        assert client.post("/login", data={"key": gateway.key}).status_code == 303
        pages = (
            "/",
            "/balance",
            "/spending",
            "/ledger",
            "/products",
            "/discover",
            "/alerts",
            "/settings",
            "/settings/none",
        )
        said += [_told(client.get(path)) for path in pages]
        said += [_told(client.get(f"{path}?x={KEY}")) for path in ("/api/v1/budget", "/none")]
    assert len(gateway.keepa.calls) >= 2, "the echoes came"
    process = Path(f"/proc/{gateway.process.pid}")
    said.append(process.joinpath("cmdline").read_bytes())
    said += [path.joinpath("cmdline").read_bytes() for path in _children(gateway.process.pid)]
    said += [path.read_bytes() for path in gateway.log.parent.rglob("*") if path.is_file()]
    assert [secrets_in(each) for each in said if secrets_in(each)] == []


def usual_with_key(asked) -> tuple[int, dict[str, str], bytes]:
    """Answer well, with the key in a title and in a header."""
    asins = ",".join(asked.query.get("asin", [])).split(",")
    body = envelope(products=[{"asin": asin, "title": KEY, "brand": KEY.upper()} for asin in asins])
    return 200, {"X-Echo": KEY}, body


def _told(response: httpx2.Response) -> bytes:
    return repr(response.headers).encode() + response.content


def _children(pid: int) -> list[Path]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [Path(f"/proc/{child}") for path in tasks for child in path.read_text().split()]


def test_no_table_holds_a_key(tmp_path, url):
    """No column of any table holds the Keepa key, on either database, after good answers and echoes of it."""
    told = json.dumps({"asin": ASIN, "title": KEY})
    good = envelope(products=[json.loads(told)])
    bad = b'{"error":{"message":"' + KEY.encode() + b'"}}'
    canned = Canned(
        answer(left=1000, consumed=0), httpx2.Response(200, content=good), httpx2.Response(400, content=bad)
    )

    async def main():
        async with House(tmp_path).keepa(transport=canned, database_url=url, caller="shop") as keepa:
            await keepa.products([ASIN], max_wait_seconds=0)
            with pytest.raises(KeepaheadError):
                await keepa.products(["B0F7XPYCSJ"], max_wait_seconds=0)

    run(main())
    engine = create_engine(url)
    with engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        rows = [
            _shown(row) for name in tables for row in connection.execute(select(text("*")).select_from(table(name)))
        ]
    engine.dispose()
    assert {"entries", "answers", "accounts"} <= set(tables)
    assert any("***" in row for row in rows), "the answer was archived"
    assert [row for row in rows if KEY in row.lower()] == []


def _shown(row) -> str:
    """Return a row as text, with what is packed unpacked."""
    return repr([unpack(each) if isinstance(each, bytes) and each.startswith(_PACKED) else each for each in row])


def test_the_log_at_its_most_talkative(tmp_path):
    """With every library at DEBUG, the database's included, a gateway's process logs no key, Keepa's or its own."""
    script = Path(__file__).with_name("talkative.py")
    with recorder() as keepa:
        keepa.answer = usual_with_key
        environment = {
            **os.environ,
            "KEEPA_API_KEY": KEY,
            "KEEPAHEAD_UPSTREAM_URL": keepa.url,
            "PYTHONASYNCIODEBUG": "1",
        }
        environment |= {
            "KEEPAHEAD_DATABASE_URL": f"sqlite:///{tmp_path / 'a.db'}",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        done = subprocess.run([sys.executable, script], capture_output=True, env=environment, cwd=tmp_path, check=False)
        assert done.returncode == 0, done.stderr
        wait_until(lambda: keepa.calls)
    own, log = (tmp_path / "own").read_text(), (done.stdout + done.stderr).decode()
    for library in ("sqlalchemy.engine", "httpcore2", "uvicorn", "asyncio"):
        assert library in log, library
    assert len(own) == 64
    assert own not in log
    assert KEY not in log.lower()
