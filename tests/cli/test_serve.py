"""Serving, and the commands that work beside a node."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli_result import Useby
from tests.support.patient_client import connect
from tests.support.time_limits import HANG_TIMEOUT, NO_SWEEP
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

SETTINGS = {"USEBY_ACCESS_TOKEN_SECONDS": "600"} | {
    f"USEBY_{name.upper()}": str(value) for name, value in NO_SWEEP.items()
}


@contextmanager
def _node() -> Iterator[tuple[subprocess.Popen[str], str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "useby", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | SETTINGS,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("useby is listening on http://127.0.0.1:")
            yield process, line.split()[-1]
        finally:
            process.kill()


async def _receive(connection: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(HANG_TIMEOUT):
        result: dict[str, Any] = json.loads(await connection.recv())
    return result


def test_a_node_prints_its_address_and_ends_with_0(folder: Path) -> None:
    with _node() as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(HANG_TIMEOUT) == 0
        assert process.stdout is not None
        assert process.stdout.read() == ""


def test_an_address_that_is_taken_is_named(useby: Useby) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        result = useby("serve", "--port", port)
    assert (result.status, result.out) == (1, "")
    remedy = "stop the other program or set USEBY_PORT"
    assert (
        result.err.splitlines()[-1] == f"useby: 127.0.0.1:{port}: Address already in use: {remedy}"
    )


async def test_sockets_get_notifications_that_commands_write_beside_the_node(
    useby: Useby, folder: Path
) -> None:
    (folder / "fridge.csv").write_text("name,expiryDate\nMilk,2126-03-04\nButter,2126-03-05\n")

    async def command(*words: str) -> str:
        result = await asyncio.to_thread(useby, *words)
        assert result.status == 0, result.err
        return result.out.strip()

    with _node() as (_, url):
        await command("user", "add", "ada@example.org")
        token = await command("token", "ada@example.org")
        address = url.replace("http", "ws", 1) + "/api/ws/notification"
        headers = {"Authorization": f"Bearer {token}"}
        async with connect(address, additional_headers=headers, proxy=None) as connection:
            assert (await _receive(connection))["type"] == "CONNECTION_ESTABLISHED"
            await command("notify", "ada@example.org", "hello", "--product", "Milk")
            assert (await _receive(connection))["message"] == "hello"
            await command("product", "import", "fridge.csv", "--user", "ada@example.org")
            assert (await _receive(connection))["message"] == "2 products were added"
            await command("user", "disable", "ada@example.org")
            with pytest.raises(ConnectionClosed) as closed:
                await _receive(connection)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "Access revoked")
        assert json.loads(await command("doctor", "--json"))
