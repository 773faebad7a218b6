"""The newest notifications that a connection was sent. Pure.

After a restore the database issues numbers a second time, but an id is never used again. A
connection therefore keeps number and id of each of its newest notifications: with them it can
determine which rows of the database it was sent, and from which number on the database differs.
"""

from array import array
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

KEPT: Final = 32
"""Minimum number of notifications kept; at most twice as many are, which take 1 KiB."""


class Numbered(Protocol):
    """Anything with a notification's number and id."""

    @property
    def seq(self) -> int:
        """Number among the user's notifications."""

    @property
    def id(self) -> str:
        """Id, which is never used again."""


class Sent(NamedTuple):
    """Number and id of a notification that a client has received."""

    seq: int
    id: str


class Trail:
    """The newest notifications sent, each as its number and the hash of its id.

    The node generates random ids, so two with the same hash are not to be expected.
    """

    __slots__ = ("_pairs", "complete")

    def __init__(self) -> None:
        """Create an empty trail."""
        self._pairs = array("q")
        self.complete = True
        """True while the trail has every row that was added."""

    def add(self, rows: Sequence[Numbered]) -> None:
        """Add rows in the order in which they were sent; drop the oldest ones."""
        pairs = self._pairs
        if len(rows) > KEPT:
            rows, self.complete = rows[-KEPT:], False
        for row in rows:
            pairs.append(row.seq)
            pairs.append(hash(row.id))
        if len(pairs) > 4 * KEPT:
            del pairs[: -2 * KEPT]
            self.complete = False

    @property
    def oldest(self) -> int | None:
        """Number of the oldest notification kept; ``None`` if the trail is empty."""
        return self._pairs[0] if self._pairs else None

    @property
    def hashes(self) -> frozenset[int]:
        """Hashes of all ids kept."""
        return frozenset(self._pairs[1::2])

    def agrees(self, row: Numbered) -> bool | None:
        """Compare a row of the database with what was sent under its number.

        Returns:
            True if this row was sent, false if another one was, ``None`` if the trail has no
            such number.
        """
        pairs = self._pairs
        for at in range(len(pairs) - 2, -1, -2):
            if pairs[at] == row.seq:
                return pairs[at + 1] == hash(row.id)
        return None
