"""How the nodes of a cluster hurry news to each other. It may lose; the store is the truth.

Imports ``domain`` only. ``memory`` serves a node that is alone.
"""

from collections.abc import Callable
from typing import Protocol

from useby.domain.news import News

Listener = Callable[[News], None]


class Bus(Protocol):
    """Carries news to the listener of every node, this one included."""

    def listen(self, listener: Listener) -> None:
        """Name the one who hears all news from now on."""

    def publish(self, news: News) -> None:
        """Send without waiting. Never raises and never blocks; the news may be lost."""
