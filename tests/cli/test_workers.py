"""``useby serve --workers N``: several processes on one port, started, restarted and stopped.

covers: useby.workers
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.support import process_node as live
from tests.support.cli_result import Useby
from tests.support.nats_servers import NatsServer, nats_servers
from tests.support.patient_client import connect
from tests.support.postgres import Postgres
from tests.support.process_node import NodeProcess
from tests.support.time_limits import HANG_TIMEOUT


@pytest.fixture(scope="module")
def nats() -> Iterator[NatsServer]:
    with nats_servers() as (server,):
        yield server


class Workers(NodeProcess):
    """``useby serve --workers`` on a PostgreSQL and a NATS."""

    def __init__(self, folder: Path, database_url: str, nats: NatsServer, count: int) -> None:
        super().__init__(
            folder,
            arguments=("--workers", str(count)),
            database_url=database_url,
            nats_url=nats.url,
        )

    @property
    def pids(self) -> set[int]:
        return {each.pid for each in psutil.Process(self.process.pid).children()}


@pytest.fixture(scope="module")
def database_url(postgres: Postgres) -> Iterator[str]:
    """One database for all here: to start several processes takes its time."""
    with postgres.own_database() as url:
        yield url


def test_several_workers_on_sqlite_are_refused_with_what_they_need(
    useby: Useby, folder: Path
) -> None:
    result = useby("serve", "--workers", "2", "--port", "0")
    assert (result.status, result.out) == (1, "")
    assert "USEBY_DATABASE_URL=postgresql://" in result.err
    assert "USEBY_NATS_URL=nats://" in result.err


def test_nats_beside_sqlite_is_refused(
    useby: Useby, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USEBY_NATS_URL", "nats://useby:hunter2@127.0.0.1")
    result = useby("serve", "--port", "0")
    assert (result.status, result.out) == (1, "")
    assert "a SQLite file has one node" in result.err
    assert "hunter2" not in result.err


async def listening_pids(server: Workers) -> set[int]:
    port = int(server.url.rpartition(":")[2])
    found = set()
    for pid in server.pids:
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended by then
            lines = psutil.Process(pid).net_connections("tcp")
            if any((each.laddr.port, each.status) == (port, psutil.CONN_LISTEN) for each in lines):
                found.add(pid)
    return found


async def test_workers_act_as_one_node_and_a_dead_one_is_restarted(
    tmp_path: Path, database_url: str, nats: NatsServer
) -> None:
    """In one test, because to start them takes seconds."""
    workers = Workers(tmp_path, database_url, nats, 2)
    try:
        workers.start()
        await assert_they_are_as_one(workers)
        await assert_a_dead_worker_is_restarted(workers)
        pids = workers.pids
        assert workers.stop() == 0, workers.log
        workers.assert_clean_log()
        assert not any(psutil.pid_exists(each) for each in pids)
    finally:
        workers.end()


async def assert_they_are_as_one(workers: Workers) -> None:
    """Check that they share one port, reach each other and are counted together."""
    assert len(await listening_pids(workers)) == 2
    email, password = "ada@useby.example", "correct horse battery"
    async with workers.rest() as rest:
        made = {"email": email, "password": password}
        assert (await rest.post("/api/auth/signup", json=made)).status_code == 202
        tokens = (await rest.post("/api/auth/login", json=made)).json()
    headers = {"Authorization": f"Bearer {tokens['accessToken']}"}
    url = workers.socket_url(tokens["accessToken"])
    lines = [await connect(url, proxy=None) for _ in range(16)]
    try:
        for line in lines:
            await line.recv()
        for number in range(4):  # each by a connection of its own, so by whichever worker
            async with workers.rest() as rest:
                answer = await rest.post(
                    "/api/notifications", headers=headers, json={"message": str(number)}
                )
                assert answer.status_code == 201, answer.text
        async with asyncio.timeout(HANG_TIMEOUT):
            for line in lines:
                got = [str(await line.recv()) for _ in range(4)]
                assert [f'"message":"{number}"' in each for number, each in enumerate(got)] == [
                    True
                ] * 4
        for _ in range(6):  # whichever answers, it answers for all
            async with workers.rest() as rest:
                assert await live.metric(rest, "useby_connections") == 16
                assert await live.metric(rest, "useby_notifications_committed_total") == 4
                assert await live.metric(rest, "useby_nats_connected") == 2
    finally:
        for line in lines:
            await line.close()


async def assert_a_dead_worker_is_restarted(workers: Workers) -> None:
    before = await listening_pids(workers)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)

    async def two_again() -> bool:
        pids = await listening_pids(workers)
        return len(pids) == 2 and victim not in pids

    await live.until(two_again)
    assert len(before & await listening_pids(workers)) == 1
    async with workers.rest() as rest:
        assert (await rest.get("/api/health/ready")).json() == {"status": "ok", "reasons": []}
        assert await live.metric(rest, "useby_connections") == 0


async def test_workers_end_with_a_supervisor_that_was_killed(
    tmp_path: Path, database_url: str, nats: NatsServer
) -> None:
    server = Workers(tmp_path, database_url, nats, 2)
    try:
        server.start()
        pids = server.pids
        server.process.kill()
        await live.until(lambda: not any(psutil.pid_exists(each) for each in pids))
        server.wait()
    finally:
        server.end()


async def test_sigterm_while_they_start_ends_all_of_them_with_0(
    tmp_path: Path, database_url: str, nats: NatsServer
) -> None:
    server = Workers(tmp_path, database_url, nats, 2)
    try:
        server.launch()
        await live.until(lambda: len(server.pids) == 2)
        pids = server.pids
        server.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(server.process.wait, 10) == 0, server.log
        server.wait()
        assert not any(psutil.pid_exists(each) for each in pids)
        server.assert_clean_log()
    finally:
        server.end()


def test_an_address_that_is_taken_is_named_although_the_port_is_shared(
    database_url: str,
    nats: NatsServer,
    useby: Useby,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("USEBY_DATABASE_URL", database_url)
    monkeypatch.setenv("USEBY_NATS_URL", nats.url)
    monkeypatch.setenv("USEBY_SECRET_KEY", "k" * 32)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        result = useby("serve", "--workers", "2", "--port", port)
    assert (result.status, result.out) == (1, "")
    assert f"127.0.0.1:{port}: Address already in use" in result.err
