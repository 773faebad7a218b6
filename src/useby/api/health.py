"""Health checks and metrics, for an operator's own programs."""

import asyncio
import os
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from useby.api.context import ContextDep
from useby.metrics import MULTIPROCESS
from useby.schemas.health import Health, Readiness
from useby.store.database import StoreUnavailable
from useby.store.notifications import newest_seq

DATABASE_SECONDS: Final = 1.0
"""Timeout of the database's check in seconds; a readiness probe may give up after two."""

router = APIRouter(tags=["health"])


@router.get("/api/health/live", operation_id="live")
async def live() -> Health:
    """Return 200 while the process runs."""
    return Health(status=Readiness.OK)


@router.get(
    "/api/health/ready",
    operation_id="ready",
    response_model=Health,
    responses={
        503: {"model": Health, "description": "The node takes no work now, for these reasons."}
    },
)
async def ready(node: ContextDep) -> Any:
    """Check that the node is not stopping, accepts connections and can read its database.

    It is `degraded` without NATS, because writes of other nodes reach its devices later, and while
    it has no room for another WebSocket connection.
    """
    unready = ["stopping"] if node.stopping else []
    if node.slots.out_of_files:
        unready.append("no file descriptor is left")
    elif node.slots.full:
        unready.append("no room for another connection")
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            await node.database.read(lambda c: newest_seq(c, ""))
    except TimeoutError:
        unready.append("the database does not answer")
    except StoreUnavailable:
        unready.append("the database can't be read")
    reasons = unready if node.bus.connected else [*unready, "NATS is away"]
    if node.slots.sockets_full and not unready:
        reasons = [*reasons, "no room for another WebSocket connection"]
    if unready:
        health = Health(status=Readiness.UNREADY, reasons=reasons)
        return JSONResponse(health.model_dump(), HTTPStatus.SERVICE_UNAVAILABLE)
    return Health(status=Readiness.DEGRADED if reasons else Readiness.OK, reasons=reasons)


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics() -> Response:
    """Return metrics for Prometheus; they contain no user, token or address.

    In a node with several processes, any of them returns the metrics of all.
    """
    registry = REGISTRY
    if os.environ.get(MULTIPROCESS):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
