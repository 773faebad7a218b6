"""Short forms of ids, which people can type in place of the whole ids.

An id begins with the time at which it was made and ends with random digits, so that the ids of one
action or import differ in their ends. The short form of an id is therefore its end.
"""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import takewhile
from operator import eq
from typing import Final

SHORTEST: Final = 6
"""Minimum length of a short form, in characters."""


class ShortIds:
    """The ids of all lots, or of all movements, of a household."""

    def __init__(self, ids: Iterable[str]) -> None:
        """Sort the ids by their ends."""
        self._reversed = sorted({id_[::-1] for id_ in ids})

    def of(self, id_: str) -> str:
        """Return the shortest end of an id that no other id has."""
        backwards = id_[::-1]
        at = bisect_left(self._reversed, backwards)
        near = self._reversed[max(at - 1, 0) : at + 2]
        shared = max((_shared(backwards, each) for each in near if each != backwards), default=0)
        return id_[-max(shared + 1, SHORTEST) :]


def _shared(first: str, second: str) -> int:
    """Return the number of characters with which both texts begin."""
    return sum(takewhile(bool, map(eq, first, second)))
