"""`/problems`: what each type of problem means. Every problem document names its own here."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from keepahead.faces.gateway.described import answers
from keepahead.faces.gateway.problems import KINDS, Kind, problem
from keepahead.faces.gateway.respond import json_response

router = APIRouter(prefix="/problems", tags=["health"])


def _told(kind: Kind) -> dict[str, Any]:
    return {"type": kind.type, **asdict(kind)}


@router.get("", responses=answers({"problems": [_told(KINDS["too-busy"])]}, "All of them."))
async def kinds() -> Response:
    """List all types of problems."""
    return json_response({"problems": [_told(kind) for kind in KINDS.values()]})


@router.get("/{slug}", responses=answers(_told(KINDS["insufficient-tokens"]), "What it means, and what to do."))
async def kind(
    slug: Annotated[str, Path(max_length=60, examples=["insufficient-tokens"])],
) -> Response:
    """Say what a type of problem means."""
    if slug not in KINDS:
        raise problem("not-found", "there is no such type of problem")
    return json_response(_told(KINDS[slug]))
