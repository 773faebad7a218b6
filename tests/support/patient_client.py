"""The ``websockets`` client with the patience of a test: busy cores end no connection."""

from functools import partial
from typing import Final

from tests.support.time_limits import HANG_TIMEOUT
from websockets.asyncio.client import connect as connect_in_seconds

connect: Final = partial(
    connect_in_seconds, open_timeout=HANG_TIMEOUT, ping_interval=None, max_queue=None
)
"""Connect as ``websockets`` does, without its limits of 10 s for an opening and 20 s for a pong.

It also reads without a limit. With that of 16 frames, a client that leaves what it was sent stops
reading, does not receive the node's Close, and gives up after 10 s.
"""
