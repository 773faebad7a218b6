"""A person's notifications over the socket, through lost connections."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from useby.cli.options import Refused
from useby.realtime import closes

FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 30.0
_FINAL: Final = {(close.code, close.reason) for close in closes.ALL if not close.returns}


async def follow(
    url: str, token: str, state: Callable[[str], None], chance: Callable[[], float] = random.random
) -> AsyncGenerator[dict[str, Any], None]:
    """Every notification, each once: all that is unread first, then as they come.

    Args:
        url: The socket's URL, ``ws://`` or ``wss://``.
        token: An access token. It goes in a header, where no log has it.
        state: Told in words how the connection is.
        chance: A number from 0 to 1, by which waits differ.

    Raises:
        Refused: The node won't have this token, or is none.
    """
    newest, failures = "", 0
    while True:
        try:
            async with connect(
                f"{url}?since={quote(newest)}" if newest else url,
                additional_headers={"Authorization": f"Bearer {token}"},
                compression=None,
            ) as socket:
                async for text in socket:
                    frame = json.loads(text)
                    failures = 0
                    if frame.get("type") == "CONNECTION_ESTABLISHED":
                        state("connected")
                    elif "created_at" in frame:
                        newest = frame["id"]
                        yield frame
            why = f"{socket.close_code} {socket.close_reason}"
        except (OSError, ConnectionClosed, InvalidHandshake) as error:
            why = _why(error)
        failures += 1
        wait = pause(failures, chance())
        state(f"not connected ({why}); again in {wait:.1f} s")
        await asyncio.sleep(wait)


def pause(failures: int, chance: float) -> float:
    """Seconds until the next attempt: doubled each time, and half of it by chance.

    So the clients of a node that has restarted don't all come back at once.
    """
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures, 16))
    return longest * (1 + chance) / 2


def _why(error: Exception) -> str:
    """What ended a connection, or an attempt at one.

    Raises:
        Refused: Trying again would not help.
    """
    if isinstance(error, ConnectionClosed):
        end = error.rcvd
        if end is not None and (end.code, end.reason) in _FINAL:
            raise Refused(f"the node closed the connection: {end.reason}")
        return f"{end.code} {end.reason}" if end is not None else "the line was cut"
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Refused(f"what answers there is no node: HTTP {status}")
        return f"HTTP {status}"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    return str(error) or type(error).__name__
