"""Orders to a Python server under measurement, on its standard input.

The server ends when its input does, so that none outlives the harness.
"""

import asyncio
import json
import random
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

PAYLOAD_BYTES = 200
STAMP = "stamp "
"""Prefix of the nineteen digits by which the load generator finds a pushed frame and its age."""

Push = Callable[[Sequence[str], int], Awaitable[None]]
"""Pushes a stamped message to each of some users."""


def message(stamp: int) -> dict[str, str]:
    """Return a notification as defined by the contract: 200 bytes as compact JSON."""
    return {
        "id": "0198f7a2-6c1e-7b3a-9f00-3c5d7e9f1b2d",
        "message": f"{STAMP}{stamp:019} Organic Milk expires in 2 days....",
        "type": "warning",
        "productName": "Organic Milk",
        "created_at": "2026-03-04T10:30:00Z",
    }


def users(path: str) -> list[str]:
    """Return the users' ids."""
    found: list[str] = json.loads(Path(path).read_text())
    return found


def report(*words: object) -> None:
    """Print a line for the harness."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def orders(handle: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Carry out the orders on standard input until it ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**20)
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        while line := await reader.readline():
            await handle(json.loads(line))
    finally:
        transport.close()


async def obey(everybody: Sequence[str], push: Push) -> None:
    """Push by the orders on standard input until it ends."""

    async def handle(order: dict[str, Any]) -> None:
        await in_turns(everybody, order, push)

    await orders(handle)


def drop_garbage(count: int) -> None:
    """Leave ``count`` objects to the garbage collector, cycles that live for a while."""
    for number in range(count):
        scrap: dict[str, Any] = {"number": number, "words": [str(number)] * 4}
        scrap["self"] = scrap
        _garbage.append(scrap)


_garbage: deque[dict[str, Any]] = deque(maxlen=20_000)


async def in_turns(everybody: Sequence[str], order: dict[str, Any], push: Push) -> None:
    """Carry out one order to push, some at a time; the event loop runs in between."""
    among = everybody[: order["among"]]
    drop_garbage(order.get("garbage") or 0)
    left = order["push"]
    while left > 0:
        some = random.choices(among, k=min(order["together"], left))  # noqa: S311 - no secret
        await push(some, int(order["at"] or 0) or time.monotonic_ns())
        left -= len(some)
        await asyncio.sleep(0)
