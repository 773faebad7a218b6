"""What extended sessions are told beside notifications (contract 8): reads, counts and products.

What this node has committed is known. What another node says is looked up first: which of these
notifications are read, and what that product is now. So nothing leaves that the store does not say.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from useby.bus.hints import Hint
from useby.domain.account import User
from useby.domain.news import Change, MarkedRead, ProductChanged
from useby.domain.product import Product
from useby.realtime import frames
from useby.realtime.effects import Effects
from useby.realtime.patience import together_or_alone, until_it_works
from useby.realtime.socket import Socket
from useby.store import accounts, notifications, products
from useby.store.engine import Connection, Database

log = logging.getLogger(__name__)

ProductJson = Callable[[Product, User, datetime], str]

TOGETHER: Final = 200
"""Users looked up in one snapshot."""
MOST: Final = 1000
"""Of a user's ids that others have said and nobody has looked up; beyond, it is a flood."""


@dataclass(slots=True)
class _Due:
    """What a user's extended sessions are to be told."""

    read: list[str] = field(default_factory=list)
    """Notifications that this node has marked read."""
    counts: bool = False
    """Whether the count of unread ones is not what it was, for whatever reason."""
    said: dict[str, None] = field(default_factory=dict)
    """Notifications that are said to be read, in the order they were said."""
    products: dict[str, Change] = field(default_factory=dict)
    """What is said to have happened to products."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the store says to that."""

    unread: int
    read: frozenset[str]
    owner: User | None
    products: dict[str, Product]


class Asides:
    """Works off what is due to extended sessions, many users in one snapshot."""

    def __init__(
        self,
        database: Database,
        extended: Callable[[str], list[Socket]],
        answer: Callable[[Socket, Callable[[], Effects]], None],
        *,
        now: Callable[[], datetime],
        product_json: ProductJson,
    ) -> None:
        """Take the pool's ways to find a user's extended sessions and to hand one something."""
        self._database = database
        self._extended = extended
        self._answer = answer
        self._now = now
        self._product_json = product_json
        self._due: dict[str, _Due] = {}
        self._wanted = asyncio.Event()

    def was_read(self, news: MarkedRead) -> None:
        """Notifications were read, on this node."""
        if due := self._due_to(news.user_id):
            due.read += news.ids
            due.counts = due.counts or not news.ids

    def was_changed(self, news: ProductChanged) -> None:
        """A product was changed, on this node; that is told at once."""
        if sockets := self._extended(news.owner.id):
            try:
                shown = self._product_json(news.product, news.owner, self._now())
            except Exception:
                log.exception("a product could not be shown")  # it is kept all the same
                return
            self._tell_product(sockets, news.change, shown)

    def is_said(self, hint: Hint) -> None:
        """Another node says that notifications were read, or a product changed."""
        if hint.read is None and hint.product_id is None:
            return
        if due := self._due_to(hint.user_id):
            if hint.read is not None:
                due.counts = due.counts or not hint.read
                due.said.update(dict.fromkeys(hint.read[: MOST - len(due.said)]))
            if hint.product_id is not None and len(due.products) < MOST:
                due.products[hint.product_id] = hint.change

    def count_anew(self, user_ids: Iterable[str]) -> None:
        """What was read elsewhere may have been missed: say at least how many are unread."""
        for user_id in user_ids:
            if due := self._due_to(user_id):
                due.counts = True

    async def run(self) -> None:
        """Tell what is due, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            due, self._due = self._due, {}
            await together_or_alone(list(due.items()), self._look_up_and_tell, _give_up)

    async def _look_up_and_tell(self, due: Sequence[tuple[str, _Due]]) -> None:
        for start in range(0, len(due), TOGETHER):
            some = dict(due[start : start + TOGETHER])
            found = await until_it_works(
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
        ids = [*due.read, *(each for each in due.said if each in found.read)]
        for socket in sockets if ids or due.counts else ():
            self._answer(socket, lambda s=socket: s.session.read_elsewhere(ids, found.unread))  # type: ignore[misc]
        for product_id, change in due.products.items():
            product = found.products.get(product_id)
            if product is not None and found.owner is not None:
                shown = self._product_json(product, found.owner, self._now())
                closed = product.closed_as is not None
                was_open = Change.UPDATED if change is Change.CLOSED else change
                self._tell_product(sockets, Change.CLOSED if closed else was_open, shown)
            elif change is Change.CLOSED:
                # Deleted on another node: its row is gone, and with it all that could be shown.
                # Its id alone is the least a page needs to drop it, and true whoever said it,
                # since this user has no such product.
                self._tell_product(sockets, Change.CLOSED, json.dumps({"id": product_id}))

    def _tell_product(self, sockets: list[Socket], change: Change, shown: str) -> None:
        data = frames.product(change.value, shown)
        for socket in sockets:
            self._answer(socket, lambda s=socket: s.session.product_changed(data))  # type: ignore[misc]


def _give_up(_: tuple[str, _Due]) -> None:
    """Tell a user's sessions nothing: pages find it when they look, and the log has the reason."""


def _look_up(connection: Connection, due: dict[str, _Due]) -> dict[str, _Found]:
    found = {}
    for user_id, what in due.items():
        rows = {each: products.get(connection, user_id, each) for each in what.products}
        found[user_id] = _Found(
            notifications.unread_count(connection, user_id),
            notifications.read_among(connection, user_id, list(what.said)),
            accounts.user(connection, user_id) if rows else None,
            {product_id: row for product_id, row in rows.items() if row is not None},
        )
    return found
