"""What reaches the gateway beside well-made requests: web pages, TLS, other methods; and what its log tells of it."""

import json
import os
import pty
import shutil
import socket
import ssl
import subprocess
import sys
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.faces.gateway.served_gateway import ServedGateway
from tests.gateway_house import GatewayHouse
from tests.house import KEY, run

from keepahead.faces.cli.main import run as run_command
from keepahead.faces.gateway.gateway import Patience

PAGE = "https://dashboard.example"
LOOPBACK = ["localhost", "localhost:8200", "127.0.0.1", "127.3.2.1:80", "[::1]:8200", "LOCALHOST"]
ELSEWHERE = [
    "gateway.example",
    "localhost.example:8200",
    "127.0.0.1.example",
    "10.0.0.1:8200",
    "",
    "[::",
    "x@",
]
MADE_WRONG = "kah" + "w" * 61


def test_no_page_is_let_in_by_itself(tmp_path):
    """Unless its origin is set, no page from elsewhere may read an answer, and no preflight is answered."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client:
            asked = await client.get("/api/v1/budget", headers={"Origin": PAGE})
            async with house.client(None) as page:
                preflight = await page.options("/api/v1/budget", headers=preflight_of(PAGE))
            return asked, preflight

    asked, preflight = run(main())
    assert (asked.status_code, preflight.status_code) == (200, 401)
    assert not [name for answer in (asked, preflight) for name in answer.headers if name.startswith("access-control")]


def test_a_page_that_is_let_in(tmp_path):
    """A preflight needs no key; every answer, refusals of each layer too, can be read by the origin that is set."""

    async def main():
        patience = Patience(max_requests=1)
        async with (
            GatewayHouse(tmp_path).opened(cors_origins=PAGE, patience=patience) as house,
            house.client() as client,
            house.client(None) as page,
        ):
            for path in ("/api/v1/products/discover", "/keepa/product"):
                preflight = await page.options(path, headers=preflight_of(PAGE))
                assert preflight.status_code == 200
                assert preflight.headers["access-control-allow-origin"] == PAGE
                assert "x-api-key" in preflight.headers["access-control-allow-headers"].lower()
                assert (await page.options(path, headers=preflight_of("https://evil.example"))).status_code == 400
            return [
                await client.get("/api/v1/budget", headers={"Origin": PAGE}),
                await page.get("/api/v1/budget", headers={"Origin": PAGE}),
                await client.get("/api/v1/budget?" + "x" * 20_000, headers={"Origin": PAGE}),
                await client.get("/keepa/token?" + "x" * 20_000, headers={"Origin": PAGE}),
            ], await client.get("/api/v1/budget", headers={"Origin": "https://evil.example"})

    answers, foreign = run(main())
    assert [answer.status_code for answer in answers] == [200, 401, 414, 414]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "X-Keepa-Tokens-Left" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in foreign.headers


def preflight_of(origin: str) -> dict[str, str]:
    """Return what a browser asks before it sends a request with a key."""
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-api-key,content-type",
    }


def test_other_methods(tmp_path):
    """HEAD is answered wherever GET is; OPTIONS that no page sends is a method like others: 405, and what works."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client:
            head, options = await client.head("/api/v1/budget"), await client.options("/api/v1/budget")
            return head, options, await client.options("/keepa/token"), await client.head("/health/live")

    head, options, door, live = run(main())
    assert (head.status_code, head.content, live.status_code) == (200, b"", 200)
    assert (options.status_code, options.headers["allow"]) == (405, "GET, HEAD")
    assert (door.status_code, door.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize("host", LOOPBACK + ELSEWHERE)
def test_an_open_gateway_knows_its_own_name_only(tmp_path, host):
    """Where nobody is asked for a key, a request under a foreign name is refused: a page's name may lead here."""

    async def main():
        async with GatewayHouse(tmp_path).opened(is_open=True) as house, house.client() as client:
            paths = ("/api/v1/budget", "/keepa/token", "/health")
            answers = [await client.get(path, headers={"Host": host}) for path in paths]
            return answers, house.truth().requests

    answers, _ = run(main())
    if host in LOOPBACK:
        assert [each.status_code for each in answers] == [200] * 3
    else:
        assert [each.status_code for each in answers] == [403] * 3
        assert answers[0].json()["type"] == "/problems/foreign-page"
        assert answers[1].json()["error"]["message"].startswith("an open gateway")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": PAGE}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Origin": "https://known.example", "Sec-Fetch-Site": "cross-site"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_no_page_spends_at_an_open_gateway(tmp_path, headers, status):
    """A page from elsewhere cannot have its visitor's browser send what spends, though it could not read the answer."""

    async def main():
        settings = {"is_open": True, "cors_origins": "https://known.example"}
        async with GatewayHouse(tmp_path).opened(**settings) as house, house.client() as client:
            answer = await client.get("/api/v1/products/B0D8W1YVBX", headers=headers)
            return answer.status_code, house.truth().consumed

    assert run(main()) == (status, int(status == 200))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "gateway.example"])  # noqa: S104 - to be refused
def test_open_is_for_loopback_only(capsys, host):
    """`--open` on an address that others reach is a mistake in the command, and nothing is served."""
    assert run_command(["serve", "--open", "--host", host, "--port", "0", "--json"]) == 2
    said = capsys.readouterr()
    assert (said.out, "loopback" in said.err) == ("", True)


@pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl is not installed here, which makes the certificate"
)
def test_tls(tmp_path):
    """With a certificate it speaks https and nothing else, whoever checks the certificate."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    serve = ["--tls-cert", str(certificate), "--tls-key", str(key)]
    with ServedGateway(tmp_path, serve=serve) as gateway:
        assert gateway.base.startswith("https://127.0.0.1:")
        trusts = ssl.create_default_context(cafile=certificate)
        headers = {"X-API-Key": gateway.key}
        assert httpx2.get(f"{gateway.base}/api/v1/budget", headers=headers, verify=trusts).status_code == 200
        with pytest.raises(httpx2.ConnectError, match="CERTIFICATE"):
            httpx2.get(f"{gateway.base}/health", verify=ssl.create_default_context())
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"http{gateway.base.removeprefix('https')}/health")
    assert [line for line in told_by(gateway) if "unencrypted" in line["event"]] == []


def test_the_log_on_a_terminal_is_for_people(tmp_path):
    """Where a person looks on, the log is plain lines."""
    ours, theirs = pty.openpty()
    settings = {"KEEPAHEAD_DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.db'}"}
    command = [sys.executable, "-m", "keepahead", "serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=theirs, env=os.environ | settings, cwd=tmp_path
    ) as serving:
        os.close(theirs)
        try:
            with os.fdopen(ours, errors="replace") as shown:
                line = next(line for line in shown if "keepahead listens on" in line)
        finally:
            serving.terminate()
    assert line.startswith("keepahead listens on http://127.0.0.1:")


def test_the_log_is_json_and_holds_no_key(tmp_path):
    """In a file each line of the log is a document, none holds a key of any kind, and all requests have an id."""
    short = "kahSecret"
    with (
        ServedGateway(tmp_path, "--balance", "100", KEEPAHEAD_DRAIN_SECONDS="2") as gateway,
        httpx2.Client(timeout=60) as client,
    ):
        key = gateway.key
        shows = [{"X-API-Key": each} for each in (key, MADE_WRONG, short)]
        shows += [{"Authorization": f"Bearer {each}"} for each in (key, MADE_WRONG, short)]
        for headers in shows:
            client.get(f"{gateway.base}/api/v1/budget", headers={**headers, "X-Request-ID": key})
            client.get(f"{gateway.base}/api/v1/products/{key}?key={key}", headers=headers)
        for shown in (key, MADE_WRONG, short, KEY):
            for path in ("token", "product", f"product&key={shown}"):
                client.get(f"{gateway.url}/{path}", params={"key": shown, "domain": "1", "asin": gateway.some(1)[0]})
            client.post(f"{gateway.url}/token?key={shown}", json={"key": shown})
        client.get(f"{gateway.url}/{key}/{MADE_WRONG}/{KEY}")
        other = {"key": key, "domain": "1", "asin": gateway.some(1, skip=1)[0]}
        for trouble in ({"truncated_percent": 100}, {"refuse_percent": 100}, {"drop_percent": 100}):
            gateway.upstream.make_trouble(**trouble)
            client.get(f"{gateway.url}/product", params=other)
        for nonsense in (b"\x00\x01\x02\r\n\r\n", upgrade(key)):
            place = urlsplit(gateway.base)
            with socket.create_connection((place.hostname, place.port)) as line:
                line.sendall(nonsense)
                line.recv(100)
    lines = told_by(gateway)
    said = gateway.log.read_text()
    assert not [secret for secret in (key, MADE_WRONG, short, KEY) if secret in said]
    requests = [line for line in lines if line["event"] == "request"]
    assert len(requests) == 2 * 6 + 4 * 4 + 1 + 3 + 1  # what is no HTTP at all is no request
    assert all(line["request_id"] for line in requests)
    assert [line["level"] for line in lines if gateway.base in line["event"]] == ["info", "info"]


def upgrade(key: str) -> bytes:
    """A request for another protocol, which is not spoken here."""
    lines = ["GET /api/v1/budget HTTP/1.1", "Host: localhost", f"X-API-Key: {key}", "Connection: Upgrade"]
    return "\r\n".join([*lines, "Upgrade: websocket", "Sec-WebSocket-Key: AAAA", "", ""]).encode()


def told_by(gateway: ServedGateway) -> list[dict[str, str]]:
    """Return all lines of the log, each of which must be a JSON object with an event."""
    lines = [json.loads(line) for line in gateway.log.read_text().splitlines()]
    assert lines
    assert all(isinstance(line, dict) and isinstance(line["event"], str) for line in lines)
    return lines
