"""Tickets at the socket: valid once, at every node, also after an outage of the database."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from tests.support.in_process_node import InProcessNode, closed
from tests.support.patient_client import connect
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.two_nodes import two_houses
from websockets.exceptions import ConnectionClosed

from useby.auth import refresh
from useby.auth.refusals import LINES
from useby.store.database import StoreUnavailable

INVALID = (1008, "Invalid access token")


@pytest.fixture
async def cluster(postgres_url: str) -> AsyncIterator[Sequence[InProcessNode]]:
    """Two nodes on one PostgreSQL; a ticket asks for no bus."""
    async with two_houses(postgres_url) as houses:
        yield houses


@pytest.fixture(params=["alone", "cluster"])
def nodes(request: pytest.FixtureRequest) -> Sequence[InProcessNode]:
    """A node on SQLite as the first and the last; then two nodes on PostgreSQL."""
    if request.param == "alone":
        return [request.getfixturevalue("house")] * 2
    houses: Sequence[InProcessNode] = request.getfixturevalue("cluster")
    return houses


async def tickets_of(house: InProcessNode, token: str, count: int = 1) -> list[str]:
    async with httpx.AsyncClient(
        base_url=house.node.url, trust_env=False, timeout=HANG_TIMEOUT
    ) as client:
        headers = {"Authorization": f"Bearer {token}"}
        answers = [await client.post("/api/ws/ticket", headers=headers) for _ in range(count)]
    return [answer.json()["ticket"] for answer in answers]


async def shown(house: InProcessNode, ticket: str) -> str | tuple[int, str]:
    """The first frame that a ticket brings, or the close."""
    async with connect(f"{house.socket_url}?access_token={ticket}") as client:
        try:
            return str(await client.recv())
        except ConnectionClosed:
            return await closed(client)


class Writes:
    """Counts a node's writes to its store, which fail while it is away."""

    def __init__(self, house: InProcessNode, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.away = False
        self._write = house.node.database.write
        monkeypatch.setattr(house.node.database, "write", self)

    async def __call__(self, work: Any, **how: Any) -> Any:
        self.count += 1
        if self.away:
            raise StoreUnavailable("as if the disk were gone")
        return await self._write(work, **how)


async def test_a_ticket_of_one_node_opens_the_socket_at_another_and_no_second_time(
    nodes: Sequence[InProcessNode],
) -> None:
    ada = await nodes[0].add_user()
    (ticket,) = await tickets_of(nodes[0], await nodes[0].token(ada))
    assert f'"userId":"{ada.id}"' in str(await shown(nodes[1], ticket))
    assert [await shown(each, ticket) for each in nodes] == [INVALID] * 2


async def test_a_ticket_shown_twice_at_once_opens_one_connection(
    nodes: Sequence[InProcessNode],
) -> None:
    ada = await nodes[0].add_user()
    for ticket in await tickets_of(nodes[0], await nodes[0].token(ada), 5):
        got = await asyncio.gather(*(shown(each, ticket) for each in (*nodes, *nodes)))
        assert got.count(INVALID) == 3, got
        (opened,) = (each for each in got if each != INVALID)
        assert "CONNECTION_ESTABLISHED" in str(opened)


async def test_a_ticket_is_valid_for_30_seconds_at_every_node(
    nodes: Sequence[InProcessNode],
) -> None:
    ada = await nodes[0].add_user()
    early, late = await tickets_of(nodes[0], await nodes[0].token(ada), 2)
    nodes[1].wall.jump(seconds=25)
    assert "CONNECTION_ESTABLISHED" in str(await shown(nodes[1], early))
    nodes[1].wall.jump(seconds=5)
    assert await shown(nodes[1], late) == INVALID


async def test_a_refused_ticket_is_logged_with_its_reason_and_without_its_text(
    house: InProcessNode, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await house.add_user()
    token = await house.token(ada)
    used, late = await tickets_of(house, token, 2)
    await shown(house, used)
    unknown = "t_of-another-node"
    with caplog.at_level(logging.INFO, "useby.auth.refusals"):
        assert [await shown(house, each) for each in (used, unknown)] == [INVALID] * 2
        house.wall.jump(seconds=31)
        assert await shown(house, late) == INVALID
        assert await shown(house, f"{unknown}&access_token={late}") == INVALID
        for _ in range(2 * LINES):
            await shown(house, unknown)
    spent = f"a token was refused: ticket: it was used before or has expired (user {ada.id!r})"
    foreign = "a token was refused: ticket: it was not made by this node's key"
    two = "a token was refused: form: there are two different ones"
    assert caplog.messages == [spent, foreign, spent, two, *[foreign] * (LINES - 3)]
    assert not [each for each in (used, late, unknown, token) if each in caplog.text]


async def test_a_session_that_a_ticket_opened_ends_with_its_token(house: InProcessNode) -> None:
    ada = await house.add_user()
    (ticket,) = await tickets_of(house, await house.token(ada, seconds=600))
    async with connect(f"{house.socket_url}?access_token={ticket}") as client:
        await client.recv()
        house.wall.jump(seconds=600)
        with pytest.raises(ConnectionClosed, match="Access token expired"):
            await client.recv()


async def test_a_ticket_without_a_valid_seal_causes_no_write(
    house: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.add_user()
    (ticket,) = await tickets_of(house, await house.token(ada))
    changed = ticket[:-2] + ("AA" if ticket[-2:] != "AA" else "BB")
    writes = Writes(house, monkeypatch)
    for text in (changed, "t_", "nonsense", "x" * 5000):
        assert await shown(house, text) == INVALID
    assert writes.count == 0


async def test_a_ticket_waits_for_the_database_while_tokens_are_admitted(
    house: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.add_user()
    token = await house.token(ada)
    good, late = await tickets_of(house, token, 2)
    writes = Writes(house, monkeypatch)
    writes.away = True
    url = f"{house.socket_url}?access_token="
    async with connect(url + good) as client:  # the upgrade is answered
        async with house.connected(token):
            writes.away = False
        assert "CONNECTION_ESTABLISHED" in str(await client.recv())
    assert writes.count > 1
    writes.away = True
    async with connect(url + late) as client:
        house.wall.jump(seconds=30)
        writes.away = False
        with pytest.raises(ConnectionClosed, match="Invalid access token"):
            await client.recv()


async def test_only_the_hash_of_a_ticket_is_stored(house: InProcessNode) -> None:
    ada = await house.add_user()
    (ticket,) = await tickets_of(house, await house.token(ada))
    rows: Any = await house.node.database.read(
        lambda c: c.exec_driver_sql("SELECT * FROM tickets").all()
    )
    ((user_id, kept, *_),) = rows
    assert (user_id, kept) == (ada.id, refresh.hash_of(ticket))
    assert ticket.removeprefix("t_") not in str(rows)
