"""Classify PostgreSQL's errors: the server is away, or another attempt may succeed."""

from typing import Final

import asyncpg
import sqlalchemy as sa
from sqlalchemy.engine import ExceptionContext

UNAVAILABLE: Final = (
    "08",
    "28",
    "3D",
    "40",
    "53",
    "55P03",
    "57",
    "58",
    "25006",
    "25P03",
    "25P04",
    "XX",
)
"""Codes, or classes, of PostgreSQL's appendix A with which the server can't be used now: connection
lost, not let in, no such database, undone, no memory or disk left, a lock or a command that took
too long, shut down, broken, read only."""
RETRYABLE: Final = ("40001", "40P01")
"""Transactions undone for another's sake: a serialization failure, a deadlock. Others of the class
are no proof that nothing was kept (40003), so they are not attempted again."""
DATA_EXCEPTION: Final = "22"
"""The class of errors that are about a value, and may repeat it."""
FATAL_SEVERITY: Final = ("FATAL_SEVERITY", "PANIC")
"""Severities after which the server closes the connection."""


def driver_error(error: BaseException) -> BaseException:
    """Return the driver's error beneath those that SQLAlchemy has made of it."""
    while isinstance(error.__cause__, Exception):  # a timeout has a cancellation beneath it
        error = error.__cause__
    return error


def sqlstate(cause: BaseException) -> str:
    """Return the code of a server's error; empty if the error is none of the server's."""
    return getattr(cause, "sqlstate", None) or ""


def is_worth_another(cause: BaseException) -> bool:
    """Return whether another attempt at the transaction may succeed at once."""
    if isinstance(cause, asyncpg.InvalidCachedStatementError | asyncpg.OutdatedSchemaCacheError):
        return True  # the schema has been migrated
    return sqlstate(cause).startswith(RETRYABLE)


def is_away(error: BaseException, cause: BaseException) -> bool:
    """Return whether the server can't be used now."""
    if isinstance(error, sa.exc.TimeoutError):  # no connection is free
        return True
    return is_broken(cause) or sqlstate(cause).startswith(UNAVAILABLE)


def is_broken(cause: BaseException) -> bool:
    """Return whether the connection with this error can't be used any more."""
    if isinstance(cause, OSError):  # a command that timed out, too: its answer may still come
        return True
    if isinstance(cause, asyncpg.InterfaceError):
        return not _is_unencodable(cause)
    if isinstance(cause, asyncpg.InternalClientError):  # asyncpg's own after a FATAL of the server
        return not isinstance(cause, asyncpg.OutdatedSchemaCacheError)
    return getattr(cause, "severity_en", None) in FATAL_SEVERITY


def hide_values(context: ExceptionContext) -> None:
    """Take the values of a statement out of its error, which is logged.

    ``hide_parameters`` covers only what SQLAlchemy adds. asyncpg repeats a parameter that it cannot
    encode, and PostgreSQL repeats values in the detail of a violated constraint ("Failing row
    contains …") and in the message of a data exception (class 22 of its appendix A).
    """
    cause = context.original_exception.__cause__  # what asyncpg raised, beneath SQLAlchemy's own
    if not isinstance(cause, asyncpg.PostgresError | asyncpg.InterfaceError):
        return
    before = str(cause)
    if _is_unencodable(cause) or sqlstate(cause).startswith(DATA_EXCEPTION):
        cause.args = (f"a value was refused {sqlstate(cause)}".strip(),)
        cause.__cause__ = cause.__context__ = None  # Python's own error may repeat the value, too
    for part in ("detail", "hint", "context", "internal_query"):
        if getattr(cause, part, None) is not None:
            setattr(cause, part, None)
    after = str(cause)
    for error in (context.sqlalchemy_exception, context.original_exception):
        if error is not None:
            error.args = tuple(str(each).replace(before, after) for each in error.args)


def _is_unencodable(cause: BaseException) -> bool:
    """Return whether asyncpg refused a parameter; nothing was sent, and the connection is good."""
    return isinstance(cause, asyncpg.InterfaceError) and isinstance(cause, ValueError)
