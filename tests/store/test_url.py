"""The URL of a database: its parts, and its text in a message without the password.

covers: useby.store.open
"""

from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.support.postgres import Postgres, free_port

from useby.store.database import StoreUnavailable
from useby.store.open import open_database
from useby.store.url import database_file, database_name, without_password

SECRET = "hunter2"
"""The password of every URL here, or the half of it that is in danger."""


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://u:hunter2@a/db", "postgresql://a/db"),
        ("postgres://u:hunter2@a/db", "postgresql://a/db"),
        ("postgresql://u:hunter2@a:5433/db?sslmode=require", "postgresql://a:5433/db"),
        (
            "postgresql://u:hunter2@a:5432,b:5433/db?target_session_attrs=primary",
            "postgresql://a:5432,b:5433/db",
        ),
        (
            "postgresql://u:hunter2@[::1]:5432,[fe80::1%25eth0]/db",
            "postgresql://[::1]:5432,[fe80::1%25eth0]/db",
        ),
        ("postgresql:///db?host=/run/postgresql&password=hunter2", "postgresql:///db"),
        ("postgresql://u:hunter2@a", "postgresql://a/"),
    ],
)
def test_a_server_url_is_recognized_and_named_by_its_hosts(url: str, name: str) -> None:
    assert database_file(url) is None
    assert database_name(url) == name


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2/x@a/db",
        "postgresql://u:hunter2?x@a/db",
        "postgresql://u:hunter2#x@a/db",
        "postgresql://u:x/@hunter2@a/db",
        "postgresql://u:x@hunter2@a:b/db",
        "postgresql://[hunter2:1@a/db",
        "postgresql://127.0.0.1:1/db?password=x@hunter2",
        "postgresql://a:hunter2/db",
        "postgresql://a,,b/db?password=hunter2",
    ],
)
async def test_the_error_for_a_malformed_url_contains_no_secret(url: str) -> None:
    assert SECRET not in database_name(url)
    database = open_database(url)
    with pytest.raises(StoreUnavailable) as refused:
        await database.read(lambda c: c.scalar(sa.select(1)))
    await database.close()
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite://h:hunter2/x",
        "mysql://u:hunter2@h/d",
        "",
        "/a.db",
    ],
)
def test_a_url_that_names_neither_file_nor_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///PATH") as refused:
        database_file(url)
    assert SECRET not in str(refused.value)


def test_a_files_url_names_it() -> None:
    assert database_file("sqlite:////var/lib/useby.db") == Path("/var/lib/useby.db")
    assert database_name("sqlite:///useby.db") == "useby.db"


async def test_of_several_hosts_the_one_that_can_be_written_is_used(
    postgres: Postgres, postgres_url: str
) -> None:
    name = postgres_url.rpartition("/")[2]
    hosts = f"127.0.0.1:{free_port()},127.0.0.1:{postgres.port}"
    database = open_database(f"postgresql://useby@{hosts}/{name}?target_session_attrs=read-write")
    try:
        port = await database.write(
            lambda t: t.connection.exec_driver_sql("SHOW port").scalar_one()
        )
    finally:
        await database.close()
    assert int(port) == postgres.port


async def test_a_server_that_only_lets_read_is_not_taken_for_one_that_can_be_written(
    postgres: Postgres, postgres_url: str
) -> None:
    """As a standby is; the database is made to look like one."""
    name = postgres_url.rpartition("/")[2]
    await postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    database = open_database(f"{postgres_url}?target_session_attrs=read-write")
    with pytest.raises(StoreUnavailable):
        await database.read(lambda c: c.scalar(sa.select(1)))
    await database.close()


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("postgresql://ada:secret@db:5433/stock", "postgresql://ada@db:5433/stock"),
        ("postgresql://ada:s%2Fe/c@r:et@one:1,two:2/stock", "postgresql://ada@one:1,two:2/stock"),
        (
            "postgresql://db/stock?password=secret&sslmode=require",
            "postgresql://db/stock?sslmode=require",
        ),
        ("postgresql://db/stock?user=ada&password=secret", "postgresql://db/stock?user=ada"),
        ("postgresql://ada@[::1]:5432/stock", "postgresql://ada@[::1]:5432/stock"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, bare: str) -> None:
    assert without_password(url) == bare
