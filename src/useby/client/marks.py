"""The book of acknowledgements: which are noted, on their way, durable. Pure."""

import json
from collections import deque
from collections.abc import Iterable
from typing import Final

BATCH_FRAMES: Final = 30
"""Frames of one lot: two seconds' worth of a plain session's, so that a pong is never far."""
FRAME_IDS: Final = 90
"""Ids in a frame of an extended session: 4 KiB hold a hundred UUIDs."""


class Marks:
    """Marks in the order in which they were noted.

    A lot of them is sent, a ``PING`` behind it; when that one's pong is there, the lot is durable,
    because the server makes a mark durable before it acts on a later frame. If the line is lost
    first, the lot is sent again on the next one.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._noted: dict[str, None] = {}
        self._under_way: dict[str, None] = {}
        self._all = False
        self._all_under_way = False
        self.count_noted = 0
        self.count_settled = 0

    def __len__(self) -> int:
        return len(self._noted) + len(self._under_way)

    @property
    def unsettled(self) -> list[str]:
        """The ids that the server may not have yet, oldest first."""
        return [*self._under_way, *self._noted]

    @property
    def waiting(self) -> bool:
        """Whether there is something for the next lot."""
        return bool(self._noted) or self._all

    @property
    def sending_all(self) -> bool:
        """Whether ``note_all`` is not known to be done."""
        return self._all or self._all_under_way

    def note(self, ids: Iterable[str]) -> None:
        """Take marks in; one that is in the book already is not doubled."""
        for each in ids:
            if each not in self._noted and each not in self._under_way:
                self._noted[each] = None
                self.count_noted += 1

    def note_all(self) -> None:
        """Have all that the user has marked on this line. On another one it is not repeated."""
        self._all = True

    def next_batch(self, *, extended: bool) -> list[str]:
        """The frames of the next lot, which is then under way; at most one is at a time."""
        most = BATCH_FRAMES * (FRAME_IDS if extended else 1)
        self._under_way = dict.fromkeys(list(self._noted)[:most])
        for each in self._under_way:
            del self._noted[each]
        self._all_under_way, self._all = self._all, False
        frames = list(_frames(list(self._under_way), extended=extended))
        if self._all_under_way:
            frames.append(json.dumps({"action": "mark_all_read"}))
        return frames

    def settled(self) -> None:
        """The lot that was under way is durable."""
        self.count_settled += len(self._under_way)
        self._under_way = {}
        self._all_under_way = False

    def lost(self) -> None:
        """The line is gone: what was under way is to be sent again, before all others."""
        self._noted = self._under_way | self._noted
        self._under_way = {}
        self._all = self._all_under_way = False


def _frames(ids: list[str], *, extended: bool) -> Iterable[str]:
    if not extended:
        return [json.dumps({"action": "mark_read", "id": each}) for each in ids]
    shares = [ids[start : start + FRAME_IDS] for start in range(0, len(ids), FRAME_IDS)]
    return [json.dumps({"action": "mark_read", "ids": share}) for share in shares]


class RateLimiter:
    """How fast frames may leave: so many a second, and some at once. Pure.

    A node closes who sends more than 20 a second past a burst of 60; this stays well below.
    """

    RATE: Final = 15.0
    BURST: Final = 40

    def __init__(self) -> None:
        """Begin with a whole burst."""
        self._sent: deque[float] = deque(maxlen=self.BURST)

    def wait(self, now: float) -> float:
        """Count one frame; how long it has to wait, in seconds, when it is ``now``.

        A frame leaves no sooner than ``BURST / RATE`` after the one so many frames before it.
        """
        earliest = now
        if len(self._sent) == self.BURST:
            earliest = max(now, self._sent[0] + self.BURST / self.RATE)
        self._sent.append(earliest)
        return earliest - now
