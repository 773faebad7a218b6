"""Passwords: Argon2id, in a small pool, so that a flood of logins does not stop the loop."""

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
"""Passwords looked at or waiting for it at a time; more are turned away."""


class QueueFull(Exception):  # noqa: N818 - said as the caller sees it
    """Too many passwords are being looked at; the same call may succeed later."""


class Passwords:
    """Hashes and verifies. Both cost the same whether or not there is anything to compare with."""

    def __init__(self) -> None:
        """Start no thread yet."""
        self._hasher = PasswordHash.recommended()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords")
        self._room = threading.BoundedSemaphore(MAX_PENDING)

    async def hash(self, password: str) -> str:
        """The hash to keep.

        Raises:
            TooBusy: Too many are waiting.
        """
        return await self._run(lambda: self._hasher.hash(_normalize(password)))

    async def verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        """Whether the password is right, and its new hash if it should be kept anew.

        With no hash to compare with, the same work is done, so that time tells nobody whether an
        account exists.

        Raises:
            TooBusy: Too many are waiting.
        """
        return await self._run(lambda: self._verify(_normalize(password), hashed))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @cached_property
    def _dummy_hash(self) -> str:
        return self._hasher.hash("nobody's password")

    def _verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        nobodys = self._dummy_hash  # made at the first sign-in, whoever's that is
        try:
            right, better = self._hasher.verify_and_update(password, hashed or nobodys)
        except UnknownHashError:
            return False, None
        return right and hashed is not None, better if hashed is not None else None

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._room.acquire(blocking=False):
            raise QueueFull
        # Given back when the work ends or is taken from the queue, not when its caller goes away.
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._room.release())
        return await asyncio.wrap_future(future)


def _normalize(password: str) -> str:
    """The same for the same characters, however a keyboard composed them (RFC 8265 4.2.2)."""
    return unicodedata.normalize("NFC", password)
