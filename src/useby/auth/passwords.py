"""Hash and verify passwords: Argon2id in a small pool, so that sign-ins never block the loop."""

import asyncio
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Final, TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

T = TypeVar("T")

THREADS: Final = 2
MAX_PENDING: Final = 32
"""Maximum number of passwords in the pool, running or queued; more get ``PasswordQueueFull``."""


class PasswordQueueFull(Exception):  # noqa: N818 - the name describes the caller's view
    """Raised while too many passwords are in the pool; the same call may succeed later."""


class Passwords:
    """Hashes and verifies passwords. Verifying takes as long for an account that does not exist."""

    def __init__(self) -> None:
        """Create the pool; its threads start with the first password."""
        self._hasher = PasswordHash.recommended()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords")
        self._room = threading.BoundedSemaphore(MAX_PENDING)

    async def hash(self, password: str) -> str:
        """Return the hash to store.

        Raises:
            PasswordQueueFull: Too many passwords are waiting.
        """
        return await self._run(lambda: self._hasher.hash(_normalize(password)))

    async def verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        """Check a password.

        Without a hash the same work is done, so that the duration does not reveal whether an
        account exists.

        Returns:
            Whether the password is right, and a new hash if the stored one should be replaced.

        Raises:
            PasswordQueueFull: Too many passwords are waiting.
        """
        return await self._run(lambda: self._verify(_normalize(password), hashed))

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @cached_property
    def _dummy_hash(self) -> str:
        return self._hasher.hash("nobody's password")

    def _verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        nobodys = self._dummy_hash  # created at the first sign-in of any user
        try:
            right, better = self._hasher.verify_and_update(password, hashed or nobodys)
        except UnknownHashError:
            return False, None
        return right and hashed is not None, better if hashed is not None else None

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._room.acquire(blocking=False):
            raise PasswordQueueFull
        # The room is released when the work ends or is cancelled in the queue, not when the
        # caller is cancelled.
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._room.release())
        return await asyncio.wrap_future(future)


def _normalize(password: str) -> str:
    """Return the same text for the same characters, composed or not (RFC 8265 4.2.2)."""
    return unicodedata.normalize("NFC", password)
