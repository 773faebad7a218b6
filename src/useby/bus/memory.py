"""The bus of a node that is alone: a call."""

import asyncio

from useby.bus import Listener
from useby.domain.events import Event


class MemoryBus:
    """Hands news to this process's own listener, at once. Nobody else says anything."""

    connected = True

    def __init__(self) -> None:
        self._listener: Listener | None = None

    def set_listener(self, listener: Listener) -> None:
        """Name the one who hears all news from now on."""
        self._listener = listener

    def publish(self, news: Event) -> None:
        """Call the listener, if there is one."""
        if self._listener is not None:
            self._listener(news)

    def subscribe(self, user_id: str) -> None:
        """Nothing is to be done."""

    def unsubscribe(self, user_id: str) -> None:
        """Nothing is to be done."""

    async def run(self) -> None:
        """Nothing is to be done, for as long as it takes."""
        await asyncio.Event().wait()
