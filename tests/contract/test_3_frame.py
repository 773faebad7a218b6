"""Contract, section 3: the notification frame.

covers: useby.schemas.frames
"""

import json
import re
import uuid
from datetime import UTC, datetime

import httpx
import pytest
from tests.support import process_node as live
from tests.support.foreign_clients import Connect, take
from tests.support.process_node import NodeProcess, Person

KEYS = ["id", "message", "type", "productName", "created_at"]


async def raw_frames(
    server: NodeProcess, person: Person, connect: Connect, count: int
) -> list[str]:
    """The first frames after CONNECTION_ESTABLISHED, as they came."""
    client = await connect(server.socket_url(person.token))
    await take(client, 1)
    return [await client.recv() for _ in range(count)]


async def test_exactly_these_five_keys_in_this_order_in_every_frame_replayed_and_live(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    await live.post(rest, person, "replayed", type="warning", productName="Organic Milk")
    client = await connect(server.socket_url(person.token))
    await take(client, 1)
    frames = [await client.recv()]
    await live.post(rest, person, "live", type="error", productName="Organic Milk")
    frames.append(await client.recv())
    for frame in frames:
        assert list(json.loads(frame)) == KEYS
    assert [json.loads(frame)["message"] for frame in frames] == ["replayed", "live"]


async def test_a_frame_is_the_compact_json_of_what_was_posted(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    posted = await live.post(
        rest,
        person,
        "Organic Milk expires in 2 days",
        type="warning",
        productName="Organic Milk",
    )
    (frame,) = await raw_frames(server, person, connect, 1)
    assert frame == (
        f'{{"id":"{posted["id"]}","message":"Organic Milk expires in 2 days","type":"warning",'
        f'"productName":"Organic Milk","created_at":"{posted["created_at"]}"}}'
    )


@pytest.mark.parametrize("product", ["Organic Milk", ""])
async def test_a_frames_fields_are_strings_and_the_name_is_empty_without_a_product(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient, product: str
) -> None:
    fields = {"productName": product} if product else {}
    await live.post(rest, person, "of something or nothing", **fields)
    (frame,) = await raw_frames(server, person, connect, 1)
    received = json.loads(frame)
    assert all(isinstance(value, str) for value in received.values())
    assert received["productName"] == product


async def test_type_is_info_warning_or_error(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    for kind in ("info", "warning", "error"):
        await live.post(rest, person, "of some kind", type=kind)
    frames = await raw_frames(server, person, connect, 3)
    assert [json.loads(frame)["type"] for frame in frames] == ["info", "warning", "error"]
    answer = await rest.post(
        "/api/notifications", headers=person.headers, json={"message": "x", "type": "fatal"}
    )
    assert answer.status_code == 422


async def test_created_at_is_iso_8601_utc_whole_seconds_with_the_z(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    await live.post(rest, person, "now")
    (frame,) = await raw_frames(server, person, connect, 1)
    created = json.loads(frame)["created_at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
    assert before <= datetime.fromisoformat(created) <= datetime.now(UTC)


async def test_id_is_a_uuidv7_and_unique(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    server.notify(person, [f"no. {number}" for number in range(300)])
    frames = await raw_frames(server, person, connect, 300)
    ids = [json.loads(frame)["id"] for frame in frames]
    assert len(set(ids)) == 300
    assert {uuid.UUID(each).version for each in ids} == {7}
    assert ids == [str(uuid.UUID(each)) for each in ids]


async def test_a_client_that_asks_for_nothing_more_sees_nothing_of_the_extended_session(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    """Read elsewhere, a product added: a plain client gets a frame for neither."""
    client = await connect(server.socket_url(person.token))
    first = await live.post(rest, person, "one")
    await rest.post(f"/api/notifications/{first['id']}/read", headers=person.headers)
    await rest.post("/api/notifications/read-all", headers=person.headers)
    await live.post(rest, person, "two")
    frames = await take(client, 3)
    assert [list(frame) for frame in frames[1:]] == [KEYS, KEYS]


async def test_text_of_every_script_arrives_as_it_was_posted(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    message = 'Käse "élevé" 牛乳 \U0001f95b </script> \u2028 \\ \t'
    await live.post(rest, person, message, productName="牛乳")
    (frame,) = await raw_frames(server, person, connect, 1)
    assert (json.loads(frame)["message"], json.loads(frame)["productName"]) == (message, "牛乳")
