"""Limit an account to one running export, and a node to a few workbooks at once.

CSV and JSON are read only as fast as the client takes them. A workbook is written as a whole before
its first byte is sent, so without a limit a few accounts could occupy the processor.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from useby.api.errors import RETRY_AFTER_SECONDS, Problem

TURNS: Final = 2
"""Workbooks that a node writes at once."""


class ExportTurns:
    """The exports that a node runs. Used on the event loop only."""

    def __init__(self) -> None:
        """Start without a running export."""
        self._workbooks = asyncio.Semaphore(TURNS)
        self._users: set[str] = set()

    def begin(self, user_id: str) -> None:
        """Begin an export of an account; ``end`` must follow.

        Raises:
            Problem: 429, another export of the account is running.
        """
        if user_id in self._users:
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "Another export of this account is running.",
                {"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        self._users.add(user_id)

    def end(self, user_id: str) -> None:
        """End an export of an account."""
        self._users.discard(user_id)

    @contextlib.asynccontextmanager
    async def turn(self, *, workbook: bool) -> AsyncIterator[None]:
        """Hold a turn within the block; only a workbook waits for one."""
        if not workbook:
            yield
            return
        async with self._workbooks:
            yield
