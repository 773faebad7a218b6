"""Create and delete API keys, and look them up for the verifier of tokens."""

import logging
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Final

from uuid_utils import uuid7

from useby.actions import households
from useby.auth.api_keys import hash_of, new_key, prefix_of
from useby.batcher import Batcher
from useby.domain.api_key import MAX_KEYS, ApiKey, KeyScope, TooManyKeys
from useby.store import accounts, api_keys
from useby.store.api_keys import delete, delete_service_key
from useby.store.database import Database, StoreUnavailable, Transaction
from useby.store.notifications import UnknownUser

__all__ = ["StoredKeys", "create", "create_service_key", "delete", "delete_service_key"]

log = logging.getLogger(__name__)

NOTED: Final = 4096
"""Maximum number of keys whose use today is remembered."""


def create(
    transaction: Transaction,
    user_id: str,
    *,
    name: str,
    scopes: Sequence[KeyScope],
    expires_at: datetime | None,
    now: datetime,
    household_id: str | None = None,
) -> tuple[ApiKey, str]:
    """Create a key of a user.

    Args:
        transaction: The running write.
        user_id: The user.
        name: Name by which the user recognizes the key.
        scopes: What the key may do.
        expires_at: End of the key, aware; ``None`` for a key without an end.
        now: The current time, aware.
        household_id: The household whose stock the key may use; ``None`` for the one on which the
            user acts by default.

    Returns:
        The key, and its text, which is stored nowhere.

    Raises:
        UnknownUser: The user has been deleted or disabled.
        UnknownHousehold: The user is no member of the household.
        TooManyKeys: The user has as many keys as an account can have.
    """
    user = accounts.lock_user(transaction, user_id)
    if user is None:
        raise UnknownUser(user_id)
    stock, _ = households.stock_of(transaction.connection, user, household_id)
    if len(api_keys.list_(transaction.connection, user_id)) >= MAX_KEYS:
        raise TooManyKeys
    return _add(transaction, (user_id, stock.id), name, scopes, expires_at, now)


def create_service_key(
    transaction: Transaction, *, name: str, expires_at: datetime | None, now: datetime
) -> tuple[ApiKey, str]:
    """Create a key that posts to any user; return it and its text, which is stored nowhere."""
    return _add(transaction, (None, None), name, [KeyScope.NOTIFY_ANY], expires_at, now)


def _add(
    transaction: Transaction,
    owner_and_household: tuple[str | None, str | None],
    name: str,
    scopes: Sequence[KeyScope],
    expires_at: datetime | None,
    now: datetime,
) -> tuple[ApiKey, str]:
    text, created = new_key(), now.replace(microsecond=0)
    ordered = tuple(each for each in KeyScope if each in scopes)
    key = ApiKey(
        str(uuid7()),
        *owner_and_household,
        name,
        prefix_of(text),
        ordered,
        created,
        expires_at,
    )
    api_keys.add(transaction, key, hash_of(text))
    return key, text


class StoredKeys:
    """Keys as the verifier of tokens looks them up; their last uses are written on their own.

    The day of a key's last use is written at most once a day by each node, in a transaction that no
    request waits for.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        """Begin without uses; ``run`` writes them."""
        self._database = database
        self._now = now
        self._noted: dict[str, date] = {}
        """Day of the last use that was queued, by the id of the key."""
        self._uses: Batcher[str] = Batcher(self._write, lambda _: None)

    async def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash.

        Raises:
            StoreUnavailable: The database can't be read now.
        """
        return await self._database.read(lambda c: api_keys.find(c, key_hash))

    def note_use(self, key: str, key_id: str) -> None:
        """Queue the day of a use to be written, unless that was done today."""
        today = self._now().date()
        if self._noted.get(key_id) == today:
            return
        if len(self._noted) >= NOTED:
            del self._noted[next(iter(self._noted))]
        self._noted[key_id] = today
        self._uses.put(hash_of(key))

    async def run(self) -> None:
        """Write the days of uses until cancelled."""
        await self._uses.run()

    async def _write(self, key_hashes: Sequence[str]) -> None:
        day = self._now().date()
        try:
            await self._database.write(lambda t: api_keys.used(t, key_hashes, day))
        except StoreUnavailable as error:
            self._noted.clear()  # the next use of each key queues it again
            log.warning("the last use of %d keys was not stored: %s", len(key_hashes), error)
