"""F22: the database's file is gone at a restart, and files beside it show that there was one."""

import contextlib
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from tests.support.process_node import NodeProcess, until

NAME = "useby.db"
BESIDE = {"-wal": b"frames", "-shm": b"index", ".lock": b"1"}
MADE = "an empty one is created"


@contextlib.contextmanager
def node(folder: Path, *arguments: str, **settings: Any) -> Iterator[NodeProcess]:
    """A server that has not been started, without any file yet."""
    server = NodeProcess(folder, arguments=arguments, **settings)
    server.database.unlink()  # made with ``NodeProcess``
    try:
        yield server
    finally:
        server.end()


def refused(server: NodeProcess) -> str:
    """Start a node that must end by itself; its log."""
    server.launch()
    assert server.wait() == 1
    return server.log


async def post(server: NodeProcess) -> str:
    person = server.person()
    async with server.rest() as rest:
        answer = await rest.post(
            "/api/notifications", headers=person.headers, json={"message": "kept"}
        )
    assert answer.status_code == HTTPStatus.CREATED
    return str(answer.json()["id"])


@pytest.mark.parametrize("end", [NodeProcess.stop, NodeProcess.kill])
async def test_a_node_whose_database_is_gone_refuses_to_start_and_makes_none(
    end: Callable[[NodeProcess], object], tmp_path: Path
) -> None:
    with node(tmp_path) as server:
        server.start()
        await post(server)
        end(server)
        server.end()
        server.database.rename(tmp_path / "moved away")
        log = refused(server)
        assert f"{server.database} is missing" in log
        assert f"{NAME}.lock" in log
        assert "--new-database" in log
        assert not server.database.exists()
        (tmp_path / "moved away").rename(server.database)
        server.start()
        with server.writing() as transaction:
            count = transaction.connection.exec_driver_sql("SELECT count(*) FROM notifications")
            assert count.scalar_one() == 1
        assert server.stop() == 0


@pytest.mark.parametrize("suffix", BESIDE)
async def test_each_file_beside_a_missing_database_is_enough_to_refuse(
    suffix: str, tmp_path: Path
) -> None:
    with node(tmp_path) as server:
        (tmp_path / (NAME + suffix)).write_bytes(BESIDE[suffix])
        assert f"{NAME}{suffix}" in refused(server)
        for command in (["migrate"], ["user", "add", "ada@example.org"]):
            status, printed = await server.command(*command)
            assert (status, "is missing" in printed) == (1, True), printed
        assert not server.database.exists()


async def test_a_kept_signing_key_beside_a_missing_database_is_enough_to_refuse(
    tmp_path: Path,
) -> None:
    with node(tmp_path) as server:
        (tmp_path / "useby.key").write_text(server.key)
        assert "useby.key" in refused(server)


async def test_an_empty_file_beside_a_wal_is_refused_before_sqlite_deletes_the_wal(
    tmp_path: Path,
) -> None:
    with node(tmp_path) as server:
        server.database.touch()
        wal = tmp_path / f"{NAME}-wal"
        wal.write_bytes(b"frames")
        assert "is missing" in refused(server)
        assert wal.read_bytes() == b"frames"


async def test_a_node_started_with_new_database_makes_an_empty_one_and_warns(
    tmp_path: Path,
) -> None:
    with node(tmp_path, "--new-database") as server:
        (tmp_path / f"{NAME}.lock").write_text("1")
        server.start()
        await until(lambda: MADE in server.log)
        (line,) = (line for line in server.log.splitlines() if MADE in line)
        assert "warning" in line.lower()
        await post(server)
        assert server.stop() == 0
        server.start()  # the option leaves a database that is there as it is
        with server.writing() as transaction:
            count = transaction.connection.exec_driver_sql("SELECT count(*) FROM notifications")
            assert count.scalar_one() == 1
        assert server.log.count(MADE) == 1
        server.assert_clean_log()


async def test_a_first_start_makes_a_database_and_warns_and_a_second_does_neither(
    tmp_path: Path,
) -> None:
    with node(tmp_path) as server:
        server.start()
        assert server.stop() == 0
        assert server.log.count(MADE) == 1
        server.start()
        assert server.stop() == 0
        assert server.log.count(MADE) == 1


async def test_a_first_start_refused_for_its_settings_does_not_block_the_next_one(
    tmp_path: Path,
) -> None:
    with node(tmp_path) as server:
        del server.settings["secret_key"]
        server.settings["host"] = "0.0.0.0"
        assert "USEBY_SECRET_KEY must be set" in refused(server)
        server.settings |= {"secret_key": server.key, "host": "127.0.0.1"}
        server.start()
        assert server.stop() == 0
