"""Database URLs: the kinds that are supported, and names of them without secrets."""

import re
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

SERVERS: Final = ("postgresql", "postgres")
SERVER_URL: Final = re.compile(
    r"\w+://([^@/?#]*@)?(?P<hosts>{host}?(,{host})*)(/(?P<database>[^@/?#]*))?(\?[^@#]*)?".format(
        host=r"((\[[\w:.%]+\]|[\w.%-]+)(:\d+)?)"
    )
)
URL_HELP: Final = (
    "the database URL must be sqlite:///PATH or postgresql://USER@HOST/DATABASE,"
    " e.g. sqlite:///useby.db"
)


def database_file(url: str) -> Path | None:
    """Return the file of a ``sqlite:///…`` URL; ``None`` for a database on a server.

    Raises:
        ValueError: The URL is not supported.
    """
    scheme = url.partition("://")[0]
    if scheme in SERVERS:  # the driver parses the rest, which may contain several hosts
        return None
    if scheme != "sqlite":
        raise ValueError(URL_HELP)
    try:
        database = make_url(url).database
    except (ArgumentError, ValueError):  # the messages may quote any part of the URL
        raise ValueError(URL_HELP) from None
    if database in (None, "", ":memory:"):
        raise ValueError(URL_HELP)
    return Path(str(database))


def database_name(url: str) -> str:
    """Return a name without secrets: the file, or the hosts and database of the URL.

    If the end of the password in the URL is uncertain, the name is only that of PostgreSQL.

    Raises:
        ValueError: The URL is not supported.
    """
    file = database_file(url)
    if file is not None:
        return str(file)
    parts = SERVER_URL.fullmatch(url)
    return f"postgresql://{parts['hosts']}/{parts['database'] or ''}" if parts else "postgresql://…"


def without_password(url: str) -> str:
    """Return a server's URL without its password, which may contain any character."""
    bare = re.sub(r"^(\w+://[^:@/?#]*):.*@", r"\1@", url)
    return re.sub(r"(?<=[?&])password=[^&]*&?", "", bare).rstrip("?&")
