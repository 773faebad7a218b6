"""Nodes as processes on one PostgreSQL database, and people who may use all of them."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from tests.support.process_node import TICK, NodeProcess, Person

from useby.domain.account import User
from useby.domain.policy import Policy
from useby.store import accounts, sessions
from useby.store.database import Transaction
from useby.store.open import open_database

HOLDING = (
    "SELECT count(*) FROM pg_stat_activity WHERE client_port = ANY($1)"
    " AND state = 'idle in transaction' AND backend_xid IS NOT NULL"
)
KEY = "one key for all the nodes of a cluster"


class NodeProcessOnPostgres(NodeProcess):
    """A node on a database that others are on, too."""

    def __init__(self, folder: Path, database_url: str, **settings: Any) -> None:
        super().__init__(folder, database_url=database_url, secret_key=KEY, **settings)
        self.key = KEY
        self.secrets.add(KEY)

    async def freeze_in_a_transaction(self) -> None:
        """Have the process stand still (SIGSTOP) while it holds rows; ``usage.resume`` ends that.

        Between two statements, and after one that took a lock: there it holds what it has claimed
        until it goes on, or its end is noticed.
        """
        server = await asyncpg.connect(str(self.settings["database_url"]))
        try:
            while True:
                self.usage.suspend()
                ports = [line.laddr.port for line in self.usage.net_connections("tcp")]
                if await server.fetchval(HOLDING, ports):
                    return
                self.usage.resume()
                await asyncio.sleep(TICK)
        finally:
            await server.close()


async def person_on(database_url: str, server: NodeProcess) -> Person:
    """A new user, signed in; ``server`` may be any that has the cluster's key."""
    now = datetime.now(UTC)
    user_id, session_id = str(uuid.uuid4()), str(uuid.uuid4())
    user = User(user_id, f"{user_id}@example.org", "A Person", "UTC", Policy(), now)

    def work(transaction: Transaction) -> None:
        accounts.add_user(transaction, user=user, password_hash=None)
        sessions.open_session(
            transaction,
            user_id=user_id,
            session_id=session_id,
            token_hash=None,
            now=now,
            expires_at=now + timedelta(days=1),
        )

    database = open_database(database_url)
    try:
        await database.write(work)
    finally:
        await database.close()
    return Person(user_id, str(user.email), server.token(user_id, session_id), session_id)
