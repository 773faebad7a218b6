"""Bounded buffer of received notifications: each once and in order. Pure."""

from collections import deque

from useby.client.events import Notification
from useby.client.seen import Seen


class Inbox:
    """Buffer between the connection and the application.

    When the buffer is full, the next notification and all later ones are dropped; a later one that
    was kept would hide the gap. The server sends them again when asked for those after ``newest``.
    """

    def __init__(self, size: int, newest: str = "", replay_baseline: int = 0) -> None:
        """Hold at most ``size``; ``newest`` and ``replay_baseline`` come from an earlier run."""
        self.seen = Seen()
        self.newest = newest
        """Id of the newest notification received; ``""`` if there is none."""
        self.replay_baseline = replay_baseline
        """Newest ``seq`` when a connection was last opened without ``since``."""
        self._size = size
        self._kept: deque[Notification] = deque()
        self._missed = False
        self._last_seq = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def has_room(self) -> bool:
        """Return whether the next notification will be kept."""
        return not self._missed and len(self._kept) < self._size

    @property
    def wants_more(self) -> bool:
        """Return whether notifications were dropped and half of the buffer is free again."""
        return self._missed and len(self._kept) <= self._size // 2

    def opened(self, newest_seq: object) -> None:
        """Begin a connection; ``newest_seq`` is the ``seq`` of its first frame, if any.

        The server sends the dropped notifications again, so the buffer accepts them.
        A ``seq`` below the baseline means that the database was restored and reuses numbers.
        """
        self._missed = False
        if isinstance(newest_seq, int) and (not self.newest or newest_seq < self.replay_baseline):
            self.replay_baseline = newest_seq

    def put(self, notification: Notification) -> None:
        """Add a notification that was not seen before, or drop it if the buffer is full."""
        if not self.has_room:
            self._missed = True
            return
        self.newest = notification.id
        seq = notification.seq
        if isinstance(seq, int):
            if seq <= self._last_seq:  # The number was reused: nothing from here on is history.
                self.replay_baseline = 0
            self._last_seq = seq
        if (
            notification.read_at is not None
            and isinstance(seq, int)
            and seq <= self.replay_baseline
        ):
            return  # It was read before the first connection.
        self.seen.add(notification.id)
        self._kept.append(notification)

    def take(self) -> Notification:
        """Remove and return the oldest notification."""
        return self._kept.popleft()
