"""Track marks: queued, in flight, durable. Limit the rate of frames. Pure."""

import json
from collections import deque
from collections.abc import Iterable
from typing import Final

BATCH_FRAMES: Final = 30
"""Frames of one batch: two seconds of sending on a plain session, so that the pong is near."""
FRAME_IDS: Final = 90
"""Ids in one frame of an extended session; 4 KiB hold a hundred UUIDs."""


class Marks:
    """Marks in the order in which they were queued.

    They are sent in batches, each followed by a ``PING``. Its pong confirms the batch, because the
    server makes a mark durable before it handles a later frame. If the connection is lost first,
    the batch is sent again on the next one.
    """

    def __init__(self) -> None:
        """Create an empty queue."""
        self._queued: dict[str, None] = {}
        self._in_flight: dict[str, None] = {}
        self._all = False
        self._all_in_flight = False
        self.count_queued = 0
        self.count_durable = 0

    def __len__(self) -> int:
        return len(self._queued) + len(self._in_flight)

    @property
    def unconfirmed(self) -> list[str]:
        """Return the ids not confirmed as durable, oldest first."""
        return [*self._in_flight, *self._queued]

    @property
    def waiting(self) -> bool:
        """Return whether there are marks for the next batch."""
        return bool(self._queued) or self._all

    @property
    def sending_all(self) -> bool:
        """Return whether ``queue_all`` was called and is not confirmed."""
        return self._all or self._all_in_flight

    def queue(self, ids: Iterable[str]) -> None:
        """Queue marks; ids already queued or in flight are ignored."""
        for notification_id in ids:
            if notification_id not in self._queued and notification_id not in self._in_flight:
                self._queued[notification_id] = None
                self.count_queued += 1

    def queue_all(self) -> None:
        """Mark all notifications of the user on this connection; a later one does not repeat it."""
        self._all = True

    def next_batch(self, *, extended: bool) -> list[str]:
        """Return the frames of the next batch, now in flight; at most one batch is at a time."""
        size = BATCH_FRAMES * (FRAME_IDS if extended else 1)
        self._in_flight = dict.fromkeys(list(self._queued)[:size])
        for notification_id in self._in_flight:
            del self._queued[notification_id]
        self._all_in_flight, self._all = self._all, False
        frames = list(_frames(list(self._in_flight), extended=extended))
        if self._all_in_flight:
            frames.append(json.dumps({"action": "mark_all_read"}))
        return frames

    def confirm(self) -> None:
        """Record that the batch in flight is durable."""
        self.count_durable += len(self._in_flight)
        self._in_flight = {}
        self._all_in_flight = False

    def requeue(self) -> None:
        """Put the batch in flight back to the front of the queue; the connection is lost."""
        self._queued = self._in_flight | self._queued
        self._in_flight = {}
        self._all = self._all_in_flight = False


def _frames(ids: list[str], *, extended: bool) -> Iterable[str]:
    if not extended:
        return [json.dumps({"action": "mark_read", "id": mark}) for mark in ids]
    shares = [ids[start : start + FRAME_IDS] for start in range(0, len(ids), FRAME_IDS)]
    return [json.dumps({"action": "mark_read", "ids": share}) for share in shares]


class RateLimiter:
    """Limit frames to ``RATE`` a second after a burst of ``BURST``. Pure.

    A node closes clients that send more than 20 a second past a burst of 60; this stays well below.
    """

    RATE: Final = 15.0
    BURST: Final = 40

    def __init__(self) -> None:
        """Start with the whole burst available."""
        self._sent: deque[float] = deque(maxlen=self.BURST)

    def wait(self, now: float) -> float:
        """Count one frame and return the seconds it has to wait from ``now``.

        A frame leaves at least ``BURST / RATE`` seconds after the one ``BURST`` frames before it.
        """
        earliest = now
        if len(self._sent) == self.BURST:
            earliest = max(now, self._sent[0] + self.BURST / self.RATE)
        self._sent.append(earliest)
        return earliest - now
