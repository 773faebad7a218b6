"""Compare connections with the database: access that ended, notifications missed, a restore.

Each connection's turn comes with the sweep; hints from other nodes and a database that changed
bring it forward. All connections of a turn are looked up in one snapshot.

That snapshot also has the database's epoch (``useby.store.epoch``). A connection that was last
compared in another one goes back and is sent what it lacks. A node that finds a ``seq`` lower than
a connection has seen changes the epoch, so that every node compares all its connections.
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
"""Connections looked up in one snapshot: all of them are compared when a bus has come back."""
EPOCH_SECONDS: Final = 60.0
"""A node changes the epoch no more often than this, whatever a user does to a ``seq``."""


class Reconciler:
    """The connections that wait for their comparison. All of it runs on the event loop."""

    def __init__(
        self,
        database: Database,
        answer: Callable[[Socket, Callable[[], Effects]], None],
        look_at_everything: Callable[[], None],
    ) -> None:
        """Start with nothing to compare; ``run`` compares.

        Args:
            database: The truth.
            answer: Gives a session an answer.
            look_at_everything: Has every connection of the node compared.
        """
        self._database = database
        self._answer = answer
        self._look_at_everything = look_at_everything
        self.epoch: str | None = None
        """The newest epoch that was looked up; ``None`` before the first."""
        self._waiting: set[Socket] = set()
        self.wanted = asyncio.Event()
        self._went_back = False
        self._changed_at = -math.inf

    @property
    def idle(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def soon(self, sockets: Iterable[Socket]) -> None:
        """Compare these at the next turn."""
        self._waiting.update(sockets)
        self.wanted.set()

    def drop(self, socket: Socket) -> None:
        """Do not compare this one any more."""
        self._waiting.discard(socket)

    def opened(self, sockets: Iterable[Socket]) -> None:
        """Compare these if they wait: their opening look-up is over and may be older."""
        if not self._waiting.isdisjoint(sockets):
            self.wanted.set()

    def went_back(self) -> None:
        """Change the epoch: a number was given again."""
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
                self.wanted.set()  # there may be more; the loop gets its turn before
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
        # Taken before the snapshot: what is committed since may be missing in it.
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
            elif (
                not socket.is_behind
            ):  # it has enough to read, and its own news may be on its way here
                self._answer(socket, lambda s=socket, n=newest: s.session.announce(n))  # type: ignore[misc]

    async def _change_epoch(self) -> None:
        """Have every node compare its connections, unless this one has just done so."""
        now = asyncio.get_running_loop().time()
        seen = self.epoch
        if seen is not None and now >= self._changed_at + EPOCH_SECONDS:
            log.warning("the database has lost notifications: a seq went back")
            await self._database.write(lambda t: epoch.change(t, seen))
            self._changed_at = now
            self._look_at_everything()
        self._went_back = False
