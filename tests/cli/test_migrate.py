"""Tables, made or brought up."""

from pathlib import Path

from tests.support.cli_result import Useby

from useby.store import migrate
from useby.store.sqlite import sqlite_engine


def test_a_database_is_made_and_the_second_time_left_as_it_is(useby: Useby) -> None:
    assert useby("migrate").out == f"useby.db is at revision {migrate.HEAD} now\n"
    assert useby("migrate").out == f"useby.db is at revision {migrate.HEAD} already\n"


def test_a_database_of_another_version_is_not_written(useby: Useby, folder: Path) -> None:
    useby("migrate")
    engine = sqlite_engine(folder / "useby.db", writes=True)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    result = useby("user", "add", "ada@example.org")
    assert result.status == 1
    assert "at revision 9999" in result.err
