"""Execute the database requests of sessions: pages to send, marks, new tokens.

============  ==========================  ==========================  ============================
effect        method                      executed                    answered with
============  ==========================  ==========================  ============================
Fetch         StoreRequests.fetch         up to 32 in one snapshot    Session.page
Mark          StoreRequests.mark          up to 1,000 users a commit  Session.marked, once durable
Authenticate  StoreRequests.authenticate  each in a task              Session.authenticated
============  ==========================  ==========================  ============================

The marks of one user are merged. So a device that reconnects repeatedly while its user's row is
locked, and sends the same marks each time, adds nothing to the queue. A user whose row is locked
moves to a queue of their own (``UserBatcher``) and delays no other user.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from useby.actions.notifications import mark_all_read
from useby.auth.claims import lacks_listen
from useby.auth.tokens import InvalidToken, IssuerUnavailable, Verifier
from useby.batcher import Batcher, batch_or_one_by_one
from useby.domain.account import TokenStatus
from useby.realtime import closes
from useby.realtime.effects import Fetch, Mark
from useby.realtime.retry import retry_while_unavailable
from useby.realtime.session import PAGE
from useby.realtime.socket import Socket
from useby.realtime.states import SessionState
from useby.realtime.sweep import Sweep
from useby.store import accounts, pages
from useby.store.database import Database, StoreUnavailable
from useby.store.marks import mark_read, mark_read_where_free
from useby.store.pages import PageRequest
from useby.store.slices import SLICE
from useby.store.user_batcher import UserBatcher

log = logging.getLogger(__name__)

FETCH_BATCH: Final = 32
"""Maximum pages read in one snapshot; later ones wait for the next."""
MARK_BATCH: Final = 1000
"""Maximum users whose marks share a commit."""
MAX_QUEUED_MARKS: Final = 10_000
"""Maximum queued ids of one user; a connection that sends more is closed with 1011."""


@dataclass(slots=True)
class _Marks:
    """Queued marks of one user, and the connections to be answered."""

    ids: dict[str, None] = field(default_factory=dict)
    everything: bool = False
    """True to mark all notifications of the user."""
    sockets: dict[Socket, None] = field(default_factory=dict)

    def merge(self, other: "_Marks") -> None:
        """Add other queued marks of the same user."""
        self.ids |= other.ids
        self.everything = self.everything or other.everything
        self.sockets |= other.sockets


class StoreRequests:
    """The queues of pages and marks, and new tokens. All methods run on the event loop."""

    def __init__(
        self,
        database: Database,
        verifier: Verifier,
        sweep: Sweep,
        *,
        spawn: Callable[[Socket, Awaitable[None]], None],
        on_epoch: Callable[[str], None],
        now: Callable[[], datetime],
    ) -> None:
        """Create empty queues; ``run`` processes them.

        Args:
            database: The database to read and write.
            verifier: Verifies tokens that continue a session.
            sweep: Ends connections with their tokens.
            spawn: Runs work for one connection in a task.
            on_epoch: Called with the epoch of each snapshot.
            now: The wall clock: aware, UTC.
        """
        self._database = database
        self._verifier = verifier
        self._sweep = sweep
        self._spawn = spawn
        self._on_epoch = on_epoch
        self._now = now
        self._fetches: Batcher[tuple[Socket, Fetch]] = Batcher(
            self._fetch,
            lambda request: request[0].close(closes.INTERNAL_ERROR),
            size=FETCH_BATCH,
            is_wanted=lambda request: request[0].session.state is not SessionState.CLOSED,
        )
        self._marks: dict[str, _Marks] = {}
        self._marked_users: UserBatcher[str] = UserBatcher(
            "marks", self._store_marks, lambda user_id: user_id, most=MARK_BATCH
        )

    def fetch(self, socket: Socket, page: Fetch) -> None:
        """Queue a page to be read for a session."""
        self._fetches.put((socket, page))

    def mark(self, socket: Socket, mark: Mark) -> None:
        """Queue notifications to be marked read for a session."""
        user_id = socket.session.user_id
        marks = self._marks.get(user_id)
        if marks is None:
            marks = self._marks[user_id] = _Marks()
            self._marked_users.put(user_id)
        elif len(marks.ids) > MAX_QUEUED_MARKS:
            socket.close(closes.INTERNAL_ERROR)
            return
        for closed in [each for each in marks.sockets if each.session.state is SessionState.CLOSED]:
            del marks.sockets[closed]
        marks.sockets[socket] = None
        if mark.ids is None:
            marks.everything = True
        else:
            marks.ids.update(dict.fromkeys(mark.ids))

    def authenticate(self, socket: Socket, token: str) -> None:
        """Continue a session with a new token of the same user, after a look-up."""
        self._spawn(socket, self._authenticate(socket, token))

    async def run(self) -> None:
        """Process the queues until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._fetches.run(), name="requests-pages")
            group.create_task(self._marked_users.run(), name="requests-marks")

    async def _authenticate(self, socket: Socket, token: str) -> None:
        expires_at, why = None, closes.TOKEN_INVALID
        try:
            claims = await retry_while_unavailable(
                lambda: self._verifier.verify_async(token, self._now())
            )
            if not claims.may_listen:
                raise lacks_listen(claims)
        except InvalidToken:
            pass
        except IssuerUnavailable:
            why = closes.ISSUER_UNAVAILABLE  # the session continues with its present token
        else:
            key = (claims.user_id, claims.session_id, claims.issued_at)
            (check,) = await retry_while_unavailable(
                lambda: self._database.read(lambda c: accounts.check_tokens(c, [key]))
            )
            same = claims.user_id == socket.session.user_id
            if same and check.standing is TokenStatus.GOOD and socket.slot >= 0:
                self._sweep.bind(socket, claims)
                expires_at = claims.expires_at
        socket.reply(socket.session.authenticated, expires_at, why.reason)

    async def _fetch(self, batch: Sequence[tuple[Socket, Fetch]]) -> None:
        requests = list({_request(socket, page) for socket, page in batch})
        now, found = await retry_while_unavailable(
            lambda: self._database.read(lambda c: pages.read(c, requests), one_statement=True)
        )
        if pages.lack_items(found):  # rare, and items never change
            found = await retry_while_unavailable(
                lambda: self._database.read(partial(pages.with_items, pages=found))
            )
        by_request = dict(zip(requests, found, strict=True))
        self._on_epoch(now)
        for socket, page in batch:
            before, socket.epoch = socket.epoch, now
            rows, newest = by_request[_request(socket, page)]
            socket.reply(socket.session.page, rows, newest, restored=now != before)

    async def _store_marks(self, users: Sequence[str], *, may_wait: bool) -> list[str]:
        """Write the marks of these users; return the users left, as ``UserBatcher`` requires."""
        batch = [(each, self._marks.pop(each)) for each in users if each in self._marks]
        left: list[tuple[str, _Marks]] = []

        async def store(part: Sequence[tuple[str, _Marks]]) -> None:
            left.extend(
                await (self._store_waiting(*part[0]) if may_wait else self._store_where_free(part))
            )

        await batch_or_one_by_one(batch, store, _fail_all)
        for user_id, marks in left:
            if user_id in self._marks:
                marks.merge(self._marks[user_id])
            self._marks[user_id] = marks
        return [user_id for user_id, _ in left]

    async def _store_where_free(
        self, batch: Sequence[tuple[str, _Marks]]
    ) -> list[tuple[str, _Marks]]:
        """Write the marks of users whose rows are not locked, in one commit; return the others."""
        # Large marks are left for a transaction of their own: a user may have any number of
        # unread notifications, and other users must not wait for them.
        ids = {
            user_id: list(marks.ids)
            for user_id, marks in batch
            if not marks.everything and len(marks.ids) <= SLICE
        }
        now = self._now()
        locked = (
            await retry_while_unavailable(
                lambda: self._database.write(lambda t: mark_read_where_free(t, ids, now))
            )
            if ids
            else frozenset()
        )
        left = [each for each in batch if each[0] not in ids or each[0] in locked]
        for user_id, marks in batch:
            if user_id in ids and user_id not in locked:
                self._answer_marked(marks)
        return left

    async def _store_waiting(self, user_id: str, marks: _Marks) -> list[tuple[str, _Marks]]:
        """Write the marks of one user; wait for locked rows up to the database's lock timeout."""
        now, ids = self._now(), list(marks.ids)
        try:
            for start in range(0, len(ids), SLICE):
                part = ids[start : start + SLICE]
                await self._database.write(
                    lambda t, part=part: mark_read(t, user_id, part, now),  # type: ignore[misc]
                    large=True,
                )
            if marks.everything:
                await mark_all_read(self._database, user_id, now)
        except StoreUnavailable as error:
            log.warning("the marks of a user could not be stored and are tried again: %s", error)
            return [(user_id, marks)]
        self._answer_marked(marks)
        return []

    def _answer_marked(self, marks: _Marks) -> None:
        for socket in marks.sockets:
            socket.reply(socket.session.marked)


def _fail_all(item: tuple[str, _Marks]) -> None:
    for socket in item[1].sockets:
        socket.close(closes.INTERNAL_ERROR)


def _request(socket: Socket, page: Fetch) -> PageRequest:
    most = 1 if page.only_one and page.unread_to is None else PAGE
    return PageRequest(socket.session.user_id, page.after, page.unread_to, most)
