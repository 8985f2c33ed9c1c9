"""What the answers of a route look like, for the OpenAPI document: the schema is read off an example."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from keepahead.faces.gateway.routes.answers import problems

JSON = "application/json"

_PROBLEM = {
    "type": "/problems/invalid-request",
    "title": "The request cannot be understood",
    "status": 422,
    "detail": "limit: Input should be greater than or equal to 1",
    "errors": [{"parameter": "limit", "code": "greater_than_equal", "message": "Input should be at least 1"}],
}
_KINDS: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


@dataclass(frozen=True, slots=True)
class Maybe:
    """In an example: what may be null as well."""

    value: Any


@dataclass(frozen=True, slots=True)
class Loose:
    """In an example: an object whose members may be missing, as those of entries of another kind are."""

    members: Mapping[str, Any]


def answers(example: Any, description: str = "", *, media: str = JSON, status: int = 200) -> dict[int | str, Any]:
    """Return `responses=` of a route: what it answers, and that everything else is a problem document."""
    return {
        status: _response(description or "The answer.", plain(example), media, schema_of(example)),
        "default": problems("invalid-request", example=_PROBLEM) | {"description": "A problem document (RFC 9457)."},
    }


def schema_of(example: Any) -> dict[str, Any]:
    """Return a JSON schema that the example meets, and whatever is built alike."""
    match example:
        case None:
            return {}
        case Maybe():
            return {"anyOf": [schema_of(example.value), {"type": "null"}]}
        case Loose():
            return {"type": "object", "properties": {name: schema_of(value) for name, value in example.members.items()}}
        case dict():
            members = cast("Mapping[str, Any]", example)
            properties = {name: schema_of(value) for name, value in members.items()}
            required = [name for name, value in members.items() if value is not None]
            return {"type": "object", "properties": properties, "required": required}
        case list():
            items = cast("list[Any]", example)
            return {"type": "array", "items": schema_of(items[0]) if items else {}}
        case _:
            return {"type": _KINDS[type(example)]}


def plain(example: Any) -> Any:
    """Return the example as it is shown."""
    match example:
        case Maybe():
            return plain(example.value)
        case Loose():
            return plain(dict(example.members))
        case dict():
            return {name: plain(value) for name, value in cast("Mapping[str, Any]", example).items()}
        case list():
            return [plain(value) for value in cast("list[Any]", example)]
        case _:
            return example


def _response(description: str, example: Any, media: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {media: {"schema": schema, "example": example}}}
