"""F16: a second ``useby serve``, and commands that write, beside a node on the same SQLite file."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.foreign_clients import (
    Client,
    Connect,
    Ended,
    client_of,
    nothing_more,
    take,
    until_closed,
)
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import Wires

from useby.store.external_commits import INTERVAL_SECONDS


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with watched(tmp_path_factory.mktemp("f16")) as server:
        yield server
        assert server.integrity() == "ok"


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    async with client_of("websockets") as connect:
        yield connect


async def next_messages(client: Client, count: int = 1) -> list[str]:
    """Return the next messages, which no sweep sends: it has no turn."""
    return [each["message"] for each in await take(client, count)]


def test_a_node_looks_for_the_writes_of_commands_four_times_in_two_seconds() -> None:
    assert INTERVAL_SECONDS <= 2.0 / 4


async def test_a_second_serve_is_refused_with_a_clear_message_and_the_first_goes_on(
    server: NodeProcess, record_property: live.Record
) -> None:
    async def attack(_: Wires) -> None:
        status, printed = await server.command("serve", "--port", "0")
        assert status != 0
        assert str(server.process.pid) in printed
        assert "served by another node" in printed
        assert "Traceback" not in printed

    await unharmed(server, record_property, attack)


async def test_notify_reaches_the_sockets_without_a_sweep(
    server: NodeProcess, connect: Connect, record_property: live.Record
) -> None:
    async def attack(_: Wires) -> None:
        person = server.person()
        devices = [await connect(server.socket_url(person.token)) for _ in range(2)]
        for client in devices:
            await take(client, 1)
        status, printed = await server.command("notify", person.email, "the milk is out")
        assert status == 0, printed
        for client in devices:
            assert await next_messages(client) == ["the milk is out"]
            assert await nothing_more(client) == []
            await client.close()

    await unharmed(server, record_property, attack)


async def test_a_user_who_was_added_beside_the_node_logs_in_and_connects_and_may_be_disabled(
    server: NodeProcess, rest: httpx.AsyncClient, connect: Connect
) -> None:
    email, password = "beside@example.org", "correct horse battery"
    server.secrets.add(password)
    status, printed = await server.command("user", "add", email, "--password-stdin", stdin=password)
    assert status == 0, printed
    answer = await rest.post("/api/auth/login", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    by_rest = answer.json()["accessToken"]
    status, by_command = await server.command("token", email)
    assert status == 0, by_command
    tokens = [by_rest, by_command.strip()]
    server.secrets |= set(tokens)
    devices = [await connect(server.socket_url(token)) for token in tokens]
    for client in devices:
        await take(client, 1)
    assert (await server.command("user", "disable", email))[0] == 0
    for client in devices:
        assert await until_closed(client) == ([], Ended(1008, "Access revoked"))


async def test_a_product_import_and_its_alerts_reach_the_sockets_without_a_sweep(
    server: NodeProcess, connect: Connect
) -> None:
    person = server.person()
    client = await connect(server.socket_url(person.token))
    await take(client, 1)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    lines = ["name,expiryDate,externalId", *(f"Milk {n},{tomorrow},m{n}" for n in range(3))]
    (server.folder / "fridge.csv").write_text("\n".join(lines) + "\n")
    status, printed = await server.command(
        "product", "import", "fridge.csv", "--user", person.email
    )
    assert status == 0, printed
    received = await next_messages(client, 4)
    assert sum(each.startswith("3 products") for each in received) == 1
    assert {f"Milk {number} expires tomorrow" for number in range(3)} < set(received)
    status, printed = await server.command(
        "product", "import", "fridge.csv", "--user", person.email
    )
    assert status == 0, printed
    assert await nothing_more(client) == []


async def test_commands_and_posts_at_once_lose_nothing_and_leave_no_gap(
    server: NodeProcess, rest: httpx.AsyncClient, connect: Connect, record_property: live.Record
) -> None:
    person = server.person()
    posted: list[str] = []
    done = asyncio.Event()

    async def post() -> None:
        while not done.is_set():
            posted.append((await live.post(rest, person, f"post {len(posted)}"))["message"])

    async def write_beside(each: int) -> None:
        for number in range(20):
            message = f"beside {each}-{number}"
            await asyncio.to_thread(server.notify, person, [message])
            posted.append(message)

    client = await connect(server.socket_url(person.token))
    await take(client, 1)
    posting = asyncio.create_task(post())
    with contextlib.ExitStack() as stack:
        stack.callback(done.set)
        commands = await asyncio.gather(
            *(server.command("notify", person.email, f"command {n}") for n in range(3)),
            server.command("migrate"),
            *(write_beside(each) for each in range(2)),
        )
    await posting
    assert [each[0] for each in commands if each is not None] == [0, 0, 0, 0]
    posted += [f"command {n}" for n in range(3)]
    frames = await take(client, len(posted))
    assert sorted(each["message"] for each in frames) == sorted(posted)
    kept = await live.all_notifications(rest, person)
    assert [each["id"] for each in frames] == [each["id"] for each in kept]
    assert [each["seq"] for each in kept] == list(range(1, len(kept) + 1))
    record_property("notifications", len(kept))
