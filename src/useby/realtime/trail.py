"""The newest notifications that a connection was sent. Pure.

Numbers are given again after a restore, and ids never are. So a connection remembers both: it can
find out which of the database's rows it was sent, and from where on the database differs.
"""

from array import array
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

KEPT: Final = 32
"""Notifications that are remembered for certain: at most twice as many take 1 KiB."""


class Numbered(Protocol):
    """Anything with a notification's number and id."""

    @property
    def seq(self) -> int:
        """The number, which counts its user's notifications."""

    @property
    def id(self) -> str:
        """The id, which is never used again."""


class Sent(NamedTuple):
    """A notification that a client has, by its number and id."""

    seq: int
    id: str


class Trail:
    """The newest notifications sent, each as its number and its id's hash.

    Ids are ours and random, so that two of them have the same hash is not to be expected.
    """

    __slots__ = ("_pairs",)

    def __init__(self) -> None:
        """Start with none."""
        self._pairs = array("q")

    def add(self, rows: Sequence[Numbered]) -> None:
        """Remember rows that were sent, in their order."""
        pairs = self._pairs
        for row in rows[-KEPT:] if len(rows) > KEPT else rows:
            pairs.append(row.seq)
            pairs.append(hash(row.id))
        if len(pairs) > 4 * KEPT:
            del pairs[: -2 * KEPT]

    @property
    def oldest(self) -> int | None:
        """The number of the oldest one that is remembered; ``None`` if none is."""
        return self._pairs[0] if self._pairs else None

    @property
    def hashes(self) -> frozenset[int]:
        """The hashes of all ids that are remembered."""
        return frozenset(self._pairs[1::2])

    def agrees(self, row: Numbered) -> bool | None:
        """Compare a row of the database with what was sent under its number.

        Returns:
            True if it is the row that was sent, false if another one was, ``None`` if it is not
            remembered.
        """
        pairs = self._pairs
        for at in range(len(pairs) - 2, -1, -2):
            if pairs[at] == row.seq:
                return pairs[at + 1] == hash(row.id)
        return None
