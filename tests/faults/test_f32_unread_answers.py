"""F32: answers that are not read, on as many connections as the node takes, and more."""

import asyncio
import contextlib
from collections.abc import Iterator

import httpx
import pytest
from tests.support import process_node as live
from tests.support.bystander import PAUSE, held_by, receives_throughout, watched
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import Wires

from useby.realtime.slots import MAX_WAITING, OWN_FILES, REQUEST_SLOTS

MOST = 20
SLOTS = MOST + REQUEST_SLOTS
REMAIN = 16
"""Tasks, timers or descriptors that may be in use for other reasons; a leak would leave one for
each of the connections, of which there are more than ``SLOTS``."""
OWN = 4
"""Slots that the bystander, and the requests of the test itself, may take."""
LARGE = b"GET /api/docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""An answer of more than a megabyte."""
SMALL = b"GET /api/asyncapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node that takes 20 WebSocket connections, and cuts an unread answer after three seconds."""
    with watched(
        tmp_path_factory.mktemp("f32"),
        max_connections=MOST,
        answer_timeout=3.0,
        head_timeout=60.0,
    ) as server:
        yield server


async def asked(server: NodeProcess, wires: Wires, path: str) -> tuple[int, bytes]:
    """The status of an answer, and all of it, on a connection of its own."""
    wire = await wires.tcp(server.url)
    await wire.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = await wire.read_to_end()
    return int(answer.split(b" ", 2)[1]), answer


async def held_after_start(server: NodeProcess) -> dict[str, int]:
    """Return the figures of a node that has started all its tasks: two looks in a row agree."""
    looks: list[dict[str, int]] = []

    async def agree() -> bool:
        looks.append(await held_by(server))
        before, now = looks[-2:] if len(looks) > 1 else ({}, looks[0])
        return all(before.get(each) == now[each] for each in ("tasks", "descriptors"))

    await live.until(agree, every=PAUSE)
    return looks[-1]


async def test_health_checks_are_answered_while_unread_answers_take_every_slot(
    server: NodeProcess, wires: Wires, rest: httpx.AsyncClient, record_property: live.Record
) -> None:
    async with receives_throughout(server, record_property):
        before = await held_after_start(server)
        unread = [
            await wires.tcp(server.url, receive_buffer=4096) for _ in range(SLOTS + MAX_WAITING)
        ]
        for wire in unread:
            await wire.send(LARGE)

        async def is_full() -> bool:
            status, answer = await asked(server, wires, "/api/health/ready")
            return status == 503 and b"no room for another connection" in answer

        await live.until(is_full)
        assert (await asked(server, wires, "/api/health/live"))[0] == 200
        assert (await asked(server, wires, "/api/asyncapi.json"))[0] == 503

        async def is_free() -> bool:
            return (await asked(server, wires, "/api/asyncapi.json"))[0] == 200

        await live.until(is_free)
        assert (
            await live.metric(rest, "useby_requests_rejected_total", reason="unread") >= SLOTS - OWN
        )

        async def has_come_back() -> bool:
            held = await held_by(server)
            print(before, held)  # shown if this is false for too long
            record_property("held", {"before": before, "after": held})
            return all(
                held[each] <= before[each] + REMAIN for each in ("tasks", "timers", "descriptors")
            )

        await live.until(has_come_back, every=PAUSE)


async def test_endless_silent_connections_do_not_stop_a_health_check(
    server: NodeProcess, wires: Wires
) -> None:
    """They send nothing, and each is followed by another: a visitor that stands makes room."""
    held = [await wires.tcp(server.url) for _ in range(SLOTS)]
    assert len(held) == SLOTS

    async def answered(wires: Wires) -> bytes:
        wire = await wires.tcp(server.url)
        with contextlib.suppress(ConnectionError):
            await wire.send(b"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return await wire.read_to_end()

    async def flood() -> None:
        while True:
            wire = await wires.tcp(server.url)
            await wire.read_to_end()
            wire.close()

    flooding = [asyncio.create_task(flood()) for _ in range(MAX_WAITING + 8)]
    for _ in range(20):
        tries = [await answered(wires) for _ in range(3)]  # as many as an orchestrator makes
        assert any(each.startswith(b"HTTP/1.1 200 ") for each in tries)
    for task in flooding:
        task.cancel()
    await asyncio.gather(*flooding, return_exceptions=True)


async def test_a_slow_reader_gets_all_of_its_answer(server: NodeProcess, wires: Wires) -> None:
    """It takes longer than the deadline, but reads a little all the time."""
    wire = await wires.tcp(server.url, receive_buffer=4096)
    await wire.send(LARGE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    _, head = await wire.read_head()
    (size,) = (
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    begun, read = live.now(), 0
    while live.now() < begun + 4:
        read += len(await wire.read(4096))
        await asyncio.sleep(0.05)
    assert read + len(await wire.read_to_end()) == size


async def test_a_connection_that_has_its_answer_and_sends_nothing_more_is_closed(
    server: NodeProcess, wires: Wires
) -> None:
    """Also one whose answer came before its body was whole."""
    idle = await wires.tcp(server.url)
    await idle.send(SMALL)
    early = await wires.tcp(server.url)
    await early.send(b"POST /api/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n")
    assert (await early.read_head())[0] == 404
    await early.send(b"{}")
    await asyncio.gather(idle.read_to_end(), early.read_to_end())


async def test_a_node_needs_no_more_files_of_its_own_than_are_kept_for_it(
    server: NodeProcess, rest: httpx.AsyncClient, record_property: live.Record
) -> None:
    person = server.person()
    await asyncio.gather(*(live.post(rest, person, f"note {n}") for n in range(50)))
    visitors = [each for each in server.usage.net_connections("tcp") if each.status != "LISTEN"]
    own = server.usage.num_fds() - len(visitors)
    record_property("own_files", own)
    assert own <= OWN_FILES
