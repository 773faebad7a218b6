"""One user's socket with another user's ids: nothing read, nothing changed, no answer.

The answers equal those for ids that don't exist.
"""

import json
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.support import foreign_clients as clients
from tests.support import process_node as live
from tests.support.foreign_clients import Connect, client_of, nothing_more, take
from tests.support.process_node import NodeProcess, Person

NOBODYS = "01890000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with live.serving(tmp_path_factory.mktemp("isolation")) as server:
        yield server


@pytest.fixture(params=clients.NAMES)
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    async with client_of(request.param) as connect:
        yield connect


async def frames_after(
    server: NodeProcess, who: Person, connect: Connect, *sent: str
) -> list[dict[str, str]]:
    """Return the frames to a new connection of this person, and those after these frames."""
    client = await connect(server.socket_url(who.token))
    await take(client, 1)
    for frame in sent:
        await client.send(frame)
    answers = await nothing_more(client)
    async with server.rest() as rest:
        return [*map(json.loads, answers), *await live.all_sent(client, rest, who)]


async def test_mark_read_of_anothers_ids_reads_nothing_and_is_answered_as_unknown_ids_are(
    server: NodeProcess, connect: Connect
) -> None:
    ada, bob = server.person(), server.person()
    result = server.notify(ada, ["hers", "hers too"])
    async with server.rest() as rest:
        before = await live.all_notifications(rest, ada)
        for wanted in (*(each.id for each in result), NOBODYS):
            nobody = server.person()
            assert await frames_after(server, nobody, connect, live.mark_read(wanted)) == []
            assert await frames_after(server, bob, connect, live.mark_read(wanted)) == []
            await rest.post("/api/notifications/read-all", headers=bob.headers)
        assert await live.all_notifications(rest, ada) == before
    assert [each["message"] for each in await frames_after(server, ada, connect)] == [
        "hers",
        "hers too",
    ]


async def test_since_of_anothers_id_shows_what_an_unknown_id_shows(
    server: NodeProcess, connect: Connect
) -> None:
    ada, bob = server.person(), server.person()
    (first, *_) = server.notify(ada, ["hers", "hers too"])
    server.notify(bob, ["his", "his too"])
    async with server.rest() as rest:
        for since in (first.id, NOBODYS):
            client = await connect(server.socket_url(bob.token, since=since))
            await take(client, 1)
            shown = await live.all_sent(client, rest, bob)
            assert [each["message"] for each in shown][:2] == ["his", "his too"]
            assert {each["message"] for each in shown[2:]} <= {"the last"}


async def test_no_key_of_a_frame_or_of_the_url_makes_one_user_another(
    server: NodeProcess, connect: Connect
) -> None:
    ada, bob = server.person(), server.person()
    (hers,) = server.notify(ada, ["hers"])
    frame = {"action": "mark_read", "id": hers.id, "userId": ada.id, "user_id": ada.id}
    for url in (
        server.socket_url(bob.token, userId=ada.id, user_id=ada.id, sub=ada.id),
        server.socket_url(bob.token) + f"&access_token={bob.token}",
    ):
        client = await connect(url)
        await client.send(json.dumps(frame))
        first, *more = await nothing_more(client)
        assert json.loads(first)["userId"] == bob.id
        assert more == []
    async with server.rest() as rest:
        assert [n["readAt"] for n in await live.all_notifications(rest, ada)] == [None]


async def test_another_users_socket_gets_nothing_when_a_user_reads_posts_or_adds(
    server: NodeProcess, connect: Connect
) -> None:
    ada, bob = server.person(), server.person()
    his = await connect(server.socket_url(bob.token))
    hers = await connect(server.socket_url(ada.token))
    await take(his, 1)
    await take(hers, 1)
    async with server.rest() as rest:
        posted = await live.post(rest, ada, f"of {ada.id}")
        await rest.post(f"/api/notifications/{posted['id']}/read", headers=ada.headers)
        await rest.post(
            "/api/products",
            headers=ada.headers,
            json={"name": "Milk", "expiryDate": "2020-01-01"},
        )
        await take(hers, 2)
    assert await nothing_more(his) == []
