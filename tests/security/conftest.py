"""A gateway before a Keepa that writes down what comes, and a browser."""

from collections.abc import Iterator

import pytest
from tests.faces.dashboard import browser as browsers
from tests.faces.gateway.served_gateway import ServedGateway
from tests.security.recorder import Recorder, recorder, usual


class Watched(ServedGateway):
    """A served gateway with `keepa`, which writes down what comes."""

    keepa: Recorder


@pytest.fixture(scope="session")
def watched_gateway(tmp_path_factory) -> Iterator[Watched]:
    """Start one for all modules: each start takes seconds."""
    with recorder() as keepa, Watched(tmp_path_factory.mktemp("watched"), KEEPAHEAD_UPSTREAM_URL=keepa.url) as gateway:
        gateway.keepa = keepa
        yield gateway


@pytest.fixture
def gateway(watched_gateway) -> Watched:
    """Give the gateway, with nothing written down yet."""
    watched_gateway.keepa.answer = usual
    watched_gateway.keepa.asked.clear()
    return watched_gateway


@pytest.fixture(scope="module")
def chromium():
    """Give the browser."""
    with browsers.browser() as started:
        yield started
