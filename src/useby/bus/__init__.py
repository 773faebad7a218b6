"""Send hints to the nodes that share a database, and receive theirs.

Hints only save time and may be lost; the database is authoritative. The package imports ``domain``,
``settings`` and ``metrics``. ``nats`` is the bus of a cluster, ``NoBus`` stands in for it in a
single node; ``hints`` defines the messages between nodes.
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


BusMessage = Hint | Gap
"""A hint of another node, or a gap in the hints."""
Listener = Callable[[BusMessage], None]


class Bus(Protocol):
    """Sends this node's hints to other nodes, and passes theirs to a listener."""

    @property
    def connected(self) -> bool:
        """Return whether hints of other nodes are received now."""

    def set_listener(self, listener: Listener) -> None:
        """Set the callback for all messages from now on. It must only queue them, and not block."""

    def publish(self, event: Event) -> None:
        """Send an event's hints. Never raises and never blocks; a hint may be lost on the way."""

    def subscribe(self, user_id: str) -> None:
        """Begin to receive a user's hints; the listener gets a ``Gap`` once that has begun."""

    def unsubscribe(self, user_id: str) -> None:
        """Stop receiving a user's hints."""

    async def run(self) -> None:
        """Send and receive until cancelled; reconnect after any failure."""


class NoBus:
    """Implements ``Bus`` for a node without others: nothing is sent or received."""

    connected = True

    def set_listener(self, listener: Listener) -> None:
        """Implement ``Bus.set_listener``."""

    def publish(self, event: Event) -> None:
        """Implement ``Bus.publish``."""

    def subscribe(self, user_id: str) -> None:
        """Implement ``Bus.subscribe``."""

    def unsubscribe(self, user_id: str) -> None:
        """Implement ``Bus.unsubscribe``."""

    async def run(self) -> None:
        """Implement ``Bus.run``: return at once, because there is nothing to wait for."""
