"""The bus of a node that is alone: a call."""

from useby.bus import Listener
from useby.domain.news import News


class MemoryBus:
    """Hands news to this process's own listener, at once."""

    def __init__(self) -> None:
        self._listener: Listener | None = None

    def listen(self, listener: Listener) -> None:
        """Name the one who hears all news from now on."""
        self._listener = listener

    def publish(self, news: News) -> None:
        """Call the listener, if there is one."""
        if self._listener is not None:
            self._listener(news)
