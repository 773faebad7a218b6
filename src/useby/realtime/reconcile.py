"""Compare connections with the database: ended access, missed notifications, a restore.

The sweep queues each connection once in a ping interval. Hints from other nodes, a gap of the bus
and a changed epoch queue connections earlier. One query compares up to 500 connections, inside the
database, which returns only those that differ:

=======================================  =============================================
the snapshot shows                       the connection
=======================================  =============================================
the token or the user is no longer good  is closed: 1008 ``Access revoked``
another epoch than at its last turn      rewinds (``Session.rewind``)
a ``seq`` lower than it has seen         rewinds, and this node changes the epoch
a ``seq`` higher than it has seen        fetches the difference (``Session.announce``)
=======================================  =============================================

The epoch (``useby.store.epoch``) is how nodes share the discovery of a restore: a node that reads
a changed epoch, here or with a page (``requests``), compares all its connections.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from useby.batcher import Batcher
from useby.domain.account import TokenStatus
from useby.realtime import closes
from useby.realtime.registry import Registry
from useby.realtime.retry import retry_while_unavailable
from useby.realtime.socket import Socket
from useby.realtime.states import SessionState
from useby.store import comparison, epoch
from useby.store.database import Database

log = logging.getLogger(__name__)

RECONCILE_BATCH: Final = 500
"""Maximum connections in one snapshot; after a gap of the bus all of them are queued. The event
loop is taken for some 2 ms by a batch of this size."""
EPOCH_SECONDS: Final = 60.0
"""Minimum seconds between two changes of the epoch by one node, whatever happens to a ``seq``."""


class Reconciler:
    """The queue of connections to compare. All methods run on the event loop."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        refresh_counts: Callable[[Collection[str]], None],
    ) -> None:
        """Create an empty queue; ``run`` processes it.

        Args:
            database: The database to compare with.
            registry: The connections of the node.
            refresh_counts: Sends the extended sessions of users their unread count.
        """
        self._database = database
        self._registry = registry
        self._refresh_counts = refresh_counts
        self.epoch: str | None = None
        """The epoch read last; ``None`` before the first read."""
        self._queue: Batcher[Socket] = Batcher(
            self._reconcile, lambda _: None, size=RECONCILE_BATCH
        )
        self._opening: set[Socket] = set()
        """Connections to compare once they are open."""
        self._losses: Batcher[str | None] = Batcher(self._change_epoch, lambda _: None)
        """Epochs in which the database issued a number twice."""
        self._changed_at = -math.inf

    @property
    def idle(self) -> bool:
        """Return whether no comparison and no change of the epoch is queued."""
        return not (self._queue or self._opening or self._losses)

    def soon(self, sockets: Iterable[Socket]) -> None:
        """Queue connections for the next snapshot."""
        for socket in sockets:
            if socket.session.state is SessionState.OPENING:
                self._opening.add(socket)
            else:
                self._queue.put(socket)

    def all_soon(self) -> None:
        """Queue all connections."""
        self.users_soon(self._registry.users)

    def users_soon(self, user_ids: Iterable[str]) -> None:
        """Queue the connections of these users."""
        for user_id in user_ids:
            self.soon(self._registry.of(user_id))

    def everything_soon(self) -> None:
        """Queue all connections, and send extended sessions their unread count."""
        self.all_soon()
        self._refresh_counts(self._registry.users)

    def drop(self, socket: Socket) -> None:
        """Remove a connection from the queue."""
        self._queue.discard(socket)
        self._opening.discard(socket)

    def opened(self, sockets: Iterable[Socket]) -> None:
        """Queue those for which a comparison was requested while they opened."""
        opened = self._opening.intersection(sockets)
        self._opening -= opened
        self.soon(opened)

    def went_back(self) -> None:
        """Request a change of the epoch: the database has issued a number twice."""
        self._losses.put(self.epoch)

    def on_epoch(self, now: str) -> None:
        """Compare all connections if ``now``, just read from the database, is another epoch."""
        if now != self.epoch:
            log.info(
                "the database was restored, failed over or restarted: comparing all connections"
            )
            self.epoch = now
            self.everything_soon()

    async def run(self) -> None:
        """Compare connections until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._losses.run(), name="reconcile-epoch")
            self.epoch = await retry_while_unavailable(lambda: self._database.read(epoch.current))
            await self._queue.run()

    async def _reconcile(self, batch: Sequence[Socket]) -> None:
        sockets = [socket for socket in batch if socket.session.state is not SessionState.CLOSED]
        if not sockets:
            return
        known, changes, now = await retry_while_unavailable(lambda: self._compare(sockets))
        self.on_epoch(now)
        for number, (socket, before) in enumerate(zip(sockets, known, strict=True)):
            if socket.epoch is None:  # it was admitted before this node had read the epoch
                socket.epoch = now
            change = changes.get(number)
            standing, newest = change or (TokenStatus.GOOD, before)
            if standing is not TokenStatus.GOOD:
                socket.close(closes.ACCESS_REVOKED)
            elif newest < before or socket.epoch != now:
                if socket.epoch == now:
                    self.went_back()
                socket.epoch = now
                socket.reply(socket.session.rewind)
            elif change and not socket.is_behind:
                # Slow readers are skipped: their buffer is full, and the push that would update
                # them may be in flight.
                socket.reply(socket.session.announce, newest)

    async def _compare(
        self, sockets: Sequence[Socket]
    ) -> tuple[list[int], dict[int, comparison.Changed], str]:
        """Return each session's newest ``seq``, the differences in one snapshot, and its epoch."""
        # Read before the snapshot: rows committed later may be missing in the snapshot.
        known = [socket.session.known for socket in sockets]
        seen = [
            # A sign-in decides by itself, and a time takes a third of the encoding of a row.
            (
                each.session.user_id,
                each.sign_in_id,
                each.issued_at if each.sign_in_id is None else None,
                newest,
            )
            for each, newest in zip(sockets, known, strict=True)
        ]
        changes, now = await self._database.read(
            lambda c: comparison.find_changed(c, seen), one_statement=True
        )
        return known, changes, now

    async def _change_epoch(self, losses: Sequence[str | None]) -> None:
        """Change the epoch, unless this node did less than ``EPOCH_SECONDS`` ago."""
        now, seen = asyncio.get_running_loop().time(), losses[-1]
        if seen is None or now < self._changed_at + EPOCH_SECONDS:
            return
        log.warning("the database has lost notifications: a seq went back")
        await retry_while_unavailable(lambda: self._database.write(lambda t: epoch.change(t, seen)))
        self._changed_at = now
        self.everything_soon()
