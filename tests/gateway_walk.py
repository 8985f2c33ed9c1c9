"""A valid request for every operation of the gateway's OpenAPI document, made of the examples that it gives."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import httpx2


class Example(NamedTuple):
    """One operation and a request for it; a document without an example for a required part is a fault."""

    method: str
    template: str
    path: str
    params: Mapping[str, Any]
    json: Any

    @property
    def name(self) -> str:
        """The operation as people say it."""
        return f"{self.method} {self.template}"

    async def send(self, client: httpx2.AsyncClient, **headers: str) -> httpx2.Response:
        """Send the request."""
        return await client.request(self.method, self.path, params=self.params, json=self.json, headers=headers)


ONE_OF_MANY: Mapping[str, Mapping[str, str]] = {
    "GET /api/v1/products/discover": {"rank": "1..20000", "max_results": "5"},
    "GET /api/v1/products/{asin}/verify": {"price": "14.99"},
}
"""Operations that need one of several parameters, none of which is required."""


def examples_of(document: Mapping[str, Any], **instead: str) -> list[Example]:
    """Return one request for each operation whose answer ends, in the document's order.

    `instead` replaces path parameters by name.
    """
    return [
        _example(document, method.upper(), template, operation, instead)
        for template, operations in document["paths"].items()
        for method, operation in operations.items()
        if "text/event-stream" not in operation["responses"].get("200", {}).get("content", {})
    ]


def spends(document: Mapping[str, Any], example: Example) -> bool:
    """Tell whether an operation may cost tokens: those take `max_tokens`."""
    operation = document["paths"][example.template][example.method.lower()]
    return any(parameter["name"] == "max_tokens" for parameter in operation.get("parameters", ()))


def _example(
    document: Mapping[str, Any], method: str, template: str, operation: Mapping[str, Any], instead: Mapping[str, str]
) -> Example:
    path, params = template, dict[str, Any](ONE_OF_MANY.get(f"{method} {template}", {}))
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        if parameter["in"] == "path":
            told = instead.get(name) or next(_told(parameter), None)
            assert told is not None, f"{method} {template}: {name} has no example"
            path = path.replace(f"{{{name}}}", str(told))
        elif parameter.get("required"):
            params[name] = next(_told(parameter))
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    body = None if content is None else next(_told({**content, "schema": _resolved(document, content["schema"])}))
    return Example(method, template, path, params, body)


def _told(of: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the examples of a parameter or a body, wherever they stand."""
    if "example" in of:
        yield of["example"]
    examples = of.get("examples", [])
    yield from (each["value"] for each in examples.values()) if isinstance(examples, dict) else examples
    yield from of.get("schema", {}).get("examples", [])


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    return document["components"]["schemas"][name] if name else schema
