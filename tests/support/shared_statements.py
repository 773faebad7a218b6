"""One cache of compiled statements for all engines of a process that imports this module.

Each test opens a database with an engine of its own, and compiled the same statements again.
"""

from typing import Any

from sqlalchemy.engine import Engine
from sqlalchemy.sql.compiler import Compiled
from sqlalchemy.util import LRUCache

SIZE = 2_000
"""Statements that are kept."""


class SharedStatements(LRUCache[Any, Compiled]):
    """Compiled statements by what they are and the kind of their dialect, whatever the engine."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_without_engine(key), default)

    def __setitem__(self, key: Any, value: Compiled) -> None:
        super().__setitem__(_without_engine(key), value)


def _without_engine(key: Any) -> Any:
    """Replace the dialect, of which each engine has its own, by its class."""
    dialect, *statement = key
    return type(dialect), dialect.paramstyle, *statement


_shared = SharedStatements(SIZE)
Engine._compiled_cache = property(  # type: ignore[assignment]
    lambda _: _shared,
    lambda _, own: None,  # each engine sets one of its own, which nothing uses
)
