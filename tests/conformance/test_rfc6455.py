"""RFC 6455 as a table of raw bytes, against the real endpoint and an echoing one.

covers: useby.realtime.wire
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from tests.conformance.cases import Case
from tests.conformance.closing import closing, limits
from tests.conformance.framing import fragmentation, framing, opcodes, pings, reserved_bits
from tests.conformance.text import utf_8
from tests.support import process_node as live
from tests.support import raw_websocket as wire
from tests.support.raw_websocket import CLOSE, PONG, TEXT, Frame, Wire, Wires
from tests.support.settings import SettingsWithoutFile
from tests.support.time_limits import HANG_TIMEOUT
from websockets.frames import Opcode

from useby.bus import NoBus
from useby.realtime import frames
from useby.realtime.effects import Effects
from useby.realtime.hub import Hub
from useby.realtime.session import Session
from useby.realtime.socket import Socket
from useby.realtime.states import SessionState

GROUPS = {
    "framing": framing,
    "pings": pings,
    "reserved bits": reserved_bits,
    "opcodes": opcodes,
    "fragmentation": fragmentation,
    "UTF-8": utf_8,
    "closing": closing,
    "limits": limits,
}
PATIENT: dict[str, Any] = {"frames_burst": 100_000, "close_timeout": 20.0, "ping_interval": 3600.0}


class Echo(Session):
    """Sends back every text it is sent."""

    def text(self, text: str) -> Effects:
        return (frames._framed(0x80 | Opcode.TEXT, text.encode()),)


class Doorway(asyncio.Protocol):
    """Hands every connection to a ``Socket`` whose session echoes."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        session = Echo("ada")
        session.state = SessionState.LIVE
        line = cast("asyncio.Transport", transport)
        socket = Socket(self._hub, line, session)
        self._hub.registry.add(socket)
        line.set_protocol(socket)


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    """The URL of an endpoint that echoes, on a thread of its own."""
    ready, found = threading.Event(), []

    async def serve() -> None:
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        settings = SettingsWithoutFile(**PATIENT)
        hub = Hub(
            settings,
            cast("object", None),  # type: ignore[arg-type] # nothing here asks a database
            cast("object", None),  # type: ignore[arg-type]
            NoBus(),
            now=lambda: datetime.now(UTC),
        )
        server = await loop.create_server(lambda: Doorway(hub), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        found.append((f"ws://127.0.0.1:{port}/", loop, end))
        ready.set()
        await end.wait()
        hub.abort_all()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(HANG_TIMEOUT)
    ((url, loop, end),) = found
    yield url
    loop.call_soon_threadsafe(end.set)
    thread.join()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a node's socket, token and all."""
    with live.serving(tmp_path_factory.mktemp("node"), **PATIENT) as server:
        yield server.socket_url(server.person().token)


@pytest.fixture
async def wires() -> AsyncIterator[Wires]:
    async with wire.wires() as wires:
        yield wires


@contextmanager
def named(case: Case) -> Iterator[None]:
    """Add the name of a case to its failure."""
    try:
        yield
    except Exception as error:
        error.add_note(case.name)
        raise


async def answers_of(line: Wire, case: Case) -> tuple[list[Frame], int | None]:
    """Return the frames until the endpoint's Close, and its code; nothing may follow it."""
    for data in case.sent:
        try:
            await line.send(data)
        except ConnectionError:
            break  # refused as soon as that was certain
    answer = []
    while (got := await line.read_frame()).opcode != CLOSE:
        answer.append(got)
    line.end()
    assert await line.read_to_end() == b""
    return answer, got.closing[0] if got.data else None


@pytest.mark.parametrize("group", GROUPS)
async def test_an_endpoint_that_echoes(echo: str, wires: Wires, group: str) -> None:
    for case in GROUPS[group]():
        with named(case):
            line = await wires.tcp(echo)
            answer, code = await answers_of(line, case)
            for opcode in (TEXT, PONG):  # a pong comes as soon as it can (5.5.2)
                wanted = [each for each in case.answers if each.opcode == opcode]
                assert [each for each in answer if each.opcode == opcode] == wanted
            assert (len(answer), code) == (len(case.answers), case.closing)
            line.close()


@pytest.mark.parametrize("group", GROUPS)
async def test_the_notification_socket(real: str, wires: Wires, group: str) -> None:
    """Text that is no JSON is ignored (contract 4), so of the answers only pongs come."""
    for case in GROUPS[group]():
        with named(case):
            line = await wires.opened(real)
            pongs = [each for each in case.answers if each.opcode != TEXT]
            assert await answers_of(line, case) == (pongs, case.closing)
            line.close()


def test_the_table_has_no_fewer_than_250_cases_each_with_a_name_of_its_own() -> None:
    names = [(group, case.name) for group, make in GROUPS.items() for case in make()]
    assert len(names) == len(set(names))
    assert len(names) >= 250
