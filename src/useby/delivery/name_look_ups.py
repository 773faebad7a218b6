"""Look up the names of hosts in threads of their own, a limited number of them.

The system's look-up blocks its thread, for half a minute if a name server hangs, and cannot be
cancelled. The loop's own pool has few threads, which imports, exports and calendars need.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import zip_longest
from typing import Final

from useby.domain.addresses import IpAddress, literal

THREADS: Final = 32
"""Maximum look-ups at once; more wait. Half of a worker's places may have names that hang."""
CONNECT_SECONDS: Final = 2.5
"""Maximum time to connect to an address of a name, the last excepted. An attempt has ten seconds,
and a host may answer by IPv4 while packets to its IPv6 address are lost."""


class NameLookUps:
    """Looks up names. Used on one event loop."""

    def __init__(self) -> None:
        """Start no thread yet."""
        self._places = asyncio.Semaphore(THREADS)

    async def addresses(self, host: str, port: int) -> list[IpAddress]:
        """Return the addresses of a host, each once, with IPv4 and IPv6 in turn.

        A thread keeps its place until its look-up ends, also if the caller is cancelled before.

        Args:
            host: A name, or an address.
            port: The port to connect to.

        Raises:
            OSError: The host cannot be resolved, or the system has no thread for it.
        """
        given = literal(host)
        if given is not None:
            return [given]
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        outcome: Future[list[str]] = Future()
        outcome.set_running_or_notify_cancel()

        def release(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._places.release)

        outcome.add_done_callback(release)
        # A look-up that hangs must not keep the process from ending.
        thread = threading.Thread(target=_look_up, args=(host, port, outcome), daemon=True)
        try:
            thread.start()
        except RuntimeError:
            outcome.set_exception(OSError("this server has no thread to look up the host's name"))
        texts = await asyncio.wrap_future(outcome)
        found = [literal(each) for each in texts]
        return _in_turn(list(dict.fromkeys(each for each in found if each is not None)))


def _in_turn(addresses: Sequence[IpAddress]) -> list[IpAddress]:
    """Return addresses with their families in turn (RFC 8305 section 4), beginning as they do.

    Only some addresses of a name are tried, which could all be of a family that is not routed.
    """
    first = [each for each in addresses if each.version == addresses[0].version]
    second = [each for each in addresses if each.version != addresses[0].version]
    both = zip_longest(first, second)
    return [each for pair in both for each in pair if each is not None]


def _look_up(host: str, port: int, outcome: "Future[list[str]]") -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        outcome.set_exception(OSError("the host's name cannot be resolved"))
    except BaseException as error:  # noqa: BLE001 - the caller gets it
        outcome.set_exception(error)
    else:
        outcome.set_result([str(each[4][0]) for each in found])
