"""Hundreds of thousands of notifications, which Python would take seconds to build."""

from datetime import UTC, datetime

import sqlalchemy as sa
from tests.support.process_node import NodeProcess, Person

from useby.domain.notification import Cause, Draft, Severity
from useby.store import notifications
from useby.store.schema import notifications as table
from useby.store.schema import users

_CHANGED = {
    "seq": "n + 1",
    "id": "substr(id, 1, 24) || printf('%012x', n)",
    "message": "substr(message, 1, length(message) - 1) || n",
}
"""Columns in which a copy differs from the first notification, by the copy's number ``n``."""


def notify_many(server: NodeProcess, person: Person, message: str, count: int) -> None:
    """Write so many notifications of a person who has none, beside a node on SQLite.

    The first one is stored as a node does, and the others are copies of it. Their messages are
    ``message`` with a number, from 0.
    """
    first = Draft(person.id, f"{message} 0", Severity.INFO, Cause.CUSTOM)
    names = [each.name for each in table.c]
    copies = (
        f"INSERT INTO {table.name} ({', '.join(names)})"
        " WITH RECURSIVE numbers(n) AS"
        f" (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < {count - 1})"
        f" SELECT {', '.join(_CHANGED.get(name, name) for name in names)}"
        f" FROM {table.name}, numbers WHERE user_id = :user_id AND seq = 1"
    )
    with server.writing() as transaction:
        notifications.add(transaction, [first], datetime.now(UTC))
        transaction.connection.execute(sa.text(copies), {"user_id": person.id})
        transaction.connection.execute(
            sa.update(users).where(users.c.id == person.id).values(seq=count)
        )
