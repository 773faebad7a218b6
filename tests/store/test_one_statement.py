"""Work of one statement: one round trip to PostgreSQL, and nothing else differs.

covers: useby.store.one_statement
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import sqlalchemy as sa
from tests.support.databases import on_postgres
from tests.support.factories import NOON, a_kept_owner

from useby.actions import post_queue
from useby.actions.post_queue import Post
from useby.auth.tokens import Claims
from useby.domain.notification import Cause, Draft, Notification, Severity
from useby.domain.quota import Limits
from useby.store import notifications, pages, postgres
from useby.store.bulk import CompiledStatement
from useby.store.database import Database, StoreUnavailable, Transaction
from useby.store.open import open_database
from useby.store.pages import PageRequest
from useby.store.postgres import PostgresDatabase

SYNC = b"S\0\0\0\4"
LIMITS = Limits(10**9, 10**9, 10**9)
_SEQ = CompiledStatement(
    sa.text("UPDATE users SET seq = :seq WHERE id = :id RETURNING seq").bindparams(
        sa.bindparam("seq", type_=sa.BigInteger), sa.bindparam("id", type_=sa.Text)
    )
)
_DIVIDE = CompiledStatement(
    sa.text("SELECT CAST(:text AS integer)").bindparams(sa.bindparam("text", type_=sa.Text))
)


class _Relay:
    """Relay to PostgreSQL that counts the round trips: requests that end with ``Sync``."""

    def __init__(self) -> None:
        self.count = 0

    @asynccontextmanager
    async def database(self, url: str) -> AsyncIterator[Database]:
        target = urlsplit(url)
        tasks: set[asyncio.Task[None]] = set()

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while piece := await source.read(65536):
                self.count += piece.count(SYNC)
                sink.write(piece)
            sink.close()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            theirs, to_server = await asyncio.open_connection(target.hostname, target.port)
            tasks.add(asyncio.create_task(copy(reader, to_server)))
            tasks.add(asyncio.create_task(copy(theirs, writer)))

        async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            opened = open_database(url.replace(f":{target.port}/", f":{port}/"))
            try:
                yield opened
            finally:
                await opened.close()
                await asyncio.gather(*tasks)

    async def round_trips(self, work: Callable[[], Awaitable[object]]) -> int:
        for _ in range(2):  # the first prepares the statement
            before = self.count
            await work()
        return self.count - before


def _store(transaction: Transaction, user_id: str) -> Any:
    claims = Claims(user_id, None, NOON, NOON, "")
    posts = [Post(claims, Draft(user_id, "hello", Severity.WARNING, Cause.CUSTOM))]
    return post_queue.store(transaction, posts, NOON, provisions=False, limits=LIMITS)


@on_postgres
async def test_a_post_and_a_page_take_one_round_trip_each(
    database: Database, database_url: str
) -> None:
    owner = await a_kept_owner(database)
    page = PageRequest(owner.id, 0, None, 10)
    relay = _Relay()
    async with relay.database(database_url) as through:
        trips = [
            await relay.round_trips(work)
            for work in (
                lambda: through.write(lambda t: _store(t, owner.id), one_statement=True),
                lambda: through.read(lambda c: pages.read(c, [page]), one_statement=True),
            )
        ]
    assert trips == [1, 1]
    rows = await database.read(lambda c: notifications.page_after(c, owner.id, 0, 10))
    assert [row.seq for row in rows] == [1, 2]


@on_postgres
async def test_a_second_statement_is_refused(database: Database) -> None:
    owner = await a_kept_owner(database)

    def twice(transaction: Transaction) -> None:
        for seq in (1, 2):
            list(_SEQ(transaction.connection, seq=seq, id=owner.id))

    with pytest.raises(RuntimeError, match="another one"):
        await database.write(twice, one_statement=True)
    (stored,) = await database.write(lambda t: _store(t, owner.id), one_statement=True)
    assert isinstance(stored, Notification)


@on_postgres
async def test_an_error_of_one_statement_has_no_values_and_leaves_the_connection_usable(
    database: Database,
) -> None:
    with pytest.raises(asyncpg.DataError) as failed:
        await database.read(lambda c: list(_DIVIDE(c, text="secret")), one_statement=True)
    assert "secret" not in repr(failed.value)
    owner = await a_kept_owner(database)
    await database.write(lambda t: _store(t, owner.id), one_statement=True)


@on_postgres
async def test_the_connection_of_one_statement_is_in_transactions_again_afterwards(
    database_url: str,
) -> None:
    database = PostgresDatabase(database_url, pool=1)
    try:
        owner = await a_kept_owner(database)
        await database.write(lambda t: _store(t, owner.id), one_statement=True)

        def fails(transaction: Transaction) -> None:
            _SEQ(transaction.connection, seq=100, id=owner.id)
            raise RuntimeError("no")

        with pytest.raises(RuntimeError, match="no"):
            await database.write(fails)
        newest = await database.read(lambda c: notifications.newest_seq(c, owner.id))
        assert newest == 1
    finally:
        await database.close()


@pytest.mark.parametrize("one_statement", [True, False])
@pytest.mark.parametrize(
    "error",
    [
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.TooManyConnectionsError("too many clients"),
        asyncpg.ConnectionDoesNotExistError("connection was closed"),
        asyncpg.InterfaceError("connection is closed"),
        ConnectionRefusedError("connection refused"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_server_that_takes_no_connection_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, error: Exception, one_statement: bool
) -> None:
    async def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(postgres, "_connect", refuse)
    database = PostgresDatabase("postgresql://nowhere")
    with pytest.raises(StoreUnavailable):
        await database.read(lambda _: None, one_statement=one_statement)
    with pytest.raises(StoreUnavailable):
        await database.write(lambda _: None, one_statement=one_statement)
    await database.close()


@on_postgres
async def test_a_statement_whose_connection_is_closed_is_unavailable_and_later_ones_work(
    database: Database, database_url: str
) -> None:
    owner = await a_kept_owner(database)
    wait = CompiledStatement(sa.text("SELECT pg_sleep(:seconds)").bindparams(seconds=60.0))
    waiting = asyncio.create_task(
        database.read(lambda c: list(wait(c, seconds=60.0)), one_statement=True)
    )
    other = await asyncpg.connect(database_url)
    try:
        ended = 0
        while not ended:
            ended = len(
                await other.fetch(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE query LIKE 'SELECT pg_sleep(%' AND pid <> pg_backend_pid()"
                )
            )
    finally:
        await other.close()
    with pytest.raises(StoreUnavailable):
        await waiting
    await database.write(lambda t: _store(t, owner.id), one_statement=True)
