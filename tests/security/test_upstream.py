"""Nothing that anybody sends changes where calls go: the host, the path and the key are the gateway's own.

That only the gateway itself holds the client: tests/faces/gateway/test_guard.py. Where alerts go is a setting:
tests/work/alerts/test_target.py; nobody with a key can name an address, as the last test here shows.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway_house import GatewayHouse
from tests.gateway_walk import examples_of
from tests.house import KEY, run
from tests.security.conftest import Watched
from tests.security.recorder import recorder
from tests.sink import sink

import keepahead.faces.gateway
from keepahead.keepa.costs import ENDPOINT_COSTS
from keepahead.simulator import VirtualLoop

PATHS = {f"/{endpoint}" for endpoint in ENDPOINT_COSTS} | {"/search", "/category"}
HOSTILE = [
    "//evil.example/",
    "@evil.example",
    "http://evil.example/",
    "https:evil.example",
    "\\\\evil.example\\x",
    "/../../../evil",
    "..%2f..%2f",
    "%2e%2e/evil",
    "x\r\nHost: evil.example\r\n\r\nGET /evil HTTP/1.1",
    "%0d%0aHost:%20evil.example",
    "#evil",
    "?key=evil",
    "&key=evil",
    "B0D8W1YVBX&key=evil#",
    ";key=evil",
    "\u2025\u2025/evil",
    "\uff0e\uff0e\uff0fevil",
    "evil\u3002example",
    "[::1]:22",
    "\0",
    "\u0130vil",
    "{{7*7}}",
    "${jndi:ldap://evil.example/x}",
    "file:///etc/passwd",
]
VALUE = st.one_of(
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from([*HOSTILE, "B0D8W1YVBX", ",", "1"]), min_size=1, max_size=3).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
)

QUERIES = {
    "/product": ["domain", "asin", "code", "code-limit", "stats", "update", "offers", "history", "days", "rental"],
    "/search": ["domain", "type", "term", "page", "asins-only", "stats"],
    "/category": ["domain", "category", "parents"],
    "/bestsellers": ["domain", "category", "range", "variations", "sublist"],
    "/topseller": ["domain"],
    "/seller": ["domain", "seller", "storefront", "update"],
    "/query": ["domain", "selection"],
    "/sellerquery": ["domain", "selection"],
    "/deal": ["selection"],
    "/lightningdeal": ["domain", "asin", "state"],
    "/graphimage": ["domain", "asin", "amazon", "range", "title", "cBackground"],
    "/tracking": ["type", "asin", "list", "url", "since", "revise"],
    "/token": ["domain"],
}
"""Parameters that each endpoint of Keepa's takes; more are thrown in."""


class Watching(httpx2.AsyncBaseTransport):
    """Passes requests on, and keeps them."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.requests: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return await self._inner.handle_async_request(request)


def check(requests: list[httpx2.Request]) -> None:
    """Every call goes to Keepa, to a path of its own, with one key, which is ours, and no header of anybody's."""
    for request in requests:
        assert (request.url.scheme, request.url.host, request.url.port) == ("https", "api.keepa.com", None)
        assert request.url.path in PATHS
        assert request.url.params.get_list("key") == [KEY]
        assert not request.url.fragment
        assert re.fullmatch(rb"[!-~]+", request.url.raw_path)
        assert request.headers["host"] == "api.keepa.com"
        assert set(request.headers) <= {
            "host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length",
        }  # fmt: skip


Every = list[tuple[str, str, dict[str, Any]]]


class Open:
    """A gateway that stays open from case to case, and what goes out of it."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)
        self._stack = AsyncExitStack()
        self._house = GatewayHouse(folder, balance=1_200, rate=1_000)
        self._watching = Watching(self._house.transport())

    def __enter__(self) -> Self:
        self._runner.run(self._stack.enter_async_context(self._house.opened(transport=self._watching)))
        self._client = self._house.client("spend")
        self.document = self._house.app.openapi()
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def ask(self, every: Every) -> tuple[list[int], list[httpx2.Request]]:
        """Send these; return their statuses, and all that went out for them."""
        self._watching.requests.clear()

        async def send() -> list[int]:
            return [
                (await self._client.request(method, path, **options)).status_code for method, path, options in every
            ]

        return self._runner.run(send()), list(self._watching.requests)


@pytest.fixture(scope="module")
def open_house(tmp_path_factory) -> Iterator[Open]:
    """Open one."""
    with Open(tmp_path_factory.mktemp("upstream")) as opened:
        yield opened


def quoted(value: str) -> str:
    """Return a value as it stands in a URL."""
    return quote(value, safe="")


@given(data=st.data())
@settings(max_examples=8)
def test_no_parameter_at_the_door_leads_elsewhere(open_house, data):
    """Whatever stands in the path and in any parameter at Keepa's door, what goes out is a call to Keepa's own path."""
    every: Every = []
    for endpoint, names in QUERIES.items():
        given_names = data.draw(
            st.lists(st.sampled_from([*names, "host", "callback"]), min_size=1, max_size=3, unique=True)
        )
        sound = {"domain": "1", "asin": "B0D8W1YVBX", "category": "283155", "term": "coffee", "type": "product"}
        params = {name: sound[name] for name in names if name in sound}
        params |= {name: data.draw(VALUE) for name in given_names}
        every.append((data.draw(st.sampled_from(["GET", "POST"])), f"/keepa{endpoint}", {"params": params}))
    tail = data.draw(VALUE)
    every.append(("GET", f"/keepa/{quoted(tail)}", {"params": {"domain": "1"}}))
    statuses, requests = open_house.ask(every)
    assert all(status < 500 or status in {502, 503} for status in statuses), statuses
    check(requests)


@given(data=st.data())
@settings(max_examples=8)
def test_no_parameter_of_our_own_leads_elsewhere(open_house, data):
    """Nor does any path, query or body member of any operation of the API, taken from its document."""
    document = open_house.document
    every: Every = []
    for example in examples_of(document, asin="B0D8W1YVBX"):
        operation = document["paths"][example.template][example.method.lower()]
        names = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
        params = dict(example.params)
        if names:
            params[data.draw(st.sampled_from(names))] = data.draw(VALUE)
        body = example.json
        if isinstance(body, dict):
            body = {**body, data.draw(st.sampled_from([*body, "url", "request"])): data.draw(VALUE)}
        path = example.path
        if "{" in example.template and data.draw(st.booleans()):
            path = "/".join(quoted(data.draw(VALUE)) if "{" in part else part for part in example.template.split("/"))
        headers = {"X-Forwarded-Host": "evil.example", "X-Keepa-Caller": "@evil.example"}
        every.append((example.method, path, {"params": params, "json": body, "headers": headers}))
    statuses, requests = open_house.ask(every)
    assert 500 not in statuses
    check(requests)


@pytest.mark.parametrize("value", HOSTILE)
def test_on_the_wire(gateway: Watched, value):
    """What arrives at Keepa over a real connection has its own path, its own host and one key, whatever was asked."""
    told = quoted(value)
    with gateway.client() as client:
        for path in (
            f"/keepa/search?domain=1&type=product&term={told}&key={gateway.key}",
            f"/keepa/product?domain=1&asin={told}&key={gateway.key}",
            f"/keepa/{told}?domain=1&key={gateway.key}",
            f"/keepa/product/../{told}?domain=1&asin=B0D8W1YVBX&key={gateway.key}",
            f"/api/v1/search?term={told}",
            f"/api/v1/sellers/{told}",
        ):
            assert client.get(path).status_code != 500
        selection = json.dumps({"title": value, "page": 0})
        assert client.post(f"/keepa/query?domain=1&key={gateway.key}", content=selection).status_code != 500
    for each in gateway.keepa.asked:
        assert each.path in PATHS
        assert each.query["key"] == [KEY]
        assert dict(each.headers)["Host"] == httpx2.URL(gateway.keepa.url).netloc.decode()
        assert [name for name, _ in each.headers].count("Host") == 1
        assert each.line.endswith(" HTTP/1.1")
        assert gateway.key not in repr(each)
    assert gateway.keepa.asked


def test_nobody_with_a_key_names_where_anything_is_sent(tmp_path):
    """No operation takes a URL; a test of the alerts goes where the settings say, whatever is sent with it."""
    with sink() as ours, recorder() as evil:

        async def main():
            alert_to = ours.url.replace("http://", "json://")
            async with GatewayHouse(tmp_path).opened(alert_to=alert_to) as house, house.client("admin") as client:
                document = house.app.openapi()
                hostile = {"url": evil.url, "to": evil.url, "channels": [evil.url], "alert_to": evil.url}
                told = [
                    await client.post("/api/v1/alerts/test", params=params, json=hostile) for params in ({}, hostile)
                ]
                silence = {"lasts": "1h", "words": evil.url}
                told.append(await client.post("/api/v1/alerts/silences", json=silence))
                told.append(
                    await client.get("/api/v1/estimate", params={"url": f"{evil.url}/product?domain=1&asin=B0"})
                )
                return document, [each.status_code for each in told]

        document, statuses = run(main())
        assert statuses[:3] == [200, 422, 201]
        assert len(ours.sent) == 1
        assert evil.asked == []
    named = {
        each["name"] for path in document["paths"].values() for operation in path.values()
        for each in operation.get("parameters", ())
    }  # fmt: skip
    named |= {name for schema in document["components"]["schemas"].values() for name in schema.get("properties", ())}
    places = {name for name in named if re.search("url|uri|host|webhook|callback|channel", name, re.IGNORECASE)}
    assert places == {"url"}, "an estimate reads what a raw request would cost, and asks nobody"
    sources = Path(keepahead.faces.gateway.__file__).parent.rglob("*.py")
    assert [
        path.name for path in sources if re.search(r"httpx2\.(Client|AsyncClient|get|post)\(", path.read_text())
    ] == []
