"""A useby node as ``useby serve`` runs it, whose hub can also receive events made beforehand.

A push is thus measured from the event of a commit on. The order ``prepare`` makes events
beforehand, as a commit has them ready.
"""

import asyncio
import gc
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from uuid_utils import uuid7

from bench.peers.control import in_turns, message, orders, report, users
from useby import logs
from useby.domain.account import TokenStatus, User
from useby.domain.events import NotificationsAdded
from useby.domain.notification import Cause, Draft, Notification, Severity
from useby.domain.policy import Policy
from useby.node import Node, running
from useby.process import raise_file_limit, tune_interpreter
from useby.settings import Settings
from useby.store import accounts
from useby.store import notifications as stored_notifications
from useby.store.accounts import TokenCheck
from useby.store.database import Transaction


class Announcer:
    """Publishes events to a node's hub, as the node does after a commit."""

    def __init__(self, node: Node, everybody: Sequence[str]) -> None:
        """Number each user's notifications from the first."""
        self._publish = node.hub.on_event
        self._everybody = everybody
        self._seq: defaultdict[str, int] = defaultdict(int)
        self._ready: deque[NotificationsAdded] = deque()
        self._created_at = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)

    async def handle(self, order: dict[str, Any]) -> None:
        """Carry out one order."""
        if "prepare" in order:
            await in_turns(self._everybody, order | {"push": order["prepare"]}, self._prepare)
            gc.collect()
            report("prepared")
        elif self._ready:
            await self._push_ready(order["push"], order["together"])
        else:
            await in_turns(self._everybody, order, self._push)

    async def _push_ready(self, count: int, together: int) -> None:
        for start in range(0, count, together):
            for _ in range(min(together, count - start)):
                self._publish(self._ready.popleft())
            await asyncio.sleep(0)

    async def _prepare(self, some: Sequence[str], stamp: int) -> None:
        self._ready.extend(self._news(each, stamp) for each in some)

    async def _push(self, some: Sequence[str], stamp: int) -> None:
        for each in some:
            self._publish(self._news(each, stamp))

    def _news(self, user: str, stamp: int) -> NotificationsAdded:
        body = message(stamp)
        self._seq[user] += 1
        row = Notification(
            id=body["id"],
            user_id=user,
            seq=self._seq[user],
            message=body["message"],
            kind=Severity(body["type"]),
            event=Cause.EXPIRING,
            product_name=body["productName"],
            created_at=self._created_at,
        )
        return NotificationsAdded(user, (row,))


def _row_of(draft: Draft, seq: int, now: datetime) -> Notification:
    return Notification(
        id=str(uuid7()),
        user_id=draft.user_id,
        seq=seq,
        message=draft.message,
        kind=draft.kind,
        event=draft.event,
        product_name=draft.product_name,
        created_at=now,
    )


def take_store_out(node: Node) -> None:
    """Answer all database work at once, as if there were nothing to look up or store."""
    numbers: defaultdict[str, int] = defaultdict(int)
    here = User("", None, "", "UTC", Policy(), datetime.now(UTC))
    database: Any = node.database
    connection = SimpleNamespace(dialect=SimpleNamespace(name="sqlite"))

    def add(transaction: Transaction, drafts: Sequence[Draft], now: datetime) -> list[Notification]:
        rows = []
        for draft in drafts:
            numbers[draft.user_id] += 1
            row = _row_of(draft, numbers[draft.user_id], now)
            transaction.publish(NotificationsAdded(row.user_id, (row,)))
            rows.append(row)
        return rows

    async def read(work: Callable[[Any], Any], **_: Any) -> Any:
        try:
            return work(None)
        except AttributeError:  # the scheduler needs more than the stand-in provides
            return None

    async def send_due(**_: Any) -> int:
        return 0

    async def write(work: Callable[[Transaction], Any], **_: Any) -> Any:
        transaction = Transaction(cast("Any", connection))
        result = work(transaction)
        for event in transaction.events:
            database.on_commit(event)
        return result

    database.read, database.write = read, write
    stored_notifications.add = add
    scheduler: Any = node.scheduler
    scheduler.send_due = send_due
    stored_accounts: Any = accounts
    stored_accounts.user = lambda _, user_id: replace(here, id=user_id)
    stored_accounts.check_tokens = lambda _, tokens: [
        TokenCheck(TokenStatus.GOOD, numbers[user_id], unread=0, bytes=0)
        for user_id, _, _ in tokens
    ]


async def main(port: str, users_file: str, storeless: str = "") -> None:
    """Serve until standard input ends."""
    settings = Settings(port=int(port), _env_file=None)  # type: ignore[call-arg]
    in_cluster = bool(settings.nats_url)
    if not in_cluster:
        settings = settings.model_copy(update={"ping_interval": 2400, "ping_timeout": 2400})
    logs.configure(settings)
    raise_file_limit()
    async with running(settings) as node:
        tune_interpreter()
        if storeless:
            take_store_out(node)
        if not in_cluster:
            # Pushes are not stored: a comparison would find that the database has lost them.
            reconciler: Any = node.hub.reconciler
            reconciler.soon = lambda _: None
        announcer = Announcer(node, users(users_file))
        report("ready")
        await orders(announcer.handle)
        node.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
