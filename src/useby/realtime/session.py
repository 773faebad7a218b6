"""One connection's state machine. No I/O: inputs are method calls, what follows is returned.

::

    OPENING ──opened──► REPLAYING ──► LIVE ◄──► CATCHING_UP
       │                    ▲           │ rewind     ▲
       │                    │           ▼            │
       │                    └────── REWINDING ───────┘
       └── close, from every state ──► CLOSED

- OPENING: the token was good, its user is being looked up. Nothing has been sent.
- REPLAYING: the unread notifications there were when the user was looked up, page by page, as
  fast as the peer reads and no faster.
- LIVE: news goes out as it comes, if it follows what was sent without a gap.
- CATCHING_UP: what is newer than what was sent is fetched, read or not, because a live connection
  gets every notification.
- REWINDING: the page that shows where the database agrees with what was sent is fetched.
- CLOSED: takes every input and does nothing.

``seq`` is the newest notification settled on this connection and ``heard`` the newest known to
exist. News that comes while a page is under way is only heard, not kept: the store has it. So a
session holds one page at most, sends nothing twice, and skips nothing.

A restored database gives numbers again, so ``seq`` may have to go back (``rewind``). The session
then reads from the oldest notification of its ``Trail`` on and passes over those it has sent. If
the database does not have that one any more, everything unread is replayed.

Client frames are acted on in the order they came. Marking read is durable before a later frame is
looked at, so frames that arrive meanwhile wait in the inbox (the socket stops reading then).

An extended session (contract section 8) is the same machine: its frames say more, it understands
more actions, and it is told what a plain one never hears of.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from useby.domain.account import TokenStatus
from useby.domain.notification import Notification
from useby.realtime import closes, frames
from useby.realtime.closes import Close
from useby.realtime.effects import Effect, Effects, Fetch, Mark, WentBack
from useby.realtime.frames import Authenticate, ClientFrame, Ignored, MarkRead, Ping
from useby.realtime.trail import Numbered, Sent, Trail

PAGE = 100
"""Notifications fetched at a time."""
CHUNK = 16 * 1024
"""Bytes of a page handed to the socket at a time."""
IDS_PER_FRAME = 100
"""Ids of notifications read elsewhere that one frame names."""


class State(Enum):
    """Where a session stands; see the module's drawing."""

    OPENING = "opening"
    REPLAYING = "replaying"
    CATCHING_UP = "catching up"
    LIVE = "live"
    REWINDING = "rewinding"
    CLOSED = "closed"


_ESTABLISHED = frozenset({State.REPLAYING, State.CATCHING_UP, State.LIVE, State.REWINDING})
ACCEPTS = {
    "opened": frozenset({State.OPENING}),
    "page": frozenset({State.REPLAYING, State.CATCHING_UP, State.REWINDING}),
    "marked": _ESTABLISHED,
    "authenticated": _ESTABLISHED,
}
"""Answers to what a session asked for, and where it awaits them. Elsewhere they are our own
mistake; all other inputs come from outside and are taken in every state."""


class UnexpectedReply(Exception):  # noqa: N818 - it names what happened
    """An answer that the session does not await."""


_NOTHING: Effects = ()
_PONG: Effects = (frames.PONG,)
_REFUSALS = {
    TokenStatus.UNKNOWN: closes.UNKNOWN_USER,
    TokenStatus.DISABLED: closes.UNKNOWN_USER,
    TokenStatus.REVOKED: closes.ACCESS_REVOKED,
}


class Session:
    """What one connection has been sent, is being sent, and has asked for."""

    __slots__ = (
        "_encode",
        "_floor",
        "_had",
        "_inbox",
        "_last_page",
        "_must_rewind",
        "_replay_until",
        "_rows",
        "_trail",
        "_waiting",
        "extended",
        "latest_seq",
        "seq",
        "state",
        "user_id",
    )

    def __init__(self, user_id: str, *, extended: bool = False) -> None:
        """Start in OPENING, for the user whom the token names."""
        self.user_id = user_id
        self.extended = extended
        self._encode = frames.extended_notification if extended else frames.notification
        self.state = State.OPENING
        self.seq = 0
        self.latest_seq = 0
        self._floor = 0  # up to here only what is unread is sent
        self._replay_until = 0  # where seq stands once the last page has been sent
        self._last_page = False
        self._rows: deque[Notification] | None = None
        self._trail = Trail()
        self._must_rewind = False  # once the pages under way have been sent
        self._had: frozenset[int] | None = None  # what was sent before a rewind, until it is over
        self._waiting = False  # for what a client's frame asked of the store
        self._inbox: deque[ClientFrame | Close] | None = None

    @property
    def busy(self) -> bool:
        """Whether client frames must wait; the socket stops reading then."""
        return self._waiting or self.state is State.OPENING

    @property
    def known(self) -> int:
        """The newest ``seq`` known to exist; 0 during a rewind, when it is not known."""
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
        """The user was looked up.

        Args:
            standing: Whether the user may come in.
            newest: The newest ``seq`` given to one of the user's notifications.
            unread: How many notifications are unread; for a plain session, whether any is.
            since: The notification after which the client wants everything; ``None``: all unread.
            expires_at: When the token ends; an extended session says so.
        """
        if not self._awaits("opened"):
            return _NOTHING
        if standing is not TokenStatus.GOOD:
            return self.close(_REFUSALS[standing])
        self.latest_seq = max(self.latest_seq, newest)
        self._floor = newest
        follow: Effects
        if since is not None:
            self.seq = self._floor = since.seq
            self._trail.add([since])
            follow = self._advance()
        elif unread:
            self.state, self._replay_until = State.REPLAYING, newest
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

    def page(self, rows: Sequence[Notification], newest: int) -> Effects:
        """The store answered a ``Fetch``; pull what to send with ``more``.

        Args:
            rows: At most ``PAGE`` rows, ``seq`` rising.
            newest: The user's newest ``seq`` in the same snapshot.
        """
        if not self._awaits("page"):
            return _NOTHING
        if self.state is State.REWINDING:
            agrees = bool(rows) and hash(rows[0].id) in (self._had or ())
            if not agrees or rows[0].seq <= self._floor:
                return self._replay_again(newest, agrees=agrees)
            self.state = State.CATCHING_UP
        self._last_page = len(rows) < PAGE
        if self.state is State.CATCHING_UP:
            self._replay_until = newest
        if not rows:
            return self._page_done()
        self._rows = deque(rows)
        return _NOTHING

    def next_chunk(self) -> Effects:
        """The peer can take more: the page's next chunk, and at its end the next ``Fetch``."""
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
        """Count rows that were just committed as sent if they come next; else see ``passed``."""
        if self.state is not State.LIVE or rows[0].seq != self.seq + 1:
            return False
        self.seq = self.latest_seq = rows[-1].seq
        self._trail.add(rows)
        return True

    def passed(self, rows: Sequence[Numbered]) -> Effects:
        """Fetch rows that were just committed and not written, now or when it is their turn."""
        if self.state is State.LIVE and rows[0].seq <= self.seq:
            sent = self._trail.agrees(rows[0])
            if not sent:
                again = (WentBack(),) if sent is False else ()
                return (*again, *self.rewind())
        return self.announce(rows[-1].seq)

    def announce(self, newest: int) -> Effects:
        """The user's newest ``seq`` is said to be ``newest``."""
        if newest <= self.latest_seq or self.state is State.CLOSED:
            return _NOTHING
        self.latest_seq = newest
        return self._advance() if self.state is State.LIVE else _NOTHING

    def rewind(self) -> Effects:
        """Send what the database has and was not sent here, although numbers may have gone back.

        If it has none of the last ``trail.KEPT`` that were sent, older ones may come twice.
        """
        if self.state not in _ESTABLISHED:
            return _NOTHING
        self._must_rewind = True
        return self._advance() if self.state is State.LIVE else _NOTHING

    def read_elsewhere(self, ids: Sequence[str], unread: int) -> Effects:
        """Notifications of the user were read, here or on another device."""
        if not self.extended or self.state not in _ESTABLISHED:
            return _NOTHING
        named = [ids[start : start + IDS_PER_FRAME] for start in range(0, len(ids), IDS_PER_FRAME)]
        return [frames.read(each, unread) for each in named or [()]]

    def product_changed(self, data: bytes) -> Effects:
        """A product of the user is not what it was; ``data`` says so."""
        return (data,) if self.extended and self.state in _ESTABLISHED else _NOTHING

    def expiring(self, expires_at: datetime) -> Effects:
        """The token is about to end."""
        if not self.extended or self.state not in _ESTABLISHED:
            return _NOTHING
        return (frames.token_expiring(expires_at),)

    def text(self, message: str) -> Effects:
        """The client sent a text frame."""
        return self._enqueue(frames.parse(message, extended=self.extended))

    def refuse(self, why: Close) -> Effects:
        """The client sent a frame that ends the connection, once those before it are dealt with."""
        return self._enqueue(why)

    def marked(self) -> Effects:
        """What ``Mark`` asked for is durable."""
        if not self._awaits("marked"):
            return _NOTHING
        self._waiting = False
        return self._drain_inbox()

    def authenticated(
        self, expires_at: datetime | None, why: str = closes.TOKEN_INVALID.reason
    ) -> Effects:
        """Take the verdict on a fresh token.

        Args:
            expires_at: When it ends; ``None`` if it is refused.
            why: The reason of a refusal.
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
        """End, for whatever reason; the first one counts."""
        if self.state is State.CLOSED:
            return _NOTHING
        self.state = State.CLOSED
        self._rows = self._inbox = None
        return (why,)

    def _awaits(self, answer: str) -> bool:
        if self.state is State.CLOSED:
            return False
        if self.state not in ACCEPTS[answer]:
            raise UnexpectedReply(f"{answer} while {self.state.value}")
        return True

    def _page_done(self) -> Effects:
        if self._last_page:
            self.seq = max(
                self.seq, self._replay_until
            )  # a deleted row leaves a hole that never fills
            return self._advance()
        if self.state is State.REPLAYING:
            return (Fetch(after=self.seq, unread_to=self._replay_until),)
        return self._catch_up()

    def _advance(self) -> Effects:
        if self._must_rewind:
            return self._go_back()
        if self.latest_seq > self.seq:
            return self._catch_up()
        self.state, self._had = State.LIVE, None
        return _NOTHING

    def _go_back(self) -> Effects:
        self.state, self._must_rewind = State.REWINDING, False
        oldest, self._had = self._trail.oldest, self._trail.hashes
        self.seq = self.latest_seq = self.seq if oldest is None else oldest - 1
        enough = oldest is None or oldest <= self._floor
        return (Fetch(after=self.seq, unread_to=None, only_one=enough),)

    def _replay_again(self, newest: int, *, agrees: bool) -> Effects:
        """Replay what is unread, from the oldest one that was sent here or from the start."""
        self.state, self.latest_seq = State.REPLAYING, newest
        if not agrees:
            self.seq = 0
        exact = agrees or not self._had
        self._floor = self._replay_until = min(newest, self._floor) if exact else newest
        return (Fetch(after=self.seq, unread_to=self._replay_until),)

    def _catch_up(self) -> Effects:
        self.state = State.CATCHING_UP
        # What was heard so far is in the coming snapshot, or was never true; what is heard from
        # now on wants another look.
        self.latest_seq = self.seq
        return (Fetch(after=self.seq, unread_to=None),)

    def _enqueue(self, frame: ClientFrame | Close) -> Effects:
        if self.state is State.CLOSED:
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
            said = (frames.rejected(frame.reason, frame.action),) if self.extended else ()
            return (frame, *said)
        self._waiting = True
        return (frame if isinstance(frame, Authenticate) else self._mark(frame.ids),)

    def _mark(self, first: tuple[str, ...] | None) -> Mark:
        if first is None:
            return Mark(None)
        ids, inbox = list(first), self._inbox
        while inbox and isinstance(inbox[0], MarkRead) and inbox[0].ids:  # they share a commit
            ids += inbox[0].ids
            inbox.popleft()
        return Mark(tuple(ids))

    def _drain_inbox(self) -> Effects:
        effects: list[Effect] = []
        while self._inbox and not self.busy:
            effects += self._act(self._inbox.popleft())
        return effects
