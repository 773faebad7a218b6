"""What has come and was not handed over yet: each once, in order, no more than fit. Pure."""

from collections import deque

from useby.client.events import Notification
from useby.client.seen import Seen


class Inbox:
    """Notifications on their way from a server that can be asked to begin after any of them.

    One for which there is no room is missed, and so is all that comes after it, or it would be
    passed over. It comes again when the server has been asked for what is newer than ``newest``.
    """

    def __init__(self, size: int, newest: str = "", replay_baseline: int = 0) -> None:
        """Keep so many at once; ``newest`` and ``replay_baseline`` are those of an earlier run."""
        self.seen = Seen()
        self.newest = newest
        """The id of the newest that was received; ``""`` if none was."""
        self.replay_baseline = replay_baseline
        """The newest ``seq`` there was when only what was unread was asked for."""
        self._size = size
        self._kept: deque[Notification] = deque()
        self._missed = False
        self._last_seq = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def has_room(self) -> bool:
        """Whether the next one will be kept."""
        return not self._missed and len(self._kept) < self._size

    @property
    def wants_more(self) -> bool:
        """Whether something was missed, and half of what was kept is gone."""
        return self._missed and len(self._kept) <= self._size // 2

    def opened(self, newest_seq: object) -> None:
        """Begin a connection that was greeted with this ``seq`` or none: what was missed comes now.

        A lower one than before is of a database that was restored and gives numbers again.
        """
        self._missed = False
        if isinstance(newest_seq, int) and (not self.newest or newest_seq < self.replay_baseline):
            self.replay_baseline = newest_seq

    def put(self, notification: Notification) -> None:
        """Keep one that was not seen before, if there is room."""
        if not self.has_room:
            self._missed = True
            return
        self.newest = notification.id
        seq = notification.seq
        if isinstance(seq, int):
            if seq <= self._last_seq:  # the number was given again: nothing from here on is history
                self.replay_baseline = 0
            self._last_seq = seq
        if (
            notification.read_at is not None
            and isinstance(seq, int)
            and seq <= self.replay_baseline
        ):
            return  # it was read before we came
        self.seen.add(notification.id)
        self._kept.append(notification)

    def take(self) -> Notification:
        """The oldest, which is not kept any more."""
        return self._kept.popleft()
