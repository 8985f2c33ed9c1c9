"""Schemathesis over the whole OpenAPI document: no fault, every error a problem, every answer as it is described."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from tests.house import KEY

from keepahead.clock import SystemClock
from keepahead.faces.gateway.assembly import open_gateway
from keepahead.faces.gateway.edge import URL_BYTES_MAX
from keepahead.faces.gateway.problems import KINDS, MEDIA_TYPE
from keepahead.faces.settings import read_settings
from keepahead.simulator import Simulator, SimulatorTransport

FAILURES = {502, 503, 504}
"""What is documented, and no fault of the gateway's."""

EXAMPLES = 8
"""So many requests for each operation: about a minute altogether."""


@pytest.fixture(scope="module")
def gateway_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a gateway on a simulator with a bucket that is never empty; return its URL."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    clock = SystemClock()
    simulator = Simulator(now=clock.now, refill_rate=4000)
    told = read_settings(api_key=KEY, database_url=f"sqlite:///{folder / 'ledger.db'}", request_seconds=3600)
    opened = open_gateway(told, is_open=True, transport=SimulatorTransport(simulator))
    server = uvicorn.Server(uvicorn.Config(opened.app, port=0, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not (server.started and server.servers) and thread.is_alive():
        thread.join(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(20)


@pytest.fixture(scope="module")
def api(gateway_url: str) -> schemathesis.BaseSchema:
    """The document, as the gateway gives it."""
    schema = schemathesis.openapi.from_url(f"{gateway_url}/openapi.json")
    schema.config.update(base_url=gateway_url)
    return schema.exclude(path="/api/v1/events")  # it has no end


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_whatever_is_sent_is_answered_as_documented(api, mode):
    """Good and bad requests of every operation end in a documented answer, and bad ones are refused by a problem."""
    for found in api.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
        )
        @given(operation.as_strategy(generation_mode=mode))
        def send(case):
            check(case, case.call(timeout=30))

        try:
            send()
        except Unsatisfiable:
            assert mode.is_negative, operation.label  # there is no bad request for it


def check(case, response):
    """Hold one answer against the document."""
    if len(response.request.url) > URL_BYTES_MAX and response.status_code in {400, 414}:
        return  # the server itself reads no line beyond a length, and says so in its own way
    assert response.status_code < 500 or response.status_code in FAILURES, response.text
    if response.status_code >= 400:
        assert response.headers["content-type"] == [MEDIA_TYPE]
        told = response.json()
        assert told["type"].removeprefix("/problems/") in KINDS
        assert (told["status"], bool(told["title"])) == (response.status_code, True)
    checks = [status_code_conformance, content_type_conformance, response_schema_conformance, negative_data_rejection]
    case.validate_response(response, checks=checks)
