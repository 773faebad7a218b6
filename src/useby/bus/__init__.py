"""How the nodes of a cluster hurry news to each other. It may lose; the store is the truth.

Imports ``domain``, ``settings`` and ``metrics``. ``memory`` serves a node that is alone, ``nats``
one that has neighbours; ``hints`` is what goes from one to another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from useby.bus.hints import Hint
from useby.domain.events import Event


@dataclass(frozen=True, slots=True)
class Gap:
    """News from other nodes may have been missed: of these users, or of anybody."""

    user_ids: tuple[str, ...] | None = None
    """``None`` means anybody."""


BusMessage = Event | Hint | Gap
"""News of this node's own commits; from other nodes hints, and word that some may be lost."""
Listener = Callable[[BusMessage], None]


class Bus(Protocol):
    """Carries news to this node's listener at once, and a hint of it to every node that follows."""

    @property
    def connected(self) -> bool:
        """Whether what other nodes say is heard now."""

    def set_listener(self, listener: Listener) -> None:
        """Name the one who hears all news from now on. What it hears, it only takes down."""

    def publish(self, news: Event) -> None:
        """Tell without waiting. Never raises and never blocks; another node may not hear of it."""

    def subscribe(self, user_id: str) -> None:
        """Hear what other nodes say of a user from soon on, and a ``Gap`` once that is so."""

    def unsubscribe(self, user_id: str) -> None:
        """Hear no more of a user."""

    async def run(self) -> None:
        """Carry until cancelled, whatever becomes of the line."""
