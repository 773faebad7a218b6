"""Publish events within a node and hints between nodes.

Hints only save time and may be lost; the database is authoritative. The package imports ``domain``,
``settings`` and ``metrics``. ``memory`` is the bus of a single node, ``nats`` that of a cluster;
``hints`` defines the messages between nodes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from useby.bus.hints import Hint
from useby.domain.events import Event


@dataclass(frozen=True, slots=True)
class Gap:
    """Notice that hints of these users may have been lost, so they have to be reconciled."""

    user_ids: tuple[str, ...] | None = None
    """Ids of the users; ``None`` means all users."""


BusMessage = Event | Hint | Gap
"""An event of this node's own commits, a hint of another node, or a gap in the hints."""
Listener = Callable[[BusMessage], None]


class Bus(Protocol):
    """Passes events to this node's listener, and sends hints to the nodes that subscribed."""

    @property
    def connected(self) -> bool:
        """Return whether hints of other nodes are received now."""

    def set_listener(self, listener: Listener) -> None:
        """Set the callback for all messages from now on. It must only queue them, and not block."""

    def publish(self, news: Event) -> None:
        """Publish an event. Never raises and never blocks; its hint may be lost on the way."""

    def subscribe(self, user_id: str) -> None:
        """Begin to receive a user's hints; the listener gets a ``Gap`` once that has begun."""

    def unsubscribe(self, user_id: str) -> None:
        """Stop receiving a user's hints."""

    async def run(self) -> None:
        """Send and receive until cancelled; reconnect after any failure."""
