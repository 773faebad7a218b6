"""Which notifications have come before. Pure."""

from collections.abc import Iterable
from typing import Final

REMEMBERED: Final = 10_000
"""Ids that are remembered; a server repeats at most what is unread."""


class Seen:
    """The newest ids, and whether each is marked."""

    def __init__(self, most: int = REMEMBERED) -> None:
        """Remember ``most`` ids."""
        self._most = most
        self._marked: dict[str, bool] = {}

    def __contains__(self, notification_id: str) -> bool:
        return notification_id in self._marked

    def add(self, notification_id: str) -> None:
        """This one came, and is not marked."""
        self._marked[notification_id] = False
        if len(self._marked) > self._most:
            del self._marked[next(iter(self._marked))]

    def mark(self, ids: Iterable[str]) -> None:
        """These are marked, here or elsewhere."""
        self._marked.update(dict.fromkeys(self._marked.keys() & set(ids), True))

    def unmarked(self) -> list[str]:
        """The ids that came and were not marked, oldest first."""
        return [each for each, marked in self._marked.items() if not marked]
