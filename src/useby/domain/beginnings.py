"""Shortest beginnings of ids, which people can type in place of the whole ids."""

from bisect import bisect_left
from collections.abc import Iterable
from os.path import commonprefix
from typing import Final

SHORTEST: Final = 8
"""Minimum length of a beginning, in characters."""


class Beginnings:
    """The ids of all lots, or of all movements, of a household."""

    def __init__(self, ids: Iterable[str]) -> None:
        """Sort the ids."""
        self._ids = sorted(set(ids))

    def of(self, id_: str) -> str:
        """Return the shortest beginning of an id that no other id has."""
        at = bisect_left(self._ids, id_)
        others = [each for each in self._ids[max(at - 1, 0) : at + 2] if each != id_]
        shared = max((len(commonprefix([id_, each])) for each in others), default=0)
        return id_[: max(shared + 1, SHORTEST)]
