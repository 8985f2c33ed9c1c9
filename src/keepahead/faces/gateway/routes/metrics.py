"""`/metrics`: for Prometheus, and whoever speaks its language. A key is needed; nothing is spent."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from keepahead.faces.gateway.described import answers
from keepahead.faces.gateway.metrics import Metrics

router = APIRouter(tags=["health"])

_TEXT = "text/plain"
_EXAMPLE = """# HELP keepahead_tokens_balance What Keepa has, by projection.
# TYPE keepahead_tokens_balance gauge
keepahead_tokens_balance 174.0
"""


@router.get(
    "/metrics", response_class=Response, responses=answers(_EXAMPLE, "All metrics, in Prometheus' form.", media=_TEXT)
)
async def metrics(request: Request) -> Response:
    """Show the account's standing, and what the entries of the ledger add up to since this gateway began."""
    shown: Metrics = request.app.state.metrics
    body, media_type = await shown.scrape(request.headers.get("accept", _TEXT))
    return Response(body, headers={"Content-Type": media_type})
