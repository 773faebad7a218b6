"""Compare connections with the database: ended access, missed notifications, a restore.

The sweep queues each connection once in a ping interval. Hints from other nodes, a gap of the bus
and a changed epoch queue connections earlier. One snapshot serves up to 1,000 connections:

=======================================  =============================================
the snapshot shows                       the connection
=======================================  =============================================
the token or the user is no longer good  is closed: 1008 ``Access revoked``
another epoch than at its last turn      rewinds (``Session.rewind``)
a ``seq`` lower than it has seen         rewinds, and this node changes the epoch
a ``seq`` higher than it has seen        fetches the difference (``Session.announce``)
=======================================  =============================================

The epoch (``useby.store.epoch``) is how nodes share the discovery of a restore: a node that reads
a changed epoch compares all its connections.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

from useby.domain.account import TokenStatus
from useby.realtime import closes, retry
from useby.realtime.effects import Effects
from useby.realtime.retry import retry_while_unavailable
from useby.realtime.session import State
from useby.realtime.socket import Socket
from useby.store import accounts, epoch
from useby.store.database import Database, StoreUnavailable

log = logging.getLogger(__name__)

RECONCILE_BATCH: Final = 1000
"""Maximum connections in one snapshot; after a gap of the bus all of them are queued."""
EPOCH_SECONDS: Final = 60.0
"""Minimum seconds between two changes of the epoch by one node, whatever happens to a ``seq``."""


class Reconciler:
    """The queue of connections to compare. All methods run on the event loop."""

    def __init__(
        self,
        database: Database,
        answer: Callable[[Socket, Callable[[], Effects]], None],
        look_at_everything: Callable[[], None],
    ) -> None:
        """Create an empty queue; ``run`` processes it.

        Args:
            database: The database to compare with.
            answer: Calls a session's method and executes the returned effects.
            look_at_everything: Queues every connection of the node.
        """
        self._database = database
        self._answer = answer
        self._look_at_everything = look_at_everything
        self.epoch: str | None = None
        """The epoch read last; ``None`` before the first read."""
        self._waiting: set[Socket] = set()
        self.wanted = asyncio.Event()
        self._went_back = False
        self._changed_at = -math.inf

    @property
    def idle(self) -> bool:
        """Return whether the queue is empty."""
        return not self._waiting

    def soon(self, sockets: Iterable[Socket]) -> None:
        """Queue connections for the next snapshot."""
        self._waiting.update(sockets)
        self.wanted.set()

    def drop(self, socket: Socket) -> None:
        """Remove a connection from the queue."""
        self._waiting.discard(socket)

    def opened(self, sockets: Iterable[Socket]) -> None:
        """Continue with those that are queued: they were skipped while they opened."""
        if not self._waiting.isdisjoint(sockets):
            self.wanted.set()

    def went_back(self) -> None:
        """Request a change of the epoch: the database has issued a number twice."""
        self._went_back = True
        self.wanted.set()

    async def run(self) -> None:
        """Compare connections until cancelled."""
        self.epoch = await retry_while_unavailable(lambda: self._database.read(epoch.current))
        wait = retry.RETRY_SECONDS
        while True:
            await self.wanted.wait()
            self.wanted.clear()
            open_ = (each for each in self._waiting if each.session.state is not State.OPENING)
            sockets = set(islice(open_, RECONCILE_BATCH))
            self._waiting -= sockets
            if len(sockets) == RECONCILE_BATCH:
                self.wanted.set()  # more may be queued; other tasks run in between
            try:
                await self._reconcile(sockets)
                if self._went_back:
                    await self._change_epoch()
            except StoreUnavailable as error:
                log.warning("connections can't be compared with the store: %s", error)
                self.soon(each for each in sockets if each.slot >= 0)
                await asyncio.sleep(wait)
                wait = min(wait * 2, retry.RETRY_MAX_SECONDS)
            except Exception:
                log.exception("connections could not be compared; the next sweep does it again")
            else:
                wait = retry.RETRY_SECONDS

    async def _reconcile(self, sockets: Iterable[Socket]) -> None:
        live = [each for each in sockets if each.session.state is not State.CLOSED]
        keys = [(each.session.user_id, each.sign_in_id, each.issued_at) for each in live]
        if not keys:
            return
        # Read before the snapshot: rows committed later may be missing in the snapshot.
        known = [each.session.known for each in live]
        found, now = await self._database.read(
            lambda c: (accounts.check_tokens(c, keys), epoch.current(c))
        )
        if now != self.epoch:
            log.info("the database was restored, failed over or restarted: comparing everybody")
            self.epoch = now
            self._look_at_everything()
        for socket, (standing, newest, *_), before in zip(live, found, known, strict=True):
            if standing is not TokenStatus.GOOD:
                socket.close(closes.ACCESS_REVOKED)
            elif newest < before or socket.epoch != now:
                self._went_back |= socket.epoch == now
                socket.epoch = now
                self._answer(socket, socket.session.rewind)
            elif not socket.is_behind:
                # Slow readers are skipped: their buffer is full, and the push that would update
                # them may be in flight.
                self._answer(socket, lambda s=socket, n=newest: s.session.announce(n))  # type: ignore[misc]

    async def _change_epoch(self) -> None:
        """Change the epoch, unless this node did less than ``EPOCH_SECONDS`` ago."""
        now = asyncio.get_running_loop().time()
        seen = self.epoch
        if seen is not None and now >= self._changed_at + EPOCH_SECONDS:
            log.warning("the database has lost notifications: a seq went back")
            await self._database.write(lambda t: epoch.change(t, seen))
            self._changed_at = now
            self._look_at_everything()
        self._went_back = False
