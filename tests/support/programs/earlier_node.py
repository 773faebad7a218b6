"""A node's REST application and clock of the release on ``PYTHONPATH``, driven by JSON lines.

A line in is ``{"now", "method", "path", "token", "json"}``, whose answer is ``[status, body]``, or
``{"now"}`` alone, which sends the alerts that are due and whose answer is their number.
"""

import asyncio
import json
import sys
from datetime import datetime
from typing import Any

from tests.support.rest_app import Rest

from useby.actions.alerts import send_due
from useby.store.open import open_database


async def answered(rest: Rest, order: dict[str, Any]) -> Any:
    """Do what an order is about."""
    now = rest.now = datetime.fromisoformat(order["now"])
    if "method" in order:
        client = rest.client(authorization=f"Bearer {order['token']}")
        answer = await client.request(order["method"], order["path"], json=order["json"])
        return [int(answer.status_code), answer.json() if answer.content else None]
    sent = 0
    while (result := await rest.database.write(lambda t: send_due(t, now))).claimed:
        sent += result.sent
    return sent


async def main() -> None:
    """Answer each line of the input."""
    database = open_database(sys.argv[1], checkpoints=False)
    rest = Rest(database)
    while line := await asyncio.to_thread(sys.stdin.readline):
        sys.stdout.write(json.dumps(await answered(rest, json.loads(line))) + "\n")
        sys.stdout.flush()
    await rest.close()
    await database.close()


asyncio.run(main())
