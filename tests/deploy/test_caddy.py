"""Caddy as ``deploy/Caddyfile`` sets it up, in front of a real node, over TLS on loopback."""

import asyncio
import contextlib
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support import process_node as live
from tests.support.patient_client import connect
from tests.support.postgres import free_port
from tests.support.time_limits import HANG_TIMEOUT

CADDYFILE = Path(__file__).parents[2] / "deploy" / "Caddyfile"
PROGRAM = Path(sys.executable).parent / "caddy"


class Caddy:
    """A Caddy of the test's own, and what it has logged."""

    def __init__(self, folder: Path, nodes: list[str]) -> None:
        self.port = free_port()
        self.lines: list[dict[str, Any]] = []
        self.log = ""
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / "data"),
            "SITE": "localhost",
            "NODES": " ".join(nodes),
        }
        self.authority = folder / "data/caddy/pki/authorities/local/root.crt"
        self._ready = threading.Event()
        config = folder / "caddy.json"
        config.write_text(json.dumps(self._config()))
        self.process = subprocess.Popen(
            [PROGRAM, "run", "--config", config],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _config(self) -> Any:
        """The file as it is, but on free ports of loopback, and without patience for the absent."""
        adapted = subprocess.run(
            [PROGRAM, "adapt", "--config", CADDYFILE],
            env=self.environment,
            check=True,
            capture_output=True,
            timeout=HANG_TIMEOUT,
        )
        config = json.loads(adapted.stdout)
        http = config["apps"]["http"]
        http |= {"http_port": free_port(), "https_port": self.port}
        (server,) = http["servers"].values()
        server["listen"] = [f"127.0.0.1:{self.port}"]
        proxy = next(each for each in _handlers(server) if each["handler"] == "reverse_proxy")
        del proxy["load_balancing"]["try_duration"]
        return config

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log += line
            with contextlib.suppress(ValueError):
                self.lines.append(json.loads(line))
            if "certificate obtained successfully" in line:
                self._ready.set()
        self._ready.set()  # or never will

    def wait(self) -> None:
        """Until it has made itself a certificate."""
        assert self._ready.wait(HANG_TIMEOUT), self.log
        assert self.process.poll() is None, self.log

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(HANG_TIMEOUT)
        finally:
            self.process.kill()
            self._reader.join(HANG_TIMEOUT)
            assert self.process.stderr is not None
            self.process.stderr.close()

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.authority)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What its access log says."""
        return [line for line in self.lines if line.get("msg") == "handled request"]


def _handlers(routes: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for route in routes["routes"]:
        for handler in route["handle"]:
            yield handler
            if "routes" in handler:
                yield from _handlers(handler)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Caddy, live.NodeProcess]]:
    """A node, and before it a Caddy that has been told of another one, too, that is not there."""
    with live.serving(tmp_path_factory.mktemp("node")) as node:
        address = node.url.removeprefix("http://")
        absent = f"127.0.0.1:{free_port()}"
        caddy = Caddy(tmp_path_factory.mktemp("caddy"), [absent, address])
        try:
            caddy.wait()
            yield caddy, node
        finally:
            caddy.end()


async def test_caddy_passes_the_socket_on_over_tls_and_logs_no_token(
    scene: tuple[Caddy, live.NodeProcess],
) -> None:
    caddy, node = scene
    person = node.person()
    node.notify(person, ["Milk expires today"])
    url = f"wss://localhost:{caddy.port}/api/ws/notification?access_token={person.token}"
    async with asyncio.timeout(HANG_TIMEOUT), connect(url, ssl=caddy.tls) as client:
        assert json.loads(await client.recv())["type"] == "CONNECTION_ESTABLISHED"
        assert json.loads(await client.recv())["message"] == "Milk expires today"
    await live.until(
        lambda: 101 in [each["status"] for each in caddy.requests], within=HANG_TIMEOUT
    )
    (opening,) = (each for each in caddy.requests if each["status"] == 101)
    assert opening["request"]["uri"] == "/api/ws/notification"
    assert person.token.rpartition(".")[2] not in caddy.log


async def test_caddy_passes_requests_on_to_a_live_node_and_keeps_metrics_in(
    scene: tuple[Caddy, live.NodeProcess],
) -> None:
    caddy, node = scene
    person = node.person()
    at = f"https://localhost:{caddy.port}"
    async with httpx.AsyncClient(base_url=at, verify=caddy.tls, timeout=HANG_TIMEOUT) as client:
        assert (await client.get("/api/me", headers=person.headers)).status_code == 200
        for path in ("/metrics", "/metrics/", "/%6detrics", "/api/../metrics"):
            assert (await client.get(path)).status_code == 404, path
    assert person.token.rpartition(".")[2] not in caddy.log


async def test_caddys_log_of_a_node_that_is_gone_has_no_token(tmp_path: Path) -> None:
    caddy = Caddy(tmp_path, [f"127.0.0.1:{free_port()}"])
    try:
        caddy.wait()
        url = f"https://localhost:{caddy.port}/api/ws/notification?access_token=aaa.bbb.ccc"
        async with httpx.AsyncClient(verify=caddy.tls, timeout=HANG_TIMEOUT) as client:
            answer = await client.get(url, headers={"authorization": "Bearer aaa.bbb.ccc"})
        assert answer.status_code in {502, 503}
        await live.until(lambda: len(caddy.requests) == 1, within=HANG_TIMEOUT)
    finally:
        caddy.end()
    errors = [each for each in caddy.lines if each.get("logger", "").startswith("http.log.error")]
    assert errors, caddy.log
    assert errors[0]["request"]["uri"] == "/api/ws/notification"
    assert "bbb" not in caddy.log
