"""F10: 100,000 unread for a client that doesn't read, while 1,000 more are posted."""

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.many_notifications import notify_many
from tests.support.process_node import NodeProcess, Person
from tests.support.raw_websocket import PING, PONG, Wire, Wires, frame
from tests.support.simulation.parts import frames_in

from useby.store import notifications

WARM_UP, WHOLE = (2_000, 100), (100_000, 1_000)
"""Unread, and posted during the replay: in the first round, and in the one that counts."""
POSTERS = 20
PEAK_MIB = 6.0
"""A page of 100 rows is a few dozen KiB; all of them would be more than 60 MiB."""
WAL_MIB = 12.0
"""A commit checkpoints at 2,000 pages of 4 KiB, if no reader is in its way, and may pass them."""


@pytest.fixture(scope="module")
def people() -> list[Person]:
    """One person with fewer unread, for the warm-up, and one with all of them."""
    return []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, people: list[Person]) -> Iterator[NodeProcess]:
    def fill(server: NodeProcess) -> None:
        for count, _ in (WARM_UP, WHOLE):
            people.append(server.person())
            notify_many(server, people[-1], "unread", count)

    with watched(tmp_path_factory.mktemp("f10"), first=fill) as server:
        yield server


async def test_a_slow_client_gets_its_replay_and_newer_notifications_from_one_page_in_memory(
    server: NodeProcess, people: list[Person], record_property: live.Record
) -> None:
    rounds = iter(zip(people, (WARM_UP, WHOLE), strict=True))
    wal: list[int] = []

    async def attack(wires: Wires) -> None:
        person, (unread, posted) = next(rounds)
        wire = await wires.opened(server.socket_url(person.token), receive_buffer=4096)
        async with server.rest() as rest:
            shares = (range(n, posted, POSTERS) for n in range(POSTERS))
            posting = asyncio.gather(*(post(rest, person, share) for share in shares))
            while not posting.done():
                await asyncio.wait([posting], timeout=0.05)
                wal.append(server.database.with_name(server.database.name + "-wal").stat().st_size)
        answer = kept_after(server, person, unread)
        assert len(answer) == posted
        got = await read(wire, unread + posted)
        assert got[:unread] == [f"unread {n}" for n in range(unread)]
        assert got[unread:] == answer

    await unharmed(server, record_property, attack, peak_mib=PEAK_MIB)
    record_property("wal_mib", round(max(wal) / 2**20, 2))
    assert max(wal) < WAL_MIB * 2**20


async def post(rest: httpx.AsyncClient, person: Person, share: range) -> None:
    """A poster's share, one after the other."""
    for number in share:
        await live.post(rest, person, f"live {number}")


def kept_after(server: NodeProcess, person: Person, seq: int) -> list[str]:
    """The messages that came later, in their order."""
    with server.writing() as transaction:
        rows = notifications.page_after(transaction.connection, person.id, seq, 10_000)
    return [row.message for row in rows]


async def read(wire: Wire, count: int) -> list[str]:
    """The messages of the next notifications; pings are answered."""
    found: list[str] = []
    waiting = bytearray()
    while len(found) < count:
        waiting += await wire.read_some()
        for each in frames_in(waiting):
            if each.opcode == PING:
                await wire.send(frame(PONG, each.data))
            else:
                found.append(json.loads(each.data)["message"])
    return found
