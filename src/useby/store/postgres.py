"""PostgreSQL: a bounded pool on the event loop, and a shielded task for each transaction.

The task is shielded from the moment it requests a connection until it has returned it: of
transactions that were cancelled at random one in six had committed although its caller saw no
success, and a connection interrupted mid-protocol cannot be reused. Cancelling a caller therefore
cancels nothing here either.

Two transactions of this node for one user commit in the order of ``seq``, but the response of the
second may be read first. A receiver of an event reads earlier notifications from the database.
"""

import asyncio
import logging
import socket
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

import asyncpg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Dialect, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.util import greenlet_spawn

from useby.backoff import Backoff
from useby.domain.events import Event
from useby.store.database import OwnerLocked, StoreUnavailable, Transaction, await_shielded, deliver
from useby.store.long_reads import READ_SECONDS, ReadTurns, timed_out
from useby.store.one_statement import run_one_statement
from useby.store.online_index import MIGRATION_LOCK_TIMEOUT
from useby.store.postgres_errors import (
    DRIVER_ERRORS,
    driver_error,
    hide_values,
    is_away,
    is_broken,
    is_worth_another,
    sqlstate,
)
from useby.store.turns import Turns
from useby.store.url import URL_HELP

log = logging.getLogger(__name__)
T = TypeVar("T")

POOL: Final = 10
"""Maximum connections of a node; all nodes share the server's ``max_connections``."""
ACQUIRE_SECONDS: Final = 5.0
"""Maximum wait for a connection of the pool."""
CONNECT_SECONDS: Final = 5.0
COMMAND_SECONDS: Final = 30.0
"""Client-side limit of a command, for a server that did not enforce its own limit before."""
CLOSE_SECONDS: Final = 1.0
"""Time for running transactions to end when the database is closed; then they are cut."""
SETTINGS: Final = {
    "statement_timeout": "20s",
    "lock_timeout": "10s",
    # A node that vanishes in mid-batch holds its row locks until the server closes its session.
    "idle_in_transaction_session_timeout": "30s",
    # A node stopped between two messages of one statement is neither idle nor at work.
    "transaction_timeout": "60s",
    "client_connection_check_interval": "5s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    # The planner expects ten users in an array parameter when it caches a plan. With the server's
    # default (4, for spinning disks) it scans a table of 2,000 for each user, not the index.
    "random_page_cost": "1.1",
    # With "off", a crash loses commits whose requests were already answered 2xx.
    "synchronous_commit": "on",
}
"""Settings of each connection; those that the server lacks (``transaction_timeout`` came with 17)
are skipped."""
SET_CONFIG: Final = (
    "SELECT set_config(name, value, false) FROM pg_settings JOIN (VALUES {}) AS ours(name, value)"
    # Values other than "off" are the operator's choice of how many standbys must confirm.
    " USING (name) WHERE name <> 'synchronous_commit' OR setting = 'off'"
)
LIMIT_READ: Final = f"SET LOCAL statement_timeout = '{READ_SECONDS:g}s'"
KEEPALIVES: Final = {
    socket.TCP_KEEPIDLE: 10,
    socket.TCP_KEEPINTVL: 5,
    socket.TCP_KEEPCNT: 3,
    # Linux ends an idle connection by this limit, too, in place of the number of probes. With one
    # that passes before the second probe, a single lost packet would end it.
    socket.TCP_USER_TIMEOUT: 25_000,
}
"""Keepalives from our end, in seconds; the limit for unacknowledged data is in milliseconds."""
ATTEMPTS: Final = 5
RETRY_SECONDS: Final = 0.03
RETRY_MAX_SECONDS: Final = 0.25
MIGRATION_LOCK: Final = 0x75736562
"""Advisory lock of a migration ("useb")."""
MIGRATION_RETRY_SECONDS: Final = 0.1


class PostgresDatabase:
    """``store.database.Database`` on a server."""

    def __init__(
        self, url: str, *, on_commit: Callable[[Event], None] | None = None, pool: int = POOL
    ) -> None:
        """Create the pool without connecting."""
        self.on_commit = on_commit
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: self._open_connection(url),
            pool_size=pool,
            max_overflow=0,
            pool_timeout=ACQUIRE_SECONDS,
            hide_parameters=True,
        )
        event.listen(self._engine.sync_engine, "handle_error", hide_values)
        event.listen(self._engine.sync_engine, "checkout", _discard_closed)
        event.listen(self._engine.sync_engine, "handle_error", _invalidate_broken)
        self._snapshots = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._read_turns = ReadTurns(max(1, pool // 3))  # leaves the rest to writes and look-ups
        self._tasks: set[asyncio.Task[Any]] = set()
        self._connections: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self._turns = Turns()
        self._closed = False

    @property
    def dialect(self) -> Dialect:
        """Implement ``Database.dialect``."""
        return self._engine.dialect

    async def write(
        self,
        work: Callable[[Transaction], T],
        *,
        large: bool = False,  # noqa: ARG002
        one_statement: bool = False,
    ) -> T:
        """Implement ``Database.write``. Work that meets a locked user row waits and runs again."""

        async def attempt(waits: bool) -> T:
            if one_statement:
                transaction, result = await self._alone(lambda c: _in_transaction(c, work, waits))
                deliver(self.on_commit, transaction.events)
                return result
            async with self._engine.connect() as connection:
                async with connection.begin():
                    transaction, result = await connection.run_sync(_in_transaction, work, waits)
                deliver(self.on_commit, transaction.events)
                return result

        async def attempts(waits: bool = False) -> T:
            return await _with_retries(lambda: attempt(waits))

        async def written() -> T:
            try:
                return await attempts()
            except OwnerLocked as locked:
                user_id = locked.user_id
            return await self._turns.run(user_id, attempts)

        return await self._shielded(written)

    async def read(
        self,
        work: Callable[[Connection], T],
        *,
        user_id: str | None = None,
        one_statement: bool = False,
    ) -> T:
        """Implement ``Database.read``."""

        async def attempt() -> T:
            if one_statement:
                return await self._alone(work)
            async with self._snapshots.connect() as connection, connection.begin():
                if user_id is not None:
                    await connection.exec_driver_sql(LIMIT_READ)
                try:
                    return await connection.run_sync(work)
                except sa.exc.DBAPIError as error:
                    ended = sqlstate(driver_error(error)) == asyncpg.QueryCanceledError.sqlstate
                    if user_id is not None and ended:
                        raise timed_out() from error
                    raise

        async def in_turn() -> T:
            if user_id is None:
                return await _with_retries(attempt)
            async with self._read_turns.turn(user_id):
                return await _with_retries(attempt)

        return await self._shielded(in_turn)

    def abort(self) -> None:
        """Implement ``Database.abort``. A transaction in its commit may have been committed."""
        self._closed = True
        # Terminate the connections first: to cancel a command on an open one, asyncpg would make
        # another connection to the server, and a rollback would wait for the server's response.
        for connection in tuple(self._connections):
            connection.terminate()
        for task in tuple(self._tasks):
            task.cancel()

    async def close(self) -> None:
        """Give running work a short time to finish, then close the connections."""
        self._closed = True
        self._read_turns.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
        if self._tasks:
            self.abort()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._engine.dispose()

    async def _alone(self, work: Callable[[Connection], T]) -> T:
        return await greenlet_spawn(run_one_statement, self._engine.sync_engine, work)

    async def _shielded(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if self._closed:
            raise StoreUnavailable("the database is closed")
        task = asyncio.create_task(work(), name="store-transaction")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await await_shielded(task)

    async def _open_connection(self, url: str) -> "_Connection":
        connection = await _connect(url, COMMAND_SECONDS, SETTINGS)
        self._connections.add(connection)
        return connection


async def run_on_own_connection(url: str, work: Callable[[Connection], T], *, migrates: bool) -> T:
    """Run ``work`` on its own connection.

    A reader's work runs in a transaction. A migration opens its own ones, because an index can
    only be built concurrently outside of any transaction.

    Args:
        url: The database.
        work: Function to run.
        migrates: Whether it changes the schema. Then it waits for other migrations and has no
            time limit; cancelling it rolls it back.

    Raises:
        StoreUnavailable: The database can't be used now.
    """
    no_limits = {"statement_timeout": "0", "transaction_timeout": "0"}
    settings = SETTINGS | (no_limits if migrates else {})
    command_seconds = None if migrates else COMMAND_SECONDS

    async def alone() -> T:
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: _connect(url, command_seconds, settings),
            poolclass=sa.NullPool,
            hide_parameters=True,
        )
        event.listen(engine.sync_engine, "handle_error", hide_values)
        async with engine.connect() as connection:
            if migrates:
                await _lock_for_migrating(connection)
                return await connection.run_sync(work)
            async with connection.begin():
                return await connection.run_sync(work)

    return await _with_retries(alone)


async def _lock_for_migrating(connection: AsyncConnection) -> None:
    """Wait for other migrations and lock them out until the connection is closed.

    The lock is polled, not awaited in one statement: the statement would hold a snapshot, and an
    index that is built concurrently waits for every older snapshot.
    """
    ask = f"SELECT pg_try_advisory_lock({MIGRATION_LOCK})"
    waits = False
    while not (await connection.exec_driver_sql(ask)).scalar_one():
        await connection.commit()
        if not waits:
            log.info("another process migrates the database; this one waits for it")
            waits = True
        await asyncio.sleep(MIGRATION_RETRY_SECONDS)
    await connection.exec_driver_sql(f"SET lock_timeout = '{MIGRATION_LOCK_TIMEOUT}'")
    await connection.commit()


class _Connection(asyncpg.Connection):
    """asyncpg's connection with a checked commit and a close that does not wait."""

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109 - asyncpg's
        """Run a command, asyncpg's own COMMIT included.

        Raises:
            InFailedSQLTransactionError: The server answered COMMIT with ROLLBACK, as it does
                without an error when a statement of the transaction had failed.
        """
        status: str = await super().execute(query, *args, timeout=timeout)
        if status == "ROLLBACK" and query.startswith("COMMIT"):
            raise asyncpg.InFailedSQLTransactionError("the transaction was undone at its commit")
        return status

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - asyncpg's
        """Terminate the connection, because a silently dead one gets no response to a close."""
        self.terminate()


def _in_transaction(
    connection: Connection, work: Callable[[Transaction], T], waits: bool
) -> tuple[Transaction, T]:
    transaction = Transaction(connection, waits=waits)
    return transaction, work(transaction)


async def _connect(
    url: str, command_seconds: float | None, settings: dict[str, str]
) -> _Connection:
    # asyncpg parses the whole URL, TLS options included, as libpq does.
    try:
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS,
            command_timeout=command_seconds,
            server_settings={"application_name": "useby"},
            connection_class=_Connection,
        )
    except (ValueError, IndexError) as error:
        if isinstance(error, asyncpg.InterfaceError):
            raise
        # The message quotes what was taken for a port, which may be half a password.
        raise StoreUnavailable(URL_HELP) from None
    sock = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined]  # noqa: SLF001 - asyncpg sets none of these
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVES.items():
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
    try:
        # Set them after connecting, because a pooler would refuse them as startup parameters.
        ours = ", ".join(f"('{name}', '{value}')" for name, value in settings.items())
        await connection.execute(SET_CONFIG.format(ours))
    except BaseException:
        connection.terminate()
        raise
    return connection


def _discard_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Make the pool replace a connection that the server closed while it was idle.

    This finds what a ping would find, without the three round trips that SQLAlchemy's ping takes
    on asyncpg.
    """
    if connection.driver_connection.is_closed():
        raise sa.exc.DisconnectionError


def _invalidate_broken(context: ExceptionContext) -> None:
    """Terminate a broken connection at once, and replace the pool's older ones.

    SQLAlchemy would roll back on it first, and wait for the response up to the command timeout.
    """
    if context.connection is not None and is_broken(driver_error(context.original_exception)):
        context.is_disconnect = context.invalidate_pool_on_disconnect = True


async def _with_retries(attempt: Callable[[], Awaitable[T]]) -> T:
    """Run a whole transaction, and retry with backoff if another transaction made it fail.

    Raises:
        StoreUnavailable: The server can't be used now.
    """
    backoff: Backoff | None = None
    for number in range(1, ATTEMPTS + 1):
        try:
            return await attempt()
        except (sa.exc.SQLAlchemyError, *DRIVER_ERRORS) as error:
            cause = driver_error(error)
            if not is_worth_another(cause) or number == ATTEMPTS:
                if is_away(error, cause):
                    raise StoreUnavailable(str(cause) or type(cause).__name__) from error
                raise
        except OSError as error:
            raise StoreUnavailable(str(error) or type(error).__name__) from error
        backoff = backoff or Backoff(RETRY_SECONDS, RETRY_MAX_SECONDS)
        await asyncio.sleep(backoff.next())
    raise AssertionError("the last attempt has returned or raised")
