"""A node's REST application and clock of the release on ``PYTHONPATH``, driven by JSON lines.

A line in is ``{"now", "method", "path", "token", "json"}``, whose answer is ``[status, body]``, or
``{"now"}`` alone, which sends the alerts that are due and whose answer is their number, or
``{"now", "slices"}``, which does as many slices of large writes and answers how many there were.
All of them use the database of the last ``{"open"}``; ``{"close"}`` closes it.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

from tests.support.rest_app import Rest

from useby.actions.alerts import send_due
from useby.store.open import open_database
from useby.store.slices import do_slice


async def answered(rest: Rest, order: dict[str, Any]) -> Any:
    """Do what an order is about."""
    now = rest.now = datetime.fromisoformat(order["now"])
    if "method" in order:
        client = rest.client(authorization=f"Bearer {order['token']}")
        answer = await client.request(order["method"], order["path"], json=order["json"])
        return [int(answer.status_code), answer.json() if answer.content else None]
    if "slices" in order:
        writes = [
            await rest.database.write(lambda t: do_slice(t, now)) for _ in range(order["slices"])
        ]
        return sum(writes)
    sent = 0
    while (result := await rest.database.write(lambda t: send_due(t, now))).claimed:
        sent += result.sent
    return sent


async def main() -> None:
    """Answer each line of the input."""
    async with AsyncExitStack() as opened:
        while line := await asyncio.to_thread(sys.stdin.readline):
            order, answer = json.loads(line), None
            if "open" in order:
                database = open_database(order["open"], checkpoints=False)
                rest = Rest(database)
                opened.push_async_callback(database.close)
                opened.push_async_callback(rest.close)
            elif "close" in order:
                await opened.aclose()
            else:
                answer = await answered(rest, order)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


asyncio.run(main())
