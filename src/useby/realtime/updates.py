"""Send extended sessions their updates: reads, unread counts and products.

Section 8 of the protocol page defines the frames. An event or a hint only names what has changed;
its rows are looked up, those of many users in one snapshot. A snapshot has at most 100 products,
each with few more lots than a frame shows, so other look-ups hardly wait for it. So a frame has
committed rows, a product and its lots are of the same moment, and no client gets what only another
node claims::

    commit here ──► ProductChanged ──► look up product ──────► send
    commit here ──► MarkedRead ──────► count unread ones ────► send
    other node ───► Hint ────────────► look up both ─────────► send

Changes of a product that wait for the same look-up are one frame. Updates may use half of a
connection's send buffer. If a product does not fit, its id is queued, up to 1,000 for a connection;
when the peer has read, the product is looked up and sent in its state at that time. If the ids of a
read do not fit, only the count is sent.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final

from useby.actions.lot_reads import in_order
from useby.batcher import Batcher
from useby.bus.hints import Hint
from useby.domain.account import User
from useby.domain.events import ChangeKind, HouseholdLeft, MarkedRead, ProductChanged
from useby.domain.household import is_member, read_by
from useby.realtime import closes, frames
from useby.realtime.retry import retry_while_unavailable
from useby.realtime.socket import Socket
from useby.realtime.states import SessionState
from useby.schemas.products import product_json
from useby.store import households, lot_lists, lots, notifications, usage
from useby.store.database import Connection, Database
from useby.store.lots import Key, StoredProduct

log = logging.getLogger(__name__)

BATCH: Final = 200
"""Maximum users looked up in one snapshot."""
MAX_UNVERIFIED_IDS: Final = 1000
"""Maximum ids from hints that await verification for a user; further ones are dropped as a flood.
Also the maximum of products queued for one connection."""
MAX_CHANGED: Final = 2 * MAX_UNVERIFIED_IDS
"""Maximum products that await a look-up for a user: hints leave room for changes of this node."""
MAX_LOTS: Final = 50
"""Maximum lots in a frame; ``lotCount`` of its product is the number of open lots."""
HEAD_BYTES: Final = 1700
"""Bytes of a frame around its product, at most: of its household's id of 128 characters."""
ID_BYTES: Final = 40
"""Bytes that each id takes in a frame."""
AT_ONCE: Final = 25
"""Products looked up at a time when a connection has room again."""
IN_SNAPSHOT: Final = 100
"""Maximum products looked up in one snapshot."""


@dataclass(slots=True, eq=False)
class _Pending:
    """Updates that await a look-up for a user's extended sessions."""

    read: list[str] = field(default_factory=list)
    """Ids of notifications that this node has marked read."""
    counts: bool = False
    """True if the number of unread notifications may have changed."""
    to_verify: dict[str, None] = field(default_factory=dict)
    """Ids of notifications that other nodes report as read, in the order of the hints."""
    products: dict[Key, ChangeKind] = field(default_factory=dict)
    """Changes that this node has committed or other nodes report, by household and product."""


@dataclass(frozen=True, slots=True)
class _ReadState:
    """The unread notifications of a user, and those of a ``_Pending`` that are read."""

    unread: int
    read: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Products:
    """Products of a user's households with their lots."""

    owners: Mapping[str, User]
    """Owners of the stock of those households of which the user is a member, by id."""
    products: Mapping[Key, StoredProduct]
    """By household and id; ids of no product are left out."""


class ExtendedUpdates:
    """Updates of extended sessions, many users in one snapshot."""

    def __init__(
        self,
        database: Database,
        extended: Callable[[str], list[Socket]],
        *,
        largest: int,
        now: Callable[[], datetime],
    ) -> None:
        """Create the updates of a pool of connections; ``run`` sends them.

        Args:
            database: The database to look up in.
            extended: Returns the connections of a user's extended sessions.
            largest: Maximum bytes of a product with its lots; a longer one is sent without them.
            now: The wall clock: aware, UTC.
        """
        self._database = database
        self._extended = extended
        self._largest = largest
        self._now = now
        self._pending: dict[str, _Pending] = {}
        """The queued updates of each user, to which others are added."""
        self._look_ups: Batcher[tuple[str, _Pending]] = Batcher(
            self._look_up_and_send, lambda _: None, size=BATCH
        )
        self._waiting: dict[Socket, dict[Key, ChangeKind]] = {}
        """Products for which connections had no room, without those being looked up."""
        self._drained: Batcher[Socket] = Batcher(
            self._send_waiting,
            self._drop_waiting,
            size=IN_SNAPSHOT // AT_ONCE,
            is_wanted=self._waiting.__contains__,
        )
        self._one_look_up = asyncio.Lock()
        """Held from a snapshot until its rows are sent: no older row follows a newer one."""
        self._left: set[tuple[str, str]] = set()
        """Users and the households that they have left since the snapshot."""

    def on_marked_read(self, event: MarkedRead) -> None:
        """Queue a read that this node has committed."""
        if pending := self._pending_of(event.user_id):
            pending.read += event.ids
            pending.counts = pending.counts or not event.ids

    def on_product_changed(self, event: ProductChanged) -> None:
        """Queue a product that this node has changed."""
        if pending := self._pending_of(event.user_id):
            key = (event.household_id, event.product_id)
            _merge(pending.products, key, event.change, MAX_CHANGED)

    def on_household_left(self, event: HouseholdLeft) -> None:
        """Send a user nothing more of a household of which this node has ended the membership."""
        if self._one_look_up.locked():
            self._left.add((event.user_id, event.household_id))

    def on_hint(self, hint: Hint) -> None:
        """Queue a hint's ids for verification."""
        if hint.read is None and hint.product_id is None:
            return
        if pending := self._pending_of(hint.user_id):
            if hint.read is not None:
                pending.counts = pending.counts or not hint.read
                pending.to_verify.update(
                    dict.fromkeys(hint.read[: MAX_UNVERIFIED_IDS - len(pending.to_verify)])
                )
            if hint.product_id is not None:
                key = (hint.household_id or hint.user_id, hint.product_id)
                _merge(pending.products, key, hint.change, MAX_UNVERIFIED_IDS)

    def refresh_counts(self, user_ids: Iterable[str]) -> None:
        """Queue the unread counts of these users, because hints about reads may be lost."""
        for user_id in user_ids:
            if pending := self._pending_of(user_id):
                pending.counts = True

    def drained(self, socket: Socket) -> None:
        """Send a connection its queued products, because its peer has read."""
        if self._waiting.get(socket):
            self._drained.put(socket)

    def drop(self, socket: Socket) -> None:
        """Discard the queued products of a connection that has ended."""
        self._waiting.pop(socket, None)
        self._drained.discard(socket)

    async def run(self) -> None:
        """Send queued look-ups, and products that waited for room, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_ups.run(), name="updates")
            group.create_task(self._drained.run(), name="updates-waiting")

    def _pending_of(self, user_id: str) -> _Pending | None:
        """Return the updates to add to; ``None`` if the user has no extended session."""
        if not self._extended(user_id):
            return None
        pending = self._pending.get(user_id)
        if pending is None:
            pending = self._pending[user_id] = _Pending()
            self._look_ups.put((user_id, pending))
        return pending

    async def _look_up_and_send(self, batch: Sequence[tuple[str, _Pending]]) -> None:
        async with self._one_look_up:
            self._left.clear()
            for user_id, pending in batch:
                if self._pending.get(user_id) is pending:
                    del self._pending[user_id]  # later updates are looked up later
            every = await retry_while_unavailable(
                lambda: self._database.read(lambda c: _look_up(c, batch))
            )
            for (user_id, pending), found in zip(batch, every, strict=True):
                self._send_reads(self._extended(user_id), pending, found)
            for some in _in_snapshots(batch):
                await self._send_products(some)

    async def _send_products(self, some: Sequence[tuple[str, Mapping[Key, ChangeKind]]]) -> None:
        """Look up products of users in one snapshot, and send them."""
        every = await retry_while_unavailable(lambda: self._database.read(lambda c: _rows(c, some)))
        for (user_id, changes), rows in zip(some, every, strict=True):
            for key, change in changes.items():
                self._send_state(self._extended(user_id), key, change, rows)
                await asyncio.sleep(0)  # an encoding with many lots takes up to 1 ms

    @staticmethod
    def _send_reads(sockets: Iterable[Socket], pending: _Pending, found: _ReadState) -> None:
        ids = [*pending.read, *(each for each in pending.to_verify if each in found.read)]
        for socket in sockets if ids or pending.counts else ():
            listed = ids if socket.has_room(len(ids) * ID_BYTES) else []
            socket.reply(socket.session.read_elsewhere, listed, found.unread)

    async def _send_waiting(self, sockets: Sequence[Socket]) -> None:
        """Look up the next queued products of each connection, and send them."""
        async with self._one_look_up:
            self._left.clear()
            requests = [(socket, self._take_waiting(socket)) for socket in sockets]
            try:
                wanted = [(each.session.user_id, changes) for each, changes in requests]
                every = await retry_while_unavailable(
                    lambda: self._database.read(lambda c: _rows(c, wanted))
                )
            except Exception:
                for socket, changes in requests:
                    if socket in self._waiting:
                        self._waiting[socket] = changes | self._waiting[socket]
                raise
            for (socket, changes), rows in zip(requests, every, strict=True):
                self._send_taken(socket, changes, rows)

    def _take_waiting(self, socket: Socket) -> dict[Key, ChangeKind]:
        """Take the next ``AT_ONCE`` queued products of a connection."""
        waiting = self._waiting.get(socket, {})
        taken = dict(islice(waiting.items(), AT_ONCE))
        for key in taken:
            del waiting[key]
        return taken

    def _send_taken(
        self, socket: Socket, changes: Mapping[Key, ChangeKind], rows: _Products
    ) -> None:
        later = self._waiting.pop(socket, None)
        if later is None:
            return  # the connection has ended
        for key, change in changes.items():
            self._send_state([socket], key, change, rows)
        filled = socket in self._waiting  # then ``drained`` follows once the peer has read
        for key, change in later.items():
            self._wait(socket, key, change)
        if not filled:
            self.drained(socket)

    def _drop_waiting(self, socket: Socket) -> None:
        """Drop products whose look-up failed; the reason is logged."""
        self._take_waiting(socket)
        if not self._waiting.get(socket):
            self._waiting.pop(socket, None)
        self.drained(socket)

    def _send_state(
        self, sockets: Sequence[Socket], key: Key, change: ChangeKind, rows: _Products
    ) -> None:
        """Send a product as its row is; nothing if it was not closed and has no row any more.

        Nothing of a household is sent to somebody who is no member of it, or with another's key.
        """
        household_id, product_id = key
        owner, stored = rows.owners.get(household_id), rows.products.get(key)
        sockets = [
            socket
            for socket in sockets
            if socket.sees_products
            and socket.household_id in (None, household_id)
            and (socket.session.user_id, household_id) not in self._left
        ]
        if owner is None:
            return
        if stored is not None:
            try:
                encoded = self._encoded(stored, owner)
            except Exception:
                log.exception("a product could not be encoded")
                return
            closed = stored.product.closed_as is not None
            was_open = ChangeKind.UPDATED if change is ChangeKind.CLOSED else change
            self._send_product(sockets, key, ChangeKind.CLOSED if closed else was_open, encoded)
        elif change is ChangeKind.CLOSED:
            # The row is deleted, so only the id is left. A page needs no more to drop the product,
            # and it is true whatever sent the hint, because the household has no such product.
            self._send_product(sockets, key, change, json.dumps({"id": product_id}))

    def _encoded(self, stored: StoredProduct, owner: User) -> str:
        """Return the JSON of a product with its first lots.

        They are left out if it would be longer than ``largest``, and if a node without lots has
        written the row last: they are not in line with it yet.
        """
        product, now = stored.product, self._now()
        if stored.version is not None:
            shown = in_order(stored.lots, owner)[:MAX_LOTS]
            encoded = product_json(product, owner, now, lots=shown)
            if len(encoded.encode()) <= self._largest - HEAD_BYTES:
                return encoded
        return product_json(product, owner, now)

    def _send_product(
        self, sockets: Iterable[Socket], key: Key, change: ChangeKind, encoded: str
    ) -> None:
        data = frames.product(change.value, encoded, key[0])
        for socket in sockets:
            room = socket.has_room(len(data))
            if room and socket not in self._waiting:
                socket.reply(socket.session.product_changed, data)
            elif not room and socket.is_slow:
                socket.close(closes.TOO_SLOW)
            else:
                self._wait(socket, key, change)
                if room:
                    self.drained(socket)

    def _wait(self, socket: Socket, key: Key, change: ChangeKind) -> None:
        if socket.session.state is SessionState.CLOSED:
            return
        _merge(self._waiting.setdefault(socket, {}), key, change, MAX_UNVERIFIED_IDS)


def _merge(
    changes: MutableMapping[Key, ChangeKind], key: Key, change: ChangeKind, at_most: int
) -> None:
    """Add a change to those that wait, unless there are ``at_most`` of them."""
    if changes.get(key) is ChangeKind.ADDED and change is ChangeKind.UPDATED:
        return  # the product was never sent, so it is still new to the peer
    if key in changes or len(changes) < at_most:
        changes[key] = change


def _in_snapshots(
    batch: Sequence[tuple[str, _Pending]],
) -> Iterator[list[tuple[str, dict[Key, ChangeKind]]]]:
    """Divide the products of a batch into snapshots; one that several users get is in one."""
    wanted: dict[Key, list[tuple[str, ChangeKind]]] = {}
    for user_id, pending in batch:
        for key, change in pending.products.items():
            wanted.setdefault(key, []).append((user_id, change))
    keys = iter(wanted)
    while some := list(islice(keys, IN_SNAPSHOT)):
        theirs: dict[str, dict[Key, ChangeKind]] = {}
        for key in some:
            for user_id, change in wanted[key]:
                theirs.setdefault(user_id, {})[key] = change
        yield list(theirs.items())


def _look_up(connection: Connection, batch: Sequence[tuple[str, _Pending]]) -> list[_ReadState]:
    return [
        _ReadState(
            usage.of(connection, user_id).unread,
            notifications.filter_read(connection, user_id, list(pending.to_verify)),
        )
        for user_id, pending in batch
    ]


def _rows(connection: Connection, wanted: Sequence[tuple[str, Iterable[Key]]]) -> list[_Products]:
    """Return products of users' households, those of all users at once."""
    keys = list({key: None for _, theirs in wanted for key in theirs})
    found, faults = lots.each_readable(
        partial(lot_lists.with_first, most=MAX_LOTS), connection, keys
    )
    for (_, product_id), fault in faults.items():
        log.error("the row of product %s cannot be read", product_id, exc_info=fault)
    owners = households.stock_owners(connection, {each for each, _ in keys}) if keys else {}
    return [
        _Products(
            {
                each: read_by(owners[each], user_id)
                for each in {household_id for household_id, _ in theirs}
                if each in owners and is_member(owners[each], user_id)
            },
            {key: found[key] for key in theirs if key in found},
        )
        for user_id, theirs in wanted
    ]
