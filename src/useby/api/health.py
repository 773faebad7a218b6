"""What an operator's own programs ask: is it alive, does it take work, what has it counted."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import Field

from useby.api.context import Node
from useby.api.shapes import Shape
from useby.store.engine import StoreUnavailable
from useby.store.notifications import newest_seq

router = APIRouter(tags=["health"])


class Health(Shape):
    """How the node is."""

    status: str
    reasons: list[str] = Field(default_factory=list)


@router.get("/api/health/live", operation_id="live")
async def live() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get(
    "/api/health/ready",
    operation_id="ready",
    responses={503: {"model": Health, "description": "It takes no work now, and why."}},
)
async def ready(node: Node) -> Any:
    """The node takes work: it is not stopping, and its database can be read."""
    reasons = ["stopping"] if node.stopping else []
    try:
        await node.database.read(lambda c: newest_seq(c, ""))
    except StoreUnavailable:
        reasons.append("the database can't be read")
    health = Health(status="unready" if reasons else "ok", reasons=reasons)
    if not reasons:
        return health
    return JSONResponse(health.model_dump(), HTTPStatus.SERVICE_UNAVAILABLE)


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics() -> Response:
    """Counters for Prometheus; no user, token or address is in them."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
