"""Open the database at a URL: the one place that depends on both drivers."""

from collections.abc import Callable

from useby.domain.events import Event
from useby.store.database import Database
from useby.store.url import database_file


def open_database(
    url: str, *, checkpoints: bool = False, on_commit: Callable[[Event], None] | None = None
) -> Database:
    """Open the database at ``url``.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql://…``.
        checkpoints: Whether this process checkpoints SQLite's WAL: true for a node, false for a
            command that writes while a node runs.
        on_commit: See ``Database``.

    Raises:
        ValueError: The URL is not supported.
    """
    # Import each implementation on use, since its driver is not needed for the other one.
    path = database_file(url)
    if path is None:
        from useby.store.postgres import PostgresDatabase  # noqa: PLC0415

        return PostgresDatabase(url, on_commit=on_commit)
    from useby.store.sqlite import SqliteDatabase  # noqa: PLC0415

    return SqliteDatabase(path, checkpoints=checkpoints, on_commit=on_commit)
