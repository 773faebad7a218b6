"""Send extended sessions their updates: reads, unread counts and products (contract 8).

Local commits are sent as they are. Hints from other nodes are checked against the database first,
so clients never receive an unverified update::

    commit here ──► ProductChanged ──────────────────────────► send
    commit here ──► MarkedRead ──────► count unread ones ────► send
    other node ───► Hint ────────────► look up ids, count ───► send

Updates may use half of a connection's send buffer. If a product does not fit, its id is queued,
up to 1,000 for a connection; when the peer has read, the product is looked up and sent in its
state at that time. If the ids of a read do not fit, only the count is sent.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

from useby.bus.hints import Hint
from useby.domain.account import User
from useby.domain.events import Change, MarkedRead, ProductChanged
from useby.domain.product import Product
from useby.realtime import closes, frames
from useby.realtime.effects import Effects
from useby.realtime.retry import batch_or_one_by_one, retry_while_unavailable
from useby.realtime.session import State
from useby.realtime.socket import Socket
from useby.schemas.products import product_json
from useby.store import accounts, notifications, products, usage
from useby.store.database import Connection, Database

log = logging.getLogger(__name__)

BATCH: Final = 200
"""Maximum users looked up in one snapshot."""
MAX_UNVERIFIED_IDS: Final = 1000
"""Maximum ids from hints that await verification for a user; further ones are dropped as a flood.
Also the maximum of products queued for one connection."""
ID_BYTES: Final = 40
"""Bytes that each id takes in a frame."""
AT_ONCE: Final = 25
"""Products looked up at a time when a connection has room again."""


@dataclass(slots=True)
class _Due:
    """Updates that await a look-up for a user's extended sessions."""

    read: list[str] = field(default_factory=list)
    """Ids of notifications that this node has marked read."""
    counts: bool = False
    """True if the number of unread notifications may have changed."""
    to_verify: dict[str, None] = field(default_factory=dict)
    """Ids of notifications that other nodes report as read, in the order of the hints."""
    products: dict[str, Change] = field(default_factory=dict)
    """Changes that other nodes report, by the product's id."""


@dataclass(frozen=True, slots=True)
class _Found:
    """The database's rows for a ``_Due``."""

    unread: int
    read: frozenset[str]
    owner: User | None
    products: dict[str, Product]


class ExtendedUpdates:
    """Updates of extended sessions, many users in one snapshot."""

    def __init__(
        self,
        database: Database,
        extended: Callable[[str], list[Socket]],
        answer: Callable[[Socket, Callable[[], Effects]], None],
        *,
        now: Callable[[], datetime],
    ) -> None:
        """Create the updates of a pool of connections; ``run`` sends them.

        Args:
            database: The database to look up in.
            extended: Returns the connections of a user's extended sessions.
            answer: Calls a session's method and executes the returned effects.
            now: The wall clock: aware, UTC.
        """
        self._database = database
        self._extended = extended
        self._answer = answer
        self._now = now
        self._due: dict[str, _Due] = {}
        self._waiting: dict[Socket, dict[str, Change]] = {}
        """Products for which connections had no room, without those being looked up."""
        self._drained: set[Socket] = set()
        self._wanted = asyncio.Event()

    def on_marked_read(self, news: MarkedRead) -> None:
        """Queue a read that this node has committed."""
        if due := self._due_to(news.user_id):
            due.read += news.ids
            due.counts = due.counts or not news.ids

    def on_product_changed(self, news: ProductChanged) -> None:
        """Send a product that this node has changed; queue it where there is no room."""
        if sockets := self._extended(news.owner.id):
            try:
                shown = product_json(news.product, news.owner, self._now())
            except Exception:
                log.exception("a product could not be shown")  # the change is committed
                return
            self._tell_product(sockets, news.product.id, news.change, shown)

    def on_hint(self, hint: Hint) -> None:
        """Queue a hint's ids for verification."""
        if hint.read is None and hint.product_id is None:
            return
        if due := self._due_to(hint.user_id):
            if hint.read is not None:
                due.counts = due.counts or not hint.read
                due.to_verify.update(
                    dict.fromkeys(hint.read[: MAX_UNVERIFIED_IDS - len(due.to_verify)])
                )
            if hint.product_id is not None and len(due.products) < MAX_UNVERIFIED_IDS:
                due.products[hint.product_id] = hint.change

    def refresh_counts(self, user_ids: Iterable[str]) -> None:
        """Queue the unread counts of these users, because hints about reads may be lost."""
        for user_id in user_ids:
            if due := self._due_to(user_id):
                due.counts = True

    def drained(self, socket: Socket) -> None:
        """Send a connection its queued products, because its peer has read."""
        if self._waiting.get(socket):
            self._drained.add(socket)
            self._wanted.set()

    def drop(self, socket: Socket) -> None:
        """Discard the queued products of a connection that has ended."""
        self._waiting.pop(socket, None)
        self._drained.discard(socket)

    async def run(self) -> None:
        """Look up and send queued updates until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            due, self._due = self._due, {}
            await batch_or_one_by_one(list(due.items()), self._look_up_and_tell, _give_up)
            drained, self._drained = self._drained, set()
            waiting = [each for each in map(self._take_waiting, drained) if each[1]]
            await batch_or_one_by_one(waiting, self._look_up_and_send, self._give_up_waiting)

    def _take_waiting(self, socket: Socket) -> tuple[Socket, dict[str, Change]]:
        """Take the next ``AT_ONCE`` queued products of a connection."""
        waiting = self._waiting.get(socket, {})
        some = dict(islice(waiting.items(), AT_ONCE))
        for product_id in some:
            del waiting[product_id]
        return socket, some

    async def _look_up_and_send(self, taken: Sequence[tuple[Socket, dict[str, Change]]]) -> None:
        found = await retry_while_unavailable(
            lambda: self._database.read(
                lambda c: [_products(c, socket.session.user_id, some) for socket, some in taken]
            )
        )
        for (socket, some), (owner, rows) in zip(taken, found, strict=True):
            later = self._waiting.pop(socket, None)
            if later is None:
                continue  # the connection has ended
            for product_id, change in some.items():
                if (shown := self._as_it_is(product_id, change, owner, rows)) is not None:
                    self._tell_product([socket], product_id, *shown)
            filled = socket in self._waiting  # then ``drained`` follows once the peer has read
            for product_id, change in later.items():
                self._wait(socket, product_id, change)
            if not filled:
                self.drained(socket)

    def _give_up_waiting(self, taken: tuple[Socket, dict[str, Change]]) -> None:
        """Drop products whose look-up failed; the reason is logged."""
        if not self._waiting.get(taken[0]):
            self._waiting.pop(taken[0], None)
        self.drained(taken[0])

    async def _look_up_and_tell(self, due: Sequence[tuple[str, _Due]]) -> None:
        for start in range(0, len(due), BATCH):
            some = dict(due[start : start + BATCH])
            found = await retry_while_unavailable(
                lambda some=some: self._database.read(lambda c: _look_up(c, some))  # type: ignore[misc]
            )
            for user_id, what in some.items():
                self._tell(self._extended(user_id), what, found[user_id])

    def _due_to(self, user_id: str) -> _Due | None:
        if not self._extended(user_id):
            return None
        self._wanted.set()
        return self._due.setdefault(user_id, _Due())

    def _tell(self, sockets: list[Socket], due: _Due, found: _Found) -> None:
        ids = [*due.read, *(each for each in due.to_verify if each in found.read)]
        for socket in sockets if ids or due.counts else ():
            named = ids if socket.has_room(len(ids) * ID_BYTES) else []
            self._answer(
                socket,
                lambda s=socket, n=named: s.session.read_elsewhere(n, found.unread),  # type: ignore[misc]
            )
        for product_id, change in due.products.items():
            shown = self._as_it_is(product_id, change, found.owner, found.products)
            if shown is not None:
                self._tell_product(sockets, product_id, *shown)

    def _as_it_is(
        self, product_id: str, change: Change, owner: User | None, rows: Mapping[str, Product]
    ) -> tuple[Change, str] | None:
        """Return a product's change and JSON by its row; ``None`` if there is nothing to send."""
        product = rows.get(product_id)
        if product is not None and owner is not None:
            try:
                shown = product_json(product, owner, self._now())
            except Exception:
                log.exception("a product could not be shown")
                return None
            closed = product.closed_as is not None
            was_open = Change.UPDATED if change is Change.CLOSED else change
            return (Change.CLOSED if closed else was_open), shown
        # The row is deleted, so only the id is left. A page needs no more to drop the product,
        # and it is true whatever sent the hint, because the user has no such product.
        return (change, json.dumps({"id": product_id})) if change is Change.CLOSED else None

    def _tell_product(
        self, sockets: Iterable[Socket], product_id: str, change: Change, shown: str
    ) -> None:
        data = frames.product(change.value, shown)
        for socket in sockets:
            room = socket.has_room(len(data))
            if room and socket not in self._waiting:
                self._answer(socket, lambda s=socket: s.session.product_changed(data))  # type: ignore[misc]
            elif not room and socket.is_slow:
                socket.close(closes.TOO_SLOW)
            else:
                self._wait(socket, product_id, change)
                if room:
                    self.drained(socket)

    def _wait(self, socket: Socket, product_id: str, change: Change) -> None:
        if socket.session.state is State.CLOSED:
            return
        waiting = self._waiting.setdefault(socket, {})
        if waiting.get(product_id) is Change.ADDED and change is Change.UPDATED:
            return  # the product was never sent, so it is still new to the peer
        if product_id in waiting or len(waiting) < MAX_UNVERIFIED_IDS:
            waiting[product_id] = change


def _give_up(_: tuple[str, _Due]) -> None:
    """Drop a user's updates: pages find them with REST, and the reason is logged."""


def _look_up(connection: Connection, due: dict[str, _Due]) -> dict[str, _Found]:
    found = {}
    for user_id, what in due.items():
        owner, rows = _products(connection, user_id, what.products)
        found[user_id] = _Found(
            usage.of(connection, user_id).unread,
            notifications.filter_read(connection, user_id, list(what.to_verify)),
            owner,
            rows,
        )
    return found


def _products(
    connection: Connection, user_id: str, ids: Iterable[str]
) -> tuple[User | None, dict[str, Product]]:
    """Return a user's products by their ids, and the user unless ``ids`` is empty."""
    rows = {each: products.get(connection, user_id, each) for each in ids}
    owner = accounts.user(connection, user_id) if rows else None
    return owner, {each: row for each, row in rows.items() if row is not None}
