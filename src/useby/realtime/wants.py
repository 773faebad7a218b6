"""What sessions want of the store: pages to send, and marks to be kept.

Each kind waits in a line for one worker, which takes many at a time: pages that are wanted together
share a snapshot, and ``mark_read``s that arrive together a commit.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from useby.domain.notification import Notification
from useby.realtime import closes
from useby.realtime.patience import together_or_alone, until_it_works
from useby.realtime.session import PAGE, Effects, Fetch, Mark, State
from useby.realtime.socket import Socket
from useby.store import notifications
from useby.store.engine import Connection, Database, Transaction

FETCHED_TOGETHER: Final = 32
"""Pages read in one snapshot; the next ones wait for these."""


class Wants:
    """The two lines. All of it runs on the event loop."""

    def __init__(
        self,
        database: Database,
        answer: Callable[[Socket, Callable[[], Effects]], None],
        *,
        now: Callable[[], datetime],
    ) -> None:
        """Make them empty; ``run`` works them off.

        Args:
            database: The truth.
            answer: Gives a session an answer.
            now: The wall clock: aware, UTC.
        """
        self._database = database
        self._answer = answer
        self._now = now
        self._fetches: deque[tuple[Socket, Fetch]] = deque()
        self._fetch_wanted = asyncio.Event()
        self._marks: list[tuple[Socket, Mark]] = []
        self._mark_wanted = asyncio.Event()

    def fetch(self, socket: Socket, wanted: Fetch) -> None:
        """Read a page for a session, in one snapshot with its neighbours."""
        self._fetches.append((socket, wanted))
        self._fetch_wanted.set()

    def mark(self, socket: Socket, wanted: Mark) -> None:
        """Mark notifications read for a session, in one commit with its neighbours."""
        self._marks.append((socket, wanted))
        self._mark_wanted.set()

    async def run(self) -> None:
        """Work the lines off until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._fetch_waiting(), name="wants-pages")
            group.create_task(self._mark_waiting(), name="wants-marks")

    async def _fetch_waiting(self) -> None:
        while True:
            await self._fetch_wanted.wait()
            turn = [
                self._fetches.popleft() for _ in range(min(FETCHED_TOGETHER, len(self._fetches)))
            ]
            if not self._fetches:
                self._fetch_wanted.clear()
            turn = [each for each in turn if each[0].session.state is not State.CLOSED]
            await together_or_alone(turn, self._fetch, self._fail)

    async def _fetch(self, turn: Sequence[tuple[Socket, Fetch]]) -> None:
        wanted = {(socket.session.user_id, page) for socket, page in turn}
        if not wanted:
            return
        pages = await until_it_works(lambda: self._database.read(lambda c: _pages(c, wanted)))
        for socket, page in turn:
            answer = pages[socket.session.user_id, page]
            self._answer(socket, lambda s=socket, a=answer: s.session.page(*a))  # type: ignore[misc]

    def _fail(self, asked: tuple[Socket, Fetch | Mark]) -> None:
        asked[0].close(closes.INTERNAL_ERROR)

    async def _mark_waiting(self) -> None:
        while True:
            await self._mark_wanted.wait()
            self._mark_wanted.clear()
            batch, self._marks = self._marks, []
            await together_or_alone(batch, self._keep_marks, self._fail)

    async def _keep_marks(self, batch: Sequence[tuple[Socket, Mark]]) -> None:
        wanted: dict[str, list[str]] = {}
        all_of: set[str] = set()
        for socket, mark in batch:
            if mark.ids is None:
                all_of.add(socket.session.user_id)
            else:
                wanted.setdefault(socket.session.user_id, []).extend(mark.ids)
        now = self._now()

        def write(transaction: Transaction) -> None:
            notifications.mark_read_of_many(transaction, wanted, now)
            for user_id in sorted(all_of):
                notifications.mark_all_read(transaction, user_id, now)

        await until_it_works(lambda: self._database.write(write))
        for socket, _ in batch:
            self._answer(socket, socket.session.marked)


def _pages(
    connection: Connection, wanted: Iterable[tuple[str, Fetch]]
) -> dict[tuple[str, Fetch], tuple[list[Notification], int]]:
    """Each page that is wanted, and its user's newest ``seq``; devices in step share one."""
    found = {}
    for user_id, page in wanted:
        if page.unread_to is None:
            rows = notifications.page_after(connection, user_id, page.after, PAGE)
        else:
            rows = notifications.unread_page(connection, user_id, page.after, page.unread_to, PAGE)
        found[user_id, page] = (rows, notifications.newest_seq(connection, user_id))
    return found
