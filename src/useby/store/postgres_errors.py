"""Classify PostgreSQL's errors: the server is unavailable, or a retry may succeed."""

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
lost, access denied, no such database, rolled back, out of memory or disk, lock or command timeout,
shut down, broken, read only."""
DRIVER_ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Base classes of what the driver raises, except ``OSError``."""
RETRYABLE: Final = ("40001", "40P01")
"""Transactions rolled back because of another one: a serialization failure, a deadlock. Others of
the class do not prove that nothing was committed (40003), so they are not retried."""
DATA_EXCEPTION: Final = "22"
"""Class of errors about a value, which may quote the value."""
FATAL_SEVERITY: Final = ("FATAL", "PANIC")
"""Severities after which the server closes the connection."""


def driver_error(error: BaseException) -> BaseException:
    """Return the driver's error inside those of SQLAlchemy."""
    while isinstance(error.__cause__, Exception):  # the cause of a timeout is a CancelledError
        error = error.__cause__
    return error


def sqlstate(cause: BaseException) -> str:
    """Return the code of a server's error; empty for other errors."""
    return getattr(cause, "sqlstate", None) or ""


def is_worth_another(cause: BaseException) -> bool:
    """Return whether an immediate retry of the transaction may succeed."""
    if isinstance(cause, asyncpg.InvalidCachedStatementError | asyncpg.OutdatedSchemaCacheError):
        return True  # a migration changed the schema
    return sqlstate(cause).startswith(RETRYABLE)


def is_away(error: BaseException, cause: BaseException) -> bool:
    """Return whether the server can't be used now."""
    if isinstance(error, sa.exc.TimeoutError):  # no connection is free
        return True
    return is_broken(cause) or sqlstate(cause).startswith(UNAVAILABLE)


def is_broken(cause: BaseException) -> bool:
    """Return whether the connection with this error can't be used any more."""
    if isinstance(cause, OSError):  # includes a timed out command, whose response may still come
        return True
    if isinstance(cause, asyncpg.InterfaceError):
        return not _is_unencodable(cause)
    if isinstance(cause, asyncpg.InternalClientError):  # raised after a FATAL of the server
        return not isinstance(cause, asyncpg.OutdatedSchemaCacheError)
    return getattr(cause, "severity_en", None) in FATAL_SEVERITY


def hide_values(context: ExceptionContext) -> None:
    """Remove the values of a statement from its error, which is logged.

    ``hide_parameters`` covers only the text that SQLAlchemy adds.
    """
    cause = context.original_exception.__cause__  # asyncpg's error, inside SQLAlchemy's
    if cause is None:
        return
    before = str(cause)
    hide_values_in(cause)
    after = str(cause)
    for error in (context.sqlalchemy_exception, context.original_exception):
        if error is not None:
            error.args = tuple(str(each).replace(before, after) for each in error.args)


def hide_values_in(cause: BaseException) -> None:
    """Remove the values of a statement from the driver's error; leave other errors as they are.

    asyncpg quotes a parameter that it cannot encode, and PostgreSQL quotes values in the detail of
    a violated constraint ("Failing row contains …") and in the message of a data exception (class
    22 of its appendix A).
    """
    if not isinstance(cause, asyncpg.PostgresError | asyncpg.InterfaceError):
        return
    if _is_unencodable(cause) or sqlstate(cause).startswith(DATA_EXCEPTION):
        cause.args = (f"a value was refused {sqlstate(cause)}".strip(),)
        cause.__cause__ = cause.__context__ = None  # Python's own error may quote the value, too
    for part in ("detail", "hint", "context", "internal_query"):
        if getattr(cause, part, None) is not None:
            setattr(cause, part, None)


def _is_unencodable(cause: BaseException) -> bool:
    """Return whether asyncpg refused a parameter; nothing was sent, and the connection works."""
    return isinstance(cause, asyncpg.InterfaceError) and isinstance(cause, ValueError)
