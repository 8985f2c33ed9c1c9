"""What the OpenAPI document says of answers: the problems that every spending route can give, declared once."""

from collections.abc import Mapping
from typing import Any

from keepahead.faces.gateway.lines import MEDIA_TYPE as LINES
from keepahead.faces.gateway.problems import KINDS, MEDIA_TYPE

Answers = dict[int | str, dict[str, Any]]
Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
ANYTHING: Schema = {}
KEEPAS: Schema = {"type": "object", "description": "Keepa's own object, byte for byte."}

_PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [kind.type for kind in KINDS.values()]},
        "title": TEXT,
        "status": WHOLE,
        "detail": TEXT,
    },
}

_REFUSED: Mapping[str, Any] = {
    "type": "/problems/insufficient-tokens",
    "title": KINDS["insufficient-tokens"].title,
    "status": 503,
    "detail": "this may cost up to 50 tokens; 31 tokens are free (balance 31) and 10 must stay; they will be there in "
    "about 95 s. Wait longer, or ask for less. Nothing was sent",
    "retry_at": "2026-11-22T20:02:00.000Z",
    "kept_until": "2026-11-22T20:02:15.000Z",
    "balance": 31,
    "free": 31,
    "floor": 10,
    "required": {"min": 0, "likely": 50, "max": 50},
    "missing": 29,
}


def listed(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def maybe(schema: Schema) -> Schema:
    """Return the schema of what may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def shape(**members: Schema) -> Schema:
    """Return the schema of an object that has all of these members."""
    return {"type": "object", "required": list(members), "properties": members}


def origin(**members: Schema) -> Schema:
    """Return the schema of an object with these members that also says where it comes from."""
    return shape(**members, fetched_at=maybe(MOMENT), archived=BOOLEAN, stale=BOOLEAN)


def problems(*slugs: str, example: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the answer that these kinds of problem share a status for."""
    first = KINDS[slugs[0]]
    told = {"type": first.type, "title": first.title, "status": first.status, "detail": first.meaning}
    described = "; ".join(f"`{slug}`: {KINDS[slug].title}" for slug in slugs)
    return {
        "description": described,
        "content": {MEDIA_TYPE: {"schema": _PROBLEM, "example": dict(example or told)}},
    }


COMMON: Answers = {
    401: problems("no-key", "wrong-key"),
    403: problems("not-allowed"),
    408: problems("too-slow"),
    413: problems("too-large"),
    414: problems("url-too-long"),
    422: problems("invalid-request", "above-max-tokens", "unbounded-cost", "never-fits"),
    429: problems("too-many-requests", "caller-limit"),
    502: problems("keepa-rejected", "keepa-unreachable", "bad-answer"),
    503: problems("insufficient-tokens", "frozen", "too-busy", "ledger-unavailable", "shutting-down", example=_REFUSED),
    504: problems("took-too-long", "outcome-unknown"),
}
"""What every spending route may answer instead."""


def answers(schema: Schema, example: Any, *, lines: str | None = None, missing: str | None = None) -> Answers:
    """Return the answers of a spending route. `lines` describes those of NDJSON; `missing` is its kind of 404."""
    content: dict[str, Any] = {"application/json": {"schema": schema, "example": example}}
    if lines is not None:
        content[LINES] = {"schema": {"type": "string", "description": lines}}
    found = {} if missing is None else {404: problems(missing)}
    return {200: {"description": "Done; the headers tell what it cost.", "content": content}, **found, **COMMON}


def pictures(media_type: str) -> Answers:
    """Return the answers of a route that draws."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {
        200: {"description": "The picture.", "content": content},
        404: problems("unknown-product", "nothing-to-draw"),
        **COMMON,
    }
