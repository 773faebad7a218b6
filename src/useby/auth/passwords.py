"""Passwords: Argon2id, in a small pool, so that a flood of logins does not stop the loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

T = TypeVar("T")

THREADS: Final = 2
WAITING: Final = 32
"""Passwords that may wait for a thread; more are turned away."""


class TooBusy(Exception):  # noqa: N818 - said as the caller sees it
    """Too many passwords are being looked at; the same call may succeed later."""


class Passwords:
    """Hashes and verifies. Both cost the same whether or not there is anything to compare with."""

    def __init__(self) -> None:
        """Start no thread yet."""
        self._hasher = PasswordHash.recommended()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords")
        self._waiting = 0
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to keep.

        Raises:
            TooBusy: Too many are waiting.
        """
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        """Whether the password is right, and its new hash if it should be kept anew.

        With no hash to compare with, the same work is done, so that time tells nobody whether an
        account exists.

        Raises:
            TooBusy: Too many are waiting.
        """
        return await self._run(lambda: self._verify(password, hashed))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        if hashed is None:
            if self._nobodys is None:
                self._nobodys = self._hasher.hash("nobody's password")
            self._hasher.verify(password, self._nobodys)
            return False, None
        try:
            return self._hasher.verify_and_update(password, hashed)
        except UnknownHashError:
            return False, None

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING:
            raise TooBusy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1
