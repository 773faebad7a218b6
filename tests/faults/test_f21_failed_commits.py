"""F21 on PostgreSQL: an error, a lost connection or a lost answer at each message of a write.

What callers were answered is compared with what the server holds. Nothing that was acknowledged
may be missing, and nothing may have been published that is not there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.fault_proxy import Faults, ProxiedConnection, Proxy
from tests.support.postgres import Postgres
from tests.support.process_node import Record
from tests.support.time_limits import HANG_TIMEOUT

from useby.actions import inventory
from useby.actions.alerts import SentBatch, send_due
from useby.actions.post_queue import Post, store
from useby.auth.tokens import Claims
from useby.domain.account import User
from useby.domain.events import Event, NotificationsAdded
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.quota import Limits
from useby.store import marks, notifications
from useby.store.database import Database, StoreUnavailable, Transaction

ENOUGH = Limits(products=10**6, unread=10**6, bytes=10**9)
EXPIRING = 3
PIECES = 4
RAISE = "DO $$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = '{}'; END $$"
CODES = (
    "53100",  # disk full
    "58030",  # an error of input or output
    "57014",  # the statement took too long
    "57P01",  # the server is shut down
    "40001",  # undone for another's sake: attempted again
    "40003",  # the outcome is uncertain
    "23505",  # a key is there already
    "XX001",  # a page is damaged
)


class CountedConnection(ProxiedConnection):
    """A connection that is cut at a message by its number."""

    def _asked(self, piece: bytes, faults: Faults) -> bytes:
        proxy = self._proxy
        assert isinstance(proxy, CountingProxy)
        proxy.messages += 1
        if proxy.messages == proxy.cut_at:
            if not proxy.passes:
                self._cut()
                return b""
            self._drops_answer = True
        return super()._asked(piece, faults)


class CountingProxy(Proxy):
    """Counts what the client sends, and cuts the connection at one of it."""

    messages = 0
    cut_at = 0
    passes = False
    """Pass the message of the cut on, and lose only its answer."""

    def connection_of(self, writer: asyncio.StreamWriter) -> ProxiedConnection:
        return CountedConnection(self, writer)


@pytest.fixture
async def proxy(postgres: Postgres) -> AsyncIterator[CountingProxy]:
    async with CountingProxy(postgres.port) as proxy:
        yield proxy


@pytest.fixture
def database_url(proxy: Proxy, postgres_url: str) -> str:
    return postgres_url.replace(f":{proxy.target_port}/", f":{proxy.port}/")


@dataclass
class UserWrites:
    """Writes of one user, and what was published about that user's notifications."""

    user: User
    published: list[str]

    def record(self, news: Event) -> None:
        if isinstance(news, NotificationsAdded) and news.user_id == self.user.id:
            self.published += [each.id for each in news.notifications]

    def draft(self, message: str) -> Draft:
        return Draft(self.user.id, message, Severity.INFO, Cause.CUSTOM)

    def posts(self, transaction: Transaction) -> list[str]:
        """Three posts together, as a node keeps them."""
        claims = Claims(self.user.id, None, NOON, NOON, "")
        posts = [Post(claims, self.draft(f"post {number}")) for number in range(3)]
        kept = store(transaction, posts, NOON, provisions=True, limits=ENOUGH)
        return [each.id for each in kept]  # type: ignore[union-attr]

    def alerts(self, transaction: Transaction) -> SentBatch:
        return send_due(transaction, NOON)

    def product(self, transaction: Transaction) -> str:
        butter = a_product(self.user, name="Butter")
        inventory.add(transaction, butter, self.user, NOON)
        return butter.id

    def marking(self, notification_id: str) -> Callable[[Transaction], int]:
        return lambda t: marks.mark_read(t, self.user.id, [notification_id], NOON)


@dataclass(frozen=True)
class ServerContents:
    """The server's data of the user."""

    ids: list[str]
    read: set[str]
    alerts: int
    butter: int


async def kept_in(postgres: Postgres, url: str, user: User) -> ServerContents:
    """Read past the proxy, and compare ``seq`` with the number of rows."""
    database = url.rpartition("/")[2]
    rows = await postgres.fetch(
        "SELECT id, seq, event, read_at FROM notifications WHERE user_id = $1 ORDER BY seq",
        user.id,
        database=database,
    )
    butter = await postgres.fetch(
        "SELECT id FROM products WHERE user_id = $1 AND name = 'Butter'", user.id, database=database
    )
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    return ServerContents(
        ids=[row["id"] for row in rows],
        read={row["id"] for row in rows if row["read_at"] is not None},
        alerts=sum(row["event"] == "expiring" for row in rows),
        butter=len(butter),
    )


Break = Callable[[], None]


async def wrote(database: Database, postgres: Postgres, url: str, begin: Break, end: Break) -> int:
    """Write each piece under a fault, which ``begin`` and ``end``; compare, and write once more.

    Returns:
        The number of pieces that were refused.
    """
    user = await a_kept_owner(database)
    writes = UserWrites(user, [])
    milk = [a_product(user, "2026-03-03") for _ in range(EXPIRING)]
    await database.write(lambda t: inventory.add_many(t, milk, user, NOON))
    (first,) = await database.write(lambda t: notifications.add(t, [writes.draft("first")], NOON))
    database.on_commit = writes.record
    works = (writes.posts, writes.alerts, writes.product, writes.marking(first.id))
    outcomes: list[Any] = []
    for work in works:
        begin()
        async with asyncio.timeout(HANG_TIMEOUT):
            outcomes += await asyncio.gather(database.write(work), return_exceptions=True)
        end()
    refused = [each for each in outcomes if isinstance(each, BaseException)]
    for each in refused:
        assert isinstance(each, StoreUnavailable | sa.exc.IntegrityError), repr(each)
    kept = await kept_in(postgres, url, user)
    posts, answer, butter, marked = outcomes
    assert set(writes.published) <= set(kept.ids), "published, and not there"
    assert len(writes.published) == len(set(writes.published)), "published twice"
    if not isinstance(posts, BaseException):
        assert set(posts) <= set(kept.ids)
        assert set(posts) <= set(writes.published)
    if not isinstance(answer, BaseException):
        assert kept.alerts == EXPIRING <= answer.sent  # and what earlier users still wait for
    assert kept.alerts in (0, EXPIRING)
    if not isinstance(butter, BaseException):
        assert kept.butter == 1
    if not isinstance(marked, BaseException):
        assert first.id in kept.read
    (healed,) = await database.write(lambda t: notifications.add(t, [writes.draft("last")], NOON))
    assert (await kept_in(postgres, url, user)).ids[-1] == healed.id
    return len(refused)


@pytest.mark.parametrize("passes", [False, True], ids=["message lost", "answer lost"])
async def test_acknowledged_writes_are_there_at_whichever_message_the_connection_is_cut(
    database: Database,
    proxy: CountingProxy,
    postgres: Postgres,
    postgres_url: str,
    passes: bool,
    record_property: Record,
) -> None:
    proxy.passes = passes
    refused, cuts = 0, -1
    at = 0
    while cuts < proxy.cuts:  # until no piece has so many messages
        at, cuts = at + 1, proxy.cuts

        def begin(at: int = at) -> None:
            proxy.messages, proxy.cut_at = 0, at

        def end() -> None:
            proxy.cut_at = 0

        refused += await wrote(database, postgres, postgres_url, begin, end)
    record_property("messages", at)
    record_property("refused", refused)
    assert refused >= PIECES


@pytest.mark.parametrize("code", CODES)
async def test_acknowledged_writes_are_there_whichever_statement_the_server_refuses(
    code: str, database: Database, postgres: Postgres, postgres_url: str, record_property: Record
) -> None:
    statements = fail_at = failed = 0

    def before(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        nonlocal statements, failed
        statements += 1
        if statements == fail_at:
            failed += 1
            cursor.execute(RAISE.format(code))

    event.listen(database._engine.sync_engine, "before_cursor_execute", before)  # type: ignore[attr-defined]
    refused, before_that = 0, -1
    at = 0
    while before_that < failed:  # until no piece has so many statements
        at, before_that = at + 1, failed

        def begin(at: int = at) -> None:
            nonlocal statements, fail_at
            statements, fail_at = 0, at

        def end() -> None:
            nonlocal fail_at
            fail_at = 0

        refused += await wrote(database, postgres, postgres_url, begin, end)
    record_property("statements", at)
    record_property("refused", refused)
    assert (refused >= PIECES) == (code != "40001")


@pytest.mark.parametrize("nested", [False, True], ids=["plainly", "in a savepoint"])
async def test_a_transaction_with_a_swallowed_error_is_never_taken_for_committed(
    nested: bool, database: Database, postgres: Postgres, postgres_url: str
) -> None:
    """PostgreSQL answers its COMMIT by ROLLBACK, and no error."""
    user = await a_kept_owner(database)
    writes = UserWrites(user, [])
    database.on_commit = writes.record

    def swallows(transaction: Transaction) -> None:
        notifications.add(transaction, [writes.draft("lost")], NOON)
        connection = transaction.connection
        try:
            if nested:
                connection.exec_driver_sql("SAVEPOINT ours")
            connection.exec_driver_sql("SELECT 1 / 0")
        except sa.exc.DBAPIError:
            pass

    with pytest.raises(sa.exc.DBAPIError, match="undone at its commit"):
        await database.write(swallows)
    assert writes.published == []
    assert (await kept_in(postgres, postgres_url, user)).ids == []
