"""State machine of one connection, without I/O: inputs are method calls, effects are returned.

::

    OPENING ──opened──► REPLAYING ──► LIVE ◄──► CATCHING_UP
       │                    ▲           │ rewind     ▲
       │                    │           ▼            │
       │                    └────── REWINDING ───────┘
       └── close, from every state ──► CLOSED          (``states`` describes each)

Up to ``seq``, all notifications are dealt with on this connection; ``latest_seq`` is the newest one
announced. Notifications committed while a page is being sent only raise ``latest_seq``; they are
fetched later. So a session holds at most one page, and sends each notification once, in order.

A restored database issues numbers again, so ``seq`` may have to decrease (``rewind``). While the
session's ``Trail`` has every notification sent, all unread notifications are replayed without those
in the trail. If the trail has lost its beginning, or the client came with a cursor, rows are read
from the trail's oldest notification on. If the database no longer has that notification, all unread
ones are replayed, and those that left the trail (it keeps ``trail.KEPT``) may be sent twice.

Client frames are executed in the order of their arrival. A mark is durable before a later frame is
executed; until then frames wait in the inbox, and the socket stops reading. An extended session
(section 8 of the protocol page) has the same states, and more frames and actions.
"""

import math
from collections import deque
from collections.abc import Sequence
from datetime import datetime

from useby.domain.account import TokenStatus
from useby.domain.notification import Notification
from useby.realtime import closes, frames
from useby.realtime.closes import Close
from useby.realtime.effects import Effect, Effects, Fetch, Mark, WentBack
from useby.realtime.frames import Authenticate, ClientFrame, Ignored, MarkRead, Ping
from useby.realtime.states import (
    ACCEPTS,
    CATCHING_UP,
    CLOSED,
    ESTABLISHED,
    LIVE,
    OPENING,
    REPLAYING,
    REWINDING,
    UnexpectedReply,
)
from useby.realtime.trail import Numbered, Sent, Trail

PAGE = 100
"""Maximum notifications of a page."""
CHUNK = 16 * 1024
"""Bytes after which a chunk of a page ends."""
IDS_PER_FRAME = 100
"""Maximum ids in a READ frame."""


_NOTHING: Effects = ()
_PONG: Effects = (frames.PONG,)
# At opening, a disabled user gets the same close as an unknown one. A user who is disabled while
# connected was known until then, so ``fanout`` and ``reconcile`` close with ``ACCESS_REVOKED``.
_REFUSALS = {
    TokenStatus.UNKNOWN: closes.UNKNOWN_USER,
    TokenStatus.DISABLED: closes.UNKNOWN_USER,
    TokenStatus.REVOKED: closes.ACCESS_REVOKED,
}


class Session:
    """Notifications sent to one connection, and requests of its client."""

    __slots__ = (
        "_encode",
        "_floor",
        "_from_cursor",
        "_had",
        "_inbox",
        "_last_page",
        "_left",
        "_must_rewind",
        "_replay_until",
        "_rows",
        "_trail",
        "_waiting",
        "active_at",
        "extended",
        "latest_seq",
        "seq",
        "state",
        "user_id",
    )

    def __init__(self, user_id: str, *, extended: bool = False) -> None:
        """Start in OPENING, for the user of the token."""
        self.user_id = user_id
        self.extended = extended
        self.active_at = -math.inf  # loop time of the client's last frame, pongs excepted
        self._encode = frames.extended_notification if extended else frames.notification
        self.state = OPENING
        self.seq = self.latest_seq = 0
        self._floor = 0  # up to this ``seq`` only unread notifications are sent
        self._from_cursor = False  # the client has older ones than the trail
        self._replay_until = 0  # ``seq`` once the last page has been sent
        self._last_page = False
        self._left: tuple[str, ...] = ()  # households left while a page is awaited
        self._rows: deque[Notification] | None = None
        self._trail = Trail()
        self._must_rewind = False  # once the present page has arrived and been sent
        self._had: frozenset[int] | None = None  # hashes of the trail, during a rewind
        self._waiting = False  # for the answer to a client's frame
        self._inbox: deque[ClientFrame | Close] | None = None

    @property
    def busy(self) -> bool:
        """Return whether client frames must wait; the socket stops reading then."""
        return self._waiting or self.state is OPENING

    @property
    def known(self) -> int:
        """Newest ``seq`` that the database must have; 0 during a rewind, which requires none."""
        rewinds = self._must_rewind or self._had is not None
        return 0 if rewinds else max(self.seq, self.latest_seq)

    def opened(
        self,
        standing: TokenStatus,
        newest: int,
        *,
        unread: int,
        since: Sent | None,
        expires_at: datetime | None = None,
    ) -> Effects:
        """Open the session with the result of the look-up.

        Args:
            standing: Status of the token and its user.
            newest: The newest ``seq`` of the user's notifications.
            unread: The number of unread notifications; a plain session checks only if it is 0.
            since: The notification after which the client wants all; ``None``: the unread ones.
            expires_at: The end of the token, which an extended session sends.
        """
        if not self._awaits("opened"):
            return _NOTHING
        if standing is not TokenStatus.GOOD:
            return self.close(_REFUSALS[standing])
        self.latest_seq = max(self.latest_seq, newest)
        self._floor, self._from_cursor = newest, since is not None
        follow: Effects
        if since is not None:
            self.seq = self._floor = since.seq
            self._trail.add([since])
            follow = self._advance()
        elif unread:
            self.state, self._replay_until = REPLAYING, newest
            follow = (Fetch(after=0, unread_to=newest),)
        else:
            self.seq = newest
            follow = self._advance()
        greeting = frames.established(
            self.user_id,
            unread=unread,
            expires_at=expires_at if self.extended else None,
            seq=newest,
        )
        return (greeting, *follow, *self._drain_inbox())

    def page(self, rows: Sequence[Notification], newest: int, *, restored: bool = False) -> Effects:
        """Take the page of a ``Fetch``; ``next_chunk`` returns it in parts.

        Args:
            rows: At most ``PAGE`` rows, ``seq`` rising.
            newest: The user's newest ``seq`` in the same snapshot.
            restored: True if this is another epoch than that of the last snapshot, so that the
                session rewinds.
        """
        if not self._awaits("page"):
            return _NOTHING
        if restored or self._must_rewind:
            # The page is dropped: its rows would take the place of older ones in the trail.
            return self._go_back()
        if self.state is REWINDING:
            self.latest_seq = newest
            if not rows or hash(rows[0].id) not in (self._had or ()):
                self._from_cursor = False
                return self._replay(0, newest)
            if rows[0].seq <= self._floor:
                return self._replay(self.seq, min(newest, self._floor))
            self.state = CATCHING_UP
        self._last_page = len(rows) < PAGE
        if self.state is CATCHING_UP:
            self._replay_until = newest
        else:
            self.latest_seq = max(self.latest_seq, newest)
            # After a restore the database may end below the floor.
            self._floor = min(self._floor, newest)
            self._replay_until = min(self._replay_until, newest)
        if self._left:
            rows = [each for each in rows if each.household not in self._left]
            self._left = ()
        if not rows:
            return self._page_done()
        self._rows = deque(rows)
        return _NOTHING

    def forget(self, household_id: str) -> None:
        """Send no row of the present page, or of the one awaited, about a household."""
        if self._rows is not None:
            self._rows = deque(each for each in self._rows if each.household != household_id)
        elif self.state is not LIVE:
            self._left += (household_id,)

    def next_chunk(self) -> Effects:
        """Return the page's next chunk, followed at its end by the next ``Fetch``."""
        rows = self._rows
        if rows is None:
            return _NOTHING
        chunk, encoded, had = bytearray(), [], self._had
        while rows and len(chunk) < CHUNK:
            row = rows.popleft()
            if row.seq > self.seq:
                self.seq = row.seq
                if had is None or hash(row.id) not in had:
                    chunk += self._encode(row)
                    encoded.append(row)
        self._trail.add(encoded)
        sent = (bytes(chunk),) if chunk else ()
        if rows:
            return sent
        self._rows = None
        return (*sent, *self._page_done())

    def try_push(self, rows: Sequence[Numbered]) -> bool:
        """Count just committed rows as sent and return true, if they come next."""
        if self.state is not LIVE or rows[0].seq != self.seq + 1:
            return False
        self.seq = self.latest_seq = rows[-1].seq
        self._trail.add(rows)
        return True

    def passed(self, rows: Sequence[Numbered]) -> Effects:
        """Fetch the rows that ``try_push`` refused, now or after the present page."""
        if self.state is LIVE and rows[0].seq <= self.seq:
            sent = self._trail.agrees(rows[0])
            if not sent:
                again = (WentBack(),) if sent is False else ()
                return (*again, *self.rewind())
        return self.announce(rows[-1].seq)

    def announce(self, newest: int) -> Effects:
        """Fetch up to the user's newest ``seq``, now or after the present page."""
        if newest <= self.latest_seq or self.state is CLOSED:
            return _NOTHING
        self.latest_seq = newest
        return self._advance() if self.state is LIVE else _NOTHING

    def rewind(self) -> Effects:
        """Send all rows that were not sent here, although numbers may have decreased."""
        if self.state not in ESTABLISHED:
            return _NOTHING
        self._must_rewind = True
        return self._advance() if self.state is LIVE else _NOTHING

    def read_elsewhere(self, ids: Sequence[str], unread: int) -> Effects:
        """Send which notifications were marked read, on this or another device."""
        if not self.extended or self.state not in ESTABLISHED:
            return _NOTHING
        named = [ids[start : start + IDS_PER_FRAME] for start in range(0, len(ids), IDS_PER_FRAME)]
        return [frames.read(each, unread) for each in named or [()]]

    def product_changed(self, data: bytes) -> Effects:
        """Send an encoded PRODUCT frame."""
        return (data,) if self.extended and self.state in ESTABLISHED else _NOTHING

    def expiring(self, expires_at: datetime) -> Effects:
        """Send that the token ends soon."""
        if not self.extended or self.state not in ESTABLISHED:
            return _NOTHING
        return (frames.token_expiring(expires_at),)

    def text(self, message: str) -> Effects:
        """Process a text frame of the client."""
        return self._enqueue(frames.parse(message, extended=self.extended))

    def refuse(self, why: Close) -> Effects:
        """Close because of a client's frame, after the frames before it."""
        return self._enqueue(why)

    def marked(self) -> Effects:
        """Continue with the inbox: the ``Mark`` is durable."""
        if not self._awaits("marked"):
            return _NOTHING
        self._waiting = False
        return self._drain_inbox()

    def authenticated(
        self, expires_at: datetime | None, why: str = closes.TOKEN_INVALID.reason
    ) -> Effects:
        """Send the result for a new token, and continue with the inbox.

        Args:
            expires_at: The end of the token; ``None`` if it is rejected.
            why: The reason of a rejection.
        """
        if not self._awaits("authenticated"):
            return _NOTHING
        self._waiting = False
        answer = (
            frames.rejected(why, "authenticate")
            if expires_at is None
            else frames.authenticated(expires_at)
        )
        return (answer, *self._drain_inbox())

    def close(self, why: Close) -> Effects:
        """Close with ``why``, unless the session is closed already."""
        if self.state is CLOSED:
            return _NOTHING
        self.state = CLOSED
        self._rows = self._inbox = None
        return (why,)

    def _awaits(self, answer: str) -> bool:
        if self.state is CLOSED:
            return False
        if self.state not in ACCEPTS[answer]:
            raise UnexpectedReply(f"{answer} while {self.state.value}")
        return True

    def _page_done(self) -> Effects:
        if self._last_page:
            self.seq = max(self.seq, self._replay_until)  # the last rows may have been deleted
            return self._advance()
        if self.state is REPLAYING:
            return (Fetch(after=self.seq, unread_to=self._replay_until),)
        return self._catch_up()

    def _advance(self) -> Effects:
        if self._must_rewind:
            return self._go_back()
        if self.latest_seq > self.seq:
            return self._catch_up()
        self.state, self._had = LIVE, None
        return _NOTHING

    def _go_back(self) -> Effects:
        self._must_rewind, self._had = False, self._trail.hashes
        oldest = self._trail.oldest
        if oldest is None or (self._trail.complete and not self._from_cursor):
            # All that was sent is remembered, so a replay from the start sends nothing twice.
            self.latest_seq = self.seq = 0
            return self._replay(0, self._floor) if self._floor else self._catch_up()
        self.state, self.seq, self.latest_seq = REWINDING, oldest - 1, oldest - 1
        return (Fetch(after=self.seq, unread_to=None, only_one=oldest <= self._floor),)

    def _replay(self, after: int, until: int) -> Effects:
        """Replay the unread notifications from ``after`` up to ``until``, the new floor."""
        self.state, self.seq = REPLAYING, after
        self._floor = self._replay_until = until
        return (Fetch(after=after, unread_to=until),)

    def _catch_up(self) -> Effects:
        self.state = CATCHING_UP
        self.latest_seq = self.seq  # the page covers all announced so far; later ones come after
        return (Fetch(after=self.seq, unread_to=None),)

    def _enqueue(self, frame: ClientFrame | Close) -> Effects:
        if self.state is CLOSED:
            return _NOTHING
        if not self.busy:
            return self._act(frame)
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append(frame)
        return _NOTHING

    def _act(self, frame: ClientFrame | Close) -> Effects:
        if isinstance(frame, Close):
            return self.close(frame)
        if isinstance(frame, Ping):
            return _PONG
        if isinstance(frame, Ignored):
            answer = (frames.rejected(frame.reason, frame.action),) if self.extended else ()
            return (frame, *answer)
        self._waiting = True
        return (frame if isinstance(frame, Authenticate) else self._mark(frame.ids),)

    def _mark(self, first: tuple[str, ...] | None) -> Mark:
        if first is None:
            return Mark(None)
        ids, inbox = list(first), self._inbox
        while inbox and isinstance(inbox[0], MarkRead) and inbox[0].ids:  # for one commit
            ids += inbox[0].ids
            inbox.popleft()
        return Mark(tuple(ids))

    def _drain_inbox(self) -> Effects:
        effects: list[Effect] = []
        while self._inbox and not self.busy:
            effects += self._act(self._inbox.popleft())
        return effects
