"""The OpenAPI document: valid, complete, with an example for everything, and the docs name all of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from tests.gateway_house import GatewayHouse
from tests.house import run

from keepahead.faces.gateway.problems import KINDS

PAGE = "".join(path.read_text() for path in sorted((Path(__file__).parents[3] / "docs").glob("gateway*.md")))
METHODS = frozenset(("get", "post", "put", "patch", "delete"))


@pytest.fixture(scope="module")
def document(tmp_path_factory) -> dict[str, Any]:
    """Return the document as it is served, without a key."""

    async def main():
        folder = tmp_path_factory.mktemp("gateway")
        url = f"sqlite:///{folder / 'house.db'}"
        async with GatewayHouse(folder).opened(database_url=url) as house, house.client(None) as client:
            return (await client.get("/openapi.json")).json()

    return run(main())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each operation with its name."""
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield f"{method.upper()} {path}", item[method]


def test_it_is_valid(document):
    """The document is what OpenAPI asks for: Schemathesis, which reads it strictly, finds every operation in it."""
    schema = schemathesis.openapi.from_dict(document)
    schema.validate()
    found = [operation.ok() for operation in schema.get_all_operations()]
    assert len(found) == len(list(operations(document)))


def test_everything_is_described(document):
    """Each operation says in words what it is for, has an id of its own, and gives an example that fits its schema."""
    every = list(operations(document))
    ids = [operation["operationId"] for _, operation in every]
    assert len(ids) == len(set(ids))
    for name, operation in every:
        assert operation.get("description"), name
        answers = {status: each for status, each in operation["responses"].items() if status.startswith("2")}
        assert answers, name
        for answer in operation["responses"].values():
            for media, content in answer.get("content", {}).items():
                if "example" not in content:
                    assert media.startswith("image/") or media == "application/x-ndjson", name
                    continue
                schema = {**content["schema"], "components": document.get("components", {})}
                jsonschema_rs.validator_for(schema).validate(content["example"])


def test_the_page_names_every_route_and_problem(document):
    """The pages on the gateway have every route of the document, and every type of problem with its status."""
    for path in document["paths"]:
        assert f"`{path}`" in PAGE, path
    for slug, kind in KINDS.items():
        assert f"| `{slug}` | {kind.status} |" in PAGE, slug


def test_answers_fit_their_schemas(tmp_path, document):
    """What the free routes really answer fits what the document says of it."""
    paths = ("budget", "budget/forecast", "callers", "archive", "alerts", "ledger", "ledger/sums")
    asked = [*(f"/api/v1/{path}" for path in paths), "/health", "/health/live", "/health/ready", "/problems"]
    queries = {"/api/v1/estimate": {"request": "/product?domain=1&asin=B0D8W1YVBX"}}

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client:
            await house.gateway._keepa.products(["B0D8W1YVBX"])
            await client.get("/api/v1/budget")
            found = {path: (await client.get(path, params=queries.get(path))).json() for path in (*asked, *queries)}
            call_id = found["/api/v1/ledger"]["entries"][0]["call_id"]
            return {**found, "/api/v1/calls/{call_id}": (await client.get(f"/api/v1/calls/{call_id}")).json()}

    for path, answer in run(main()).items():
        content = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        jsonschema_rs.validator_for(content["schema"]).validate(answer)
