"""Read tables of a SQLite file that another program has written, and that may be hostile.

The file is loaded into memory, so nothing is written, locked or opened by its name. Only plain
tables are read: a view or a virtual table would run what its author wrote. An authorizer allows
nothing but reading, functions in the schema are not trusted, and a limit on the steps of a
statement ends one that would not end.
"""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

MARK: Final = b"SQLite format 3\x00"
"""First bytes of a SQLite file."""
_WAL_FLAGS: Final = slice(18, 20)
"""Bytes that are 2 if the file has a write-ahead log; in memory there is none."""
STEPS: Final = 10_000
"""Steps of SQLite's machine between two checks of the limit."""
MOST_CHECKS: Final = 10_000
"""Maximum checks: 100 million steps, some seconds. 100,000 rows of ten columns take 2 million."""
MOST_VALUE: Final = 1024 * 1024
"""Maximum length of a value, in bytes."""
_ALLOWED: Final = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}


class BadFile(ValueError):  # noqa: N818 - callers see this name
    """The file is not a SQLite file that can be read."""


def read_tables(
    data: bytes, wanted: Mapping[str, Collection[str]], most_rows: int
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of some tables, by table.

    Args:
        data: The file.
        wanted: The columns to read, by table. Missing tables and columns are left out.
        most_rows: Maximum rows of a table; one more is returned, so that the caller notices.

    Raises:
        BadFile: The file is damaged, or takes too long to read.
    """
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    try:
        return _read(connection, data, wanted, most_rows)
    except (sqlite3.Error, ValueError, OverflowError, MemoryError):
        raise BadFile("the SQLite file can't be read") from None
    finally:
        connection.close()


def _read(
    connection: sqlite3.Connection,
    data: bytes,
    wanted: Mapping[str, Collection[str]],
    most_rows: int,
) -> dict[str, list[dict[str, Any]]]:
    image = bytearray(data)
    image[_WAL_FLAGS] = b"\x01\x01"
    connection.deserialize(bytes(image))
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_VALUE)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    steps = 0

    def ends() -> bool:
        nonlocal steps
        steps += 1
        return steps > MOST_CHECKS

    connection.set_progress_handler(ends, STEPS)
    tables = _plain_tables(connection)
    columns = {
        name: [each for each in _columns(connection, name) if each in wanted[name]]
        for name in wanted
        if name in tables
    }
    connection.set_authorizer(_authorize)
    return {
        name: _rows(connection, name, names, most_rows) for name, names in columns.items() if names
    }


def _plain_tables(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM pragma_table_list WHERE type = 'table'")
    return {name for (name,) in rows}


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """Return the stored columns of a table; computed ones are hidden columns of other kinds."""
    rows = connection.execute("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", (table,))
    return [name for (name,) in rows]


def _rows(
    connection: sqlite3.Connection, table: str, columns: Sequence[str], most: int
) -> list[dict[str, Any]]:
    names = ", ".join(f'"{name}"' for name in columns)
    found = connection.execute(f'SELECT {names} FROM "{table}" ORDER BY rowid LIMIT {most + 1}')
    return [dict(zip(columns, row, strict=True)) for row in found]


def _authorize(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY
