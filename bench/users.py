"""The users of a run, the same for every peer: the same ids, the same tokens, the same key."""

import asyncio
import json
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from useby.auth.tokens import Issuer
from useby.domain.account import MOST_FLOOD_CAP, User
from useby.domain.policy import Policy
from useby.store import accounts, migrate, sessions
from useby.store.database import Transaction
from useby.store.open import open_database

TOKEN_SECONDS = 12 * 3600
USERS_BATCH = 200
"""Users that are created in one transaction."""


@dataclass(frozen=True)
class BenchUsers:
    """Users with access tokens, and the folder in which servers find them."""

    folder: Path
    key: str
    """Key that signs the tokens (HS256)."""
    ids: tuple[str, ...]
    tokens: tuple[str, ...]

    @property
    def users_file(self) -> Path:
        """Path of the ids, a JSON array."""
        return self.folder / "users.json"

    @property
    def database(self) -> Path:
        """Path of a useby database with each user's account and sign-in, to be copied."""
        return self.folder / "useby.db"


def create_users(folder: Path, size: int) -> BenchUsers:
    """Create ``size`` users in ``folder``."""
    key = secrets.token_urlsafe(48)
    now = datetime.now(UTC)
    issuer = Issuer(key.encode(), TOKEN_SECONDS)
    ids = tuple(str(uuid.uuid4()) for _ in range(size))
    users = BenchUsers(folder, key, ids, tuple(issuer.access(each, each, now) for each in ids))
    users.users_file.write_text(json.dumps(ids))
    asyncio.run(create_accounts(f"sqlite:///{users.database}", ids))
    return users


async def create_accounts(url: str, ids: Sequence[str]) -> None:
    """Create the tables in an empty database, and an account and a sign-in of each user."""
    now = datetime.now(UTC)

    def work(transaction: Transaction, some: Sequence[str]) -> None:
        for each in some:
            user = User(each, f"{each}@example.org", "A Person", "UTC", Policy(), now)
            # Alerts that are due together are measured one by one, not as a summary.
            user = replace(user, flood_cap=MOST_FLOOD_CAP)
            accounts.add_user(transaction, user=user, password_hash=None)
            sessions.open_session(
                transaction,
                user_id=each,
                session_id=each,
                token_hash=None,
                now=now,
                expires_at=now + timedelta(days=1),
            )

    await migrate.ensure_current(url)
    database = open_database(url)
    for start in range(0, len(ids), USERS_BATCH):  # PostgreSQL ends a transaction after a minute
        await database.write(lambda t, at=start: work(t, ids[at : at + USERS_BATCH]))  # type: ignore[misc]
    await database.close()
