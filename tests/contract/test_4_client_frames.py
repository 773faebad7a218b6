"""Contract, section 4: client frames."""

import asyncio
import json

import httpx
import pytest
from tests.support import process_node as live
from tests.support.foreign_clients import Client, Connect, Ended, nothing_more, take, until_closed
from tests.support.process_node import NodeProcess, Person

PONG = '{"type":"pong"}'
UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"
UNANSWERED = {
    "malformed JSON": "{",
    "a word": "hello",
    "an empty text": "",
    "a number": "1",
    "a list": '["mark_read"]',
    "null": "null",
    "a string": '"PING"',
    "an unknown action": '{"action":"subscribe","id":"1"}',
    "no action": '{"id":"1"}',
    "an action of the wrong type": '{"action":["mark_read"],"id":"1"}',
    "a missing id": '{"action":"mark_read"}',
    "an id that is null": '{"action":"mark_read","id":null}',
    "an id that is a number": '{"action":"mark_read","id":17}',
    "an id that is a list": '{"action":"mark_read","id":["a"]}',
    "an empty id": '{"action":"mark_read","id":""}',
    "no uuid": '{"action":"mark_read","id":"notification-id"}',
    "ids of the extended session": '{"action":"mark_read","ids":["a"]}',
    "mark_all_read of the extended session": '{"action":"mark_all_read"}',
    "authenticate of the extended session": '{"action":"authenticate","access_token":"x"}',
}


async def opened(server: NodeProcess, person: Person, connect: Connect, frames: int = 1) -> Client:
    """A connection that has had its first frames."""
    client: Client = await connect(server.socket_url(person.token))
    await take(client, frames)
    return client


async def unread(rest: httpx.AsyncClient, person: Person) -> list[str]:
    """The ids that are unread now."""
    found = await live.all_notifications(rest, person, unread="true")
    return [each["id"] for each in found]


async def test_the_text_ping_is_answered_pong(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    client = await opened(server, person, connect)
    await client.send("PING")
    assert await client.recv() == PONG


@pytest.mark.parametrize("text", ["ping", "Ping", " PING", "PING ", "PING\n", "PINGPING", '"PING"'])
async def test_only_that_exact_text_is_answered(
    server: NodeProcess, person: Person, connect: Connect, text: str
) -> None:
    client = await opened(server, person, connect)
    await client.send(text)
    assert await nothing_more(client) == []


async def test_each_ping_has_one_pong(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    client = await opened(server, person, connect)
    for _ in range(10):
        await client.send("PING")
    assert [await client.recv() for _ in range(10)] == [PONG] * 10
    assert await nothing_more(client) == []


async def test_mark_read_marks_it_read(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    first, second = server.notify(person, ["one", "two"])
    client = await opened(server, person, connect, 3)
    await client.send(live.mark_read(first.id))
    assert await nothing_more(client) == []
    assert await unread(rest, person) == [second.id]


async def test_mark_read_is_idempotent(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    (answer,) = server.notify(person, ["one"])
    client = await opened(server, person, connect, 2)
    times = []
    for _ in range(2):
        await client.send(live.mark_read(answer.id))
        assert await nothing_more(client) == []
        times += [each["readAt"] for each in await live.all_notifications(rest, person)]
    assert times[0] is not None
    assert times[0] == times[1]


async def test_mark_read_is_durable_before_any_later_frame_on_that_connection_is_acted_on(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    """The pong to a PING that was sent in the same breath comes when the mark can be seen."""
    answer = server.notify(person, [f"no. {number}" for number in range(5)])
    client = await opened(server, person, connect, 6)
    for number, each in enumerate(answer):
        await client.send(live.mark_read(each.id))
        assert await nothing_more(client) == []
        assert await unread(rest, person) == [later.id for later in answer[number + 1 :]]


async def test_another_users_id_changes_nothing_and_is_not_answered(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    stranger = server.person()
    (theirs,) = server.notify(stranger, ["another user's"])
    client = await opened(server, person, connect)
    await client.send(live.mark_read(theirs.id))
    assert await nothing_more(client) == []
    assert await unread(rest, stranger) == [theirs.id]


async def test_an_unknown_id_changes_nothing_and_is_not_answered(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    (answer,) = server.notify(person, ["one"])
    client = await opened(server, person, connect, 2)
    await client.send(live.mark_read(UNKNOWN_ID))
    assert await nothing_more(client) == []
    assert await unread(rest, person) == [answer.id]


@pytest.mark.parametrize("wrong", [17, 1.5, True, None, ["x"], {"$ne": 1}, "", "x" * 3000])
async def test_an_id_of_the_wrong_type_changes_nothing_and_is_not_answered(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient, wrong: object
) -> None:
    (answer,) = server.notify(person, ["one"])
    client = await opened(server, person, connect, 2)
    await client.send(live.mark_read(wrong))
    await client.send(live.mark_read([answer.id]))
    assert await nothing_more(client) == []
    assert await unread(rest, person) == [answer.id]


@pytest.mark.parametrize("frame", UNANSWERED.values(), ids=UNANSWERED.keys())
async def test_a_frame_that_the_contract_does_not_describe_is_counted_and_ignored(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient, frame: str
) -> None:
    client = await opened(server, person, connect)
    before = await live.metric(rest, "useby_client_frames_ignored_total")
    await client.send(frame)
    assert await nothing_more(client) == []
    assert await live.metric(rest, "useby_client_frames_ignored_total") == before + 1
    posted = await live.post(rest, person, "it still works")
    assert (await take(client, 1))[0]["id"] == posted["id"]


async def test_after_each_pong_the_documents_client_sends_mark_read_without_an_id_unanswered(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    client = await opened(server, person, connect)
    for _ in range(10):
        await client.send("PING")
        assert await client.recv() == PONG
        await client.send('{"action":"mark_read"}')
    assert await nothing_more(client) == []


async def test_other_keys_than_action_and_id_do_no_harm(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    (answer,) = server.notify(person, ["one"])
    client = await opened(server, person, connect, 2)
    await client.send(json.dumps({"id": answer.id, "more": {"a": 1}, "action": "mark_read"}))
    assert await nothing_more(client) == []
    assert await unread(rest, person) == []


@pytest.mark.parametrize("data", [b"PING", b"", b"\x00" * 100])
async def test_binary_frames_close_1003(
    server: NodeProcess, person: Person, connect: Connect, data: bytes
) -> None:
    client = await opened(server, person, connect)
    await client.send_binary(data)
    assert await until_closed(client) == ([], Ended(1003, ""))


async def test_frames_sent_before_the_connection_is_established_are_acted_on_in_their_order(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    """A client may send at once; it is answered after the first frame, and nothing is lost."""
    (answer,) = server.notify(person, ["one"])
    client = await connect(server.socket_url(person.token))
    await asyncio.gather(client.send(live.mark_read(answer.id)), client.send("PING"))
    assert json.loads(await client.recv())["type"] == "CONNECTION_ESTABLISHED"
    while json.loads(await client.recv()) != {"type": "pong"}:
        pass  # what was unread, unless the mark came before it was looked for
    assert await unread(rest, person) == []
