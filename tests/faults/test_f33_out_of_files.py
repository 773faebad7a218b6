"""F33: a limit of open files that is small, too small, or reached."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import process_node as live
from tests.support.bystander import receives_throughout
from tests.support.foreign_clients import client_of, nothing_more, take, until_closed
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import Wires

from useby.realtime.slots import MIN_FILES, SlotLimits

LIMITED = str(Path(__file__).parents[1] / "support" / "programs" / "limited.py")
SEEN = "a connection can't be accepted"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NodeProcess]:
    with live.serving(tmp_path, program=(LIMITED, "128")) as server:
        yield server


async def probe(server: NodeProcess, wires: Wires, path: str = "/api/health/ready") -> bytes:
    """A health check on a connection of its own; all that it is answered with."""
    wire = await wires.tcp(server.url)
    await wire.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return await wire.read_to_end()


async def test_with_128_files_there_is_room_for_a_few_and_a_warning_names_the_remedy(
    server: NodeProcess, wires: Wires
) -> None:
    limits = SlotLimits.of(128)
    assert limits.connections >= 30
    (warning,) = (line for line in server.log.splitlines() if "LimitNOFILE" in line)
    assert f"room for {limits.connections} WebSocket connections" in warning
    assert "ulimit -n" in warning
    async with client_of("websockets") as connect:
        held = [await connect(server.socket_url(server.person().token)) for _ in range(30)]
        for client in held:
            await take(client, 1)
        silent = [await wires.tcp(server.url) for _ in range(300)]
        assert len(silent) == 300
        for _ in range(20):
            assert b" 503 " in await probe(server, wires)
            assert b" 200 " in await probe(server, wires, "/api/health/live")
        for client in held:
            assert await nothing_more(client) == []
    assert SEEN not in server.log


async def test_as_many_websocket_connections_as_there_is_room_for_and_then_1013(
    server: NodeProcess,
) -> None:
    limits = SlotLimits.of(128)
    async with client_of("websockets") as connect:
        held = [
            await connect(server.socket_url(server.person().token))
            for _ in range(limits.connections)
        ]
        for client in held:
            await take(client, 1)
        one_more = await connect(server.socket_url(server.person().token))
        assert (await until_closed(one_more))[1].code == 1013
        async with server.rest() as rest:
            health = (await rest.get("/api/health/ready")).json()
        assert health["reasons"] == ["no room for another WebSocket connection"]
        assert health["status"] == "degraded"
    assert SEEN not in server.log


def test_a_node_with_too_few_files_does_not_start_and_names_the_remedy(tmp_path: Path) -> None:
    server = NodeProcess(tmp_path, program=(LIMITED, str(MIN_FILES - 1)))
    try:
        server.launch()
        assert server.wait() != 0
        assert "ulimit -n" in server.log
        assert "LimitNOFILE" in server.log
        assert "Traceback" not in server.log
    finally:
        server.end()


async def test_out_of_files_visitors_get_503_one_line_is_logged_and_readiness_fails(
    tmp_path: Path, wires: Wires, record_property: live.Record
) -> None:
    """The limit is lowered while the node runs; a probe has kept its connection from before."""
    with live.serving(tmp_path) as server:
        async with server.rest() as rest, receives_throughout(server, record_property):
            assert (await rest.get("/api/health/ready")).json()["status"] == "ok"
            pid = server.process.pid
            limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (server.usage.num_fds(), limits[1]))
            for _ in range(200):
                assert b" 503 " in await probe(server, wires)
            health = await rest.get("/api/health/ready")
            assert health.status_code == 503
            assert health.json()["reasons"] == ["no file descriptor is left"]
            lines = [line for line in server.log.splitlines() if SEEN in line]
            record_property("lines", len(lines))
            assert 1 <= len(lines) <= 3
            assert "LimitNOFILE" in lines[0]
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)

            async def is_ready() -> bool:
                return b'"ok"' in await probe(server, wires)

            await live.until(is_ready, every=0.1)
