"""Remember the notifications received before. Pure."""

from collections.abc import Iterable
from typing import Final

REMEMBERED: Final = 10_000
"""Number of ids remembered; a server repeats at most the unread notifications."""


class Seen:
    """The newest ids received, each with a flag whether it is marked."""

    def __init__(self, most: int = REMEMBERED) -> None:
        """Remember at most ``most`` ids."""
        self._most = most
        self._marked: dict[str, bool] = {}

    def __contains__(self, notification_id: str) -> bool:
        return notification_id in self._marked

    def add(self, notification_id: str) -> None:
        """Add an id that is not marked."""
        self._marked[notification_id] = False
        if len(self._marked) > self._most:
            del self._marked[next(iter(self._marked))]

    def mark(self, ids: Iterable[str]) -> None:
        """Flag ids as marked, by this client or another."""
        self._marked.update(dict.fromkeys(self._marked.keys() & set(ids), True))

    def unmarked(self) -> list[str]:
        """Return the ids received and not marked, oldest first."""
        return [name for name, marked in self._marked.items() if not marked]
