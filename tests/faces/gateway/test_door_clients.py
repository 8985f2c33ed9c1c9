"""Programs that were written for Keepa, as they are: only the address behind api.keepa.com is another one."""

import asyncio
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
import requests
from tests.faces.gateway.served_gateway import ServedGateway
from yarl import URL

import keepa
from keepahead.simulator.catalogue.catalogue import Catalogue

KEEPA = "https://api.keepa.com"
SELECTION = {"current_SALES_lte": 3000, "perPage": 50}
SELLER = Catalogue(1).numbers.seller_id(0)
DEALS = {"page": 0, "domainId": 1, "priceTypes": [1]}


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[ServedGateway]:
    """A gateway with a full bucket."""
    with ServedGateway(tmp_path_factory.mktemp("served"), "--rate", "20") as gateway:
        gateway.upstream.warm_up()
        yield gateway


@pytest.fixture
def send_to(monkeypatch) -> Any:
    """Have whatever is sent to api.keepa.com go to a gateway instead; the client's own code is as it is."""

    def send_to(gateway: ServedGateway) -> None:
        class Elsewhere(requests.adapters.HTTPAdapter):
            def send(self, request, *args, **options):
                assert request.url.startswith(KEEPA)
                request.url = gateway.url + request.url.removeprefix(KEEPA)
                return super().send(request, *args, **options)

        ask = aiohttp.ClientSession._request

        async def ask_elsewhere(self, method, url, **options):
            assert str(url).startswith(KEEPA)
            return await ask(self, method, URL(gateway.url + str(url).removeprefix(KEEPA), encoded=True), **options)

        monkeypatch.setattr(requests.sessions, "HTTPAdapter", Elsewhere)
        monkeypatch.setattr(aiohttp.ClientSession, "_request", ask_elsewhere)

    return send_to


def test_the_package_keepa(served, send_to):
    """Its blocking client does all that it does with Keepa, and knows how many tokens are left."""
    send_to(served)
    api = keepa.Keepa(served.key)
    asins = served.some(5)
    products = api.query(asins, stats=90, progress_bar=False)
    assert sorted(product["asin"] for product in products) == sorted(asins)
    assert all(product["data"] for product in products)
    assert api.best_sellers_query("172282")
    assert api.best_sellers_query("172282", sublist=True)
    categories = api.search_for_categories("toys")
    assert categories
    assert api.category_lookup(next(iter(categories)), include_parents=True)
    assert len(api.product_finder(SELECTION)) == 50
    assert api.deals(DEALS)["dr"]
    told = api.seller_query(SELLER)
    assert list(told) == [SELLER]
    assert api.tokens_left == served.tokens()["tokensLeft"] == served.truth()["balance"]
    with pytest.raises(RuntimeError, match="REQUEST_REJECTED"):
        keepa.Keepa("k" * 64).query(asins, progress_bar=False)


def test_the_package_keepa_for_asyncio(served, send_to, tmp_path):
    """So does its client for asyncio; what the archive has is free for it."""
    send_to(served)
    asins = served.some(5, skip=3)

    async def main() -> None:
        api = await keepa.AsyncKeepa.create(served.key)
        products = await api.query(asins, stats=90, progress_bar=False)
        assert sorted(product["asin"] for product in products) == sorted(asins)
        assert await api.best_sellers_query("172282")
        assert await api.search_for_categories("toys")
        assert await api.category_lookup(0)
        assert len(await api.product_finder(SELECTION)) == 50
        assert (await api.deals(DEALS))["dr"]
        assert await api.seller_query(SELLER)
        before = served.truth()["consumed"]
        await api.query(asins, stats=90, progress_bar=False)
        await api.update_status()
        assert api.tokens_left == served.truth()["balance"]
        assert served.truth()["consumed"] == before
        await api.download_graph_image(asins[0], tmp_path / "graph.png")

    asyncio.run(main())
    assert (tmp_path / "graph.png").read_bytes().startswith(b"\x89PNG")


def test_its_own_waiting_works(tmp_path, send_to):
    """Told 429, both clients wait as long as they were told, by themselves, and get what they asked for."""
    with ServedGateway(tmp_path, "--rate", "20", "--balance", "15") as gateway:
        send_to(gateway)
        got: list[int] = []

        def work() -> None:
            got.append(len(keepa.Keepa(gateway.key).query(gateway.some(6), progress_bar=False)))

        async def work_async() -> None:
            api = await keepa.AsyncKeepa.create(gateway.key)
            got.append(len(await api.query(gateway.some(7, skip=6), progress_bar=False)))

        threads = [threading.Thread(target=work), threading.Thread(target=lambda: asyncio.run(work_async()))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got) == [6, 7]
        truth = gateway.truth()
        assert (truth["consumed"], truth["refused_429"]) == (13, 0)
        assert truth["lowest_balance"] >= 10
        assert gateway.log.read_text().count('"status":429') == 2
        assert gateway.key not in gateway.log.read_text()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here")
def test_curl(served):
    """A few lines of shell do as well: a GET, a POST, a picture, and a refusal with its status."""
    url, key, asin = served.url, served.key, served.some(1)[0]
    product = json.loads(_curl(f"{url}/product?key={key}&domain=1&asin={asin}", "--compressed"))
    assert product["products"][0]["asin"] == asin
    found = _curl(f"{url}/query?key={key}&domain=1", "--json", json.dumps(SELECTION))
    assert len(json.loads(found)["asinList"]) == 50
    refused = _curl(f"{url}/product?key={key}&domain=99&asin={asin}", "--write-out", "%{http_code}")
    assert refused.endswith(b"405")
    assert json.loads(refused[:-3])["tokensLeft"] == served.truth()["balance"]
    assert _curl(f"{url}/graphimage?key={key}&domain=1&asin={asin}").startswith(b"\x89PNG")


def _curl(url: str, *options: str) -> bytes:
    command = ["curl", "--silent", "--show-error", "--max-time", "20", *options, url]
    return subprocess.run(command, check=True, capture_output=True).stdout
