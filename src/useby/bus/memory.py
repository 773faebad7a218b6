"""Bus of a single node: publishing is a function call."""

import asyncio

from useby.bus import Listener
from useby.domain.events import Event


class MemoryBus:
    """Passes events to this process's own listener at once. There are no other nodes."""

    connected = True

    def __init__(self) -> None:
        self._listener: Listener | None = None

    def set_listener(self, listener: Listener) -> None:
        """Set the callback for all events from now on."""
        self._listener = listener

    def publish(self, news: Event) -> None:
        """Call the listener, if one is set."""
        if self._listener is not None:
            self._listener(news)

    def subscribe(self, user_id: str) -> None:
        """Do nothing: there are no other nodes."""

    def unsubscribe(self, user_id: str) -> None:
        """Do nothing: there are no other nodes."""

    async def run(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()
