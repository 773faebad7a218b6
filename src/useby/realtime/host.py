"""Contract between a connection and its pool, so that ``socket`` need not import ``hub``.

``Socket`` depends on ``SocketHost`` only; ``Hub`` has these members and fits by structure. ``S`` is
the type of the connection.
"""

import asyncio
from typing import Protocol, TypeVar

from useby.realtime.effects import Fetch, Mark
from useby.realtime.wire import Wire
from useby.settings import Settings

S_contra = TypeVar("S_contra", contravariant=True)


class Requests(Protocol[S_contra]):
    """Executor of a session's requests; ``requests.StoreRequests`` is one."""

    def fetch(self, socket: S_contra, page: Fetch) -> None:
        """Read a page and call ``Session.page``."""

    def mark(self, socket: S_contra, mark: Mark) -> None:
        """Mark notifications read and call ``Session.marked``."""

    def authenticate(self, socket: S_contra, token: str) -> None:
        """Verify a new token and call ``Session.authenticated``."""


class UpdateQueues(Protocol[S_contra]):
    """Updates that await room in send buffers; ``updates.ExtendedUpdates`` is one."""

    def drained(self, socket: S_contra) -> None:
        """Send a connection its queued updates, because its peer has read."""


class Restores(Protocol):
    """Receiver of signs that the database was restored; ``reconcile.Reconciler`` is one."""

    def went_back(self) -> None:
        """Have every node compare its connections: the database has issued a number twice."""


class SocketHost(Protocol[S_contra]):
    """The pool as a connection sees it. All members are used on the event loop's thread.

    A host keeps three rules:

    - It calls ``socket.flush`` at the end of the turn in which ``flush_soon`` was called.
    - It answers each request once, in a later turn, with ``socket.reply``, or closes the
      connection.
    - After ``unregister`` it sends the connection nothing more. ``unregister`` and ``discard`` may
      be called repeatedly, and for a connection that was never registered.
    """

    @property
    def settings(self) -> Settings:
        """Limits and timeouts."""

    @property
    def send_buffer_bytes(self) -> int:
        """Maximum unsent bytes of a connection."""

    @property
    def update_bytes(self) -> int:
        """Maximum unsent bytes of a connection after an update, which is also the largest one."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop on which timeouts are scheduled."""

    def time(self) -> float:
        """Return the event loop's time in seconds."""

    @property
    def requests(self) -> Requests[S_contra]:
        """Executor of the effects ``Fetch``, ``Mark`` and ``Authenticate``."""

    @property
    def updates(self) -> UpdateQueues[S_contra]:
        """Updates for extended sessions."""

    @property
    def reconciler(self) -> Restores:
        """Receiver of the effect ``WentBack``."""

    def flush_soon(self, socket: S_contra) -> None:
        """Schedule ``socket.flush`` for the end of this turn of the event loop."""

    def unregister(self, socket: S_contra) -> None:
        """Remove a connection that is closing: it gets no further events."""

    def discard(self, socket: S_contra, wire: Wire | None) -> None:
        """Remove a connection whose transport has ended, and stop counting it."""
