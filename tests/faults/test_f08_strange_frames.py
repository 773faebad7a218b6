"""F08: JSON that is deep, long, strange or wrong, and ids of every kind."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.databases import database_url
from tests.support.foreign_clients import client_of, nothing_more, take
from tests.support.process_node import NodeProcess
from tests.support.process_node_on_postgres import NodeProcessOnPostgres, person_on
from tests.support.raw_websocket import Wires

__all__ = ["database_url"]

STRANGE = {
    "4,096 brackets": "[" * 4096,
    "4,096 nested objects": '{"a":' * 800,
    "a number of 4,000 digits": "1" * 4000,
    "an action that is a number of 4,000 digits": '{"action":' + "1" * 4000 + "}",
    "NaN": "NaN",
    "an id that is NaN": '{"action":"mark_read","id":NaN}',
    "1e999": '{"action":"mark_read","id":1e999}',
    "duplicate keys, the last one wrong": '{"action":"mark_read","id":"ID","id":1}',
    "duplicate actions, the last one wrong": '{"action":"mark_read","action":"x","id":"ID"}',
    "an id that is an object": '{"action":"mark_read","id":{"$ne":1}}',
    "an id that is an integer": '{"action":"mark_read","id":1}',
    "an id that is a bool": '{"action":"mark_read","id":true}',
    "an id that is a list": '{"action":"mark_read","id":["ID"]}',
    "an id that is a NUL": '{"action":"mark_read","id":"\\u0000"}',
    "an id with a NUL after it": '{"action":"mark_read","id":"ID\\u0000"}',
    "an id that is a lone surrogate": '{"action":"mark_read","id":"\\ud800"}',
    "an id of 10**30": '{"action":"mark_read","id":1' + "0" * 30 + "}",
    "an id of 4 KiB": '{"action":"mark_read","id":"' + "x" * 4000 + '"}',
    "an id with a space before it": '{"action":"mark_read","id":" ID"}',
    "an id with a line's end after it": '{"action":"mark_read","id":"ID\\n"}',
    "an id in braces": '{"action":"mark_read","id":"{ID}"}',
    "an id's digits of another script": '{"action":"mark_read","id":"٠ID"}',
    "SQL": '{"action":"mark_read","id":"x\' OR 1=1 --"}',
    "a byte order mark": '\ufeff{"action":"mark_read","id":"ID"}',
    "a key that is NUL": '{"\\u0000":1}',
    "a prototype": '{"__proto__":{"action":"mark_read"},"id":"ID"}',
    "an action with a space": '{"action":"mark_read ","id":"ID"}',
    "an action in capitals": '{"action":"MARK_READ","id":"ID"}',
    "two values": '{"action":"mark_read","id":"ID"} {}',
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with watched(tmp_path_factory.mktemp("f08")) as server:
        yield server


async def test_a_strange_frame_is_not_answered_counted_once_and_the_next_mark_read_works(
    database_url: str, tmp_path: Path
) -> None:
    """Text that passes one store may fail on the other: a NUL, a surrogate, a large number."""
    many: dict[str, Any] = {"frames_per_second": 1000, "frames_burst": 1000}
    with live.serving(
        tmp_path / "node", kind=NodeProcessOnPostgres, database_url=database_url, **many
    ) as node:
        person = await person_on(database_url, node)
        async with node.rest() as rest, client_of("websockets") as connect:
            client = await connect(node.socket_url(person.token))
            await take(client, 1)
            for count, (name, text) in enumerate(STRANGE.items(), start=1):
                answer = await live.post(rest, person, name)
                await take(client, 1)
                await client.send(text.replace("ID", answer["id"]))
                assert await nothing_more(client) == [], name
                ignored = await live.metric(rest, "useby_client_frames_ignored_total")
                assert ignored == count, name
                unread = await live.all_notifications(rest, person, unread="true")
                assert [each["id"] for each in unread] == [answer["id"]], name
                await client.send(live.mark_read(answer["id"]))
                assert await nothing_more(client) == [], name
            assert await live.all_notifications(rest, person, unread="true") == []


async def test_strange_frames_in_a_row_do_no_harm(
    server: NodeProcess, record_property: live.Record
) -> None:
    async def attack(_: Wires) -> None:
        async with client_of("websockets") as connect:
            client = await connect(server.socket_url(server.person().token))
            await take(client, 1)
            for text in STRANGE.values():
                await client.send(text)
            assert await nothing_more(client) == []

    await unharmed(server, record_property, attack)


async def test_an_id_in_capitals_is_the_same_uuid(
    server: NodeProcess, rest: httpx.AsyncClient
) -> None:
    """RFC 9562, section 4: taken in either case."""
    person = server.person()
    (answer,) = server.notify(person, ["unread"])
    async with client_of("websockets") as connect:
        client = await connect(server.socket_url(person.token))
        await take(client, 2)
        await client.send(json.dumps({"action": "mark_read", "id": answer.id.upper()}))
        assert await nothing_more(client) == []
    assert await live.all_notifications(rest, person, unread="true") == []
