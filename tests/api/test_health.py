"""Checks that an operator's own programs make of a node.

covers: useby.schemas.health
"""

from typing import Any

from tests.support.rest_app import Rest


async def ready(rest: Rest) -> tuple[int, Any]:
    answer = await rest.client().get("/api/health/ready")
    return answer.status_code, answer.json()


async def test_a_node_that_lacks_nothing_is_ready(rest: Rest) -> None:
    assert await ready(rest) == (200, {"status": "ok", "reasons": []})


async def test_a_node_without_nats_is_degraded_and_ready(rest: Rest) -> None:
    rest.context.bus.connected = False  # type: ignore[misc]
    assert await ready(rest) == (200, {"status": "degraded", "reasons": ["NATS is away"]})


async def test_a_node_that_stops_is_not_ready(rest: Rest) -> None:
    rest.context.stop()
    rest.context.bus.connected = False  # type: ignore[misc]
    reasons = ["stopping", "NATS is away"]
    assert await ready(rest) == (503, {"status": "unready", "reasons": reasons})


async def test_a_node_without_its_database_is_not_ready_and_names_the_reason(rest: Rest) -> None:
    await rest.database.close()
    reasons = ["the database can't be read"]
    assert await ready(rest) == (503, {"status": "unready", "reasons": reasons})


async def test_without_room_for_a_websocket_connection_it_is_degraded_and_full_it_is_not_ready(
    rest: Rest,
) -> None:
    rest.sockets = 1
    reasons = ["no room for another WebSocket connection"]
    assert await ready(rest) == (200, {"status": "degraded", "reasons": reasons})
    rest.sockets = 2
    reasons = ["no room for another connection"]
    assert await ready(rest) == (503, {"status": "unready", "reasons": reasons})


async def test_without_a_file_descriptor_it_is_not_ready(rest: Rest) -> None:
    rest.context.slots.out_of_files = True
    reasons = ["no file descriptor is left"]
    assert await ready(rest) == (503, {"status": "unready", "reasons": reasons})


async def test_the_document_names_every_state_of_a_node(rest: Rest) -> None:
    document = (await rest.client().get("/api/openapi.json")).json()
    assert document["components"]["schemas"]["Readiness"]["enum"] == ["ok", "degraded", "unready"]
    answers = document["paths"]["/api/health/ready"]["get"]["responses"]
    assert {"200", "503"} <= set(answers)
    for status in ("200", "503"):
        schema = answers[status]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Health"}
