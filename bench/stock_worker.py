"""``python -m bench.stock_worker``: store products and send alerts, by orders on standard input.

``bench.earlier`` also runs this file with the code of the commit before lots. It uses only
functions that both versions have.
"""

import asyncio
import gc
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import alert_data_postgres
from bench.alert_data import Wave, clock_seconds, make_due, stock
from bench.users import create_accounts, create_users
from useby.process import GC_THRESHOLDS


def store(folder: str, users: int, products: int, lots: int) -> dict[str, Any]:
    """Create a SQLite database with users and their products; return their key, ids and tokens."""
    Path(folder).mkdir(parents=True)
    made = create_users(Path(folder), users)
    more = {"lots": lots} if lots > 1 else {}
    stock(made.database, made.ids, products, datetime.now(UTC), **more)
    return {"key": made.key, "ids": made.ids, "tokens": made.tokens}


def store_on_postgres(url: str, ids: list[str]) -> dict[str, Any]:
    """Store the products of some new users in an empty PostgreSQL database."""
    asyncio.run(create_accounts(url, ids))
    alert_data_postgres.stock(url, ids)
    return {}


def send(database: str, ids: list[str], each: int, day: int) -> dict[str, Any]:
    """Make some products due and send their alerts; return the microseconds of CPU an alert.

    Raises:
        RuntimeError: Another number of alerts was sent.
    """
    now = datetime.now(UTC)
    wave = Wave(ids, each, now, "Organic Milk", day)
    make_due(Path(database), wave)
    sent, cpu = clock_seconds(Path(database), now)
    if sent != wave.size:
        raise RuntimeError(f"{sent} alerts were sent in place of {wave.size}")
    return {"cpu": cpu / sent * 1e6}


ORDERS: dict[str, Callable[..., dict[str, Any]]] = {
    "store": store,
    "store_on_postgres": store_on_postgres,
    "send": send,
}


def main() -> None:
    """Carry out orders until standard input ends, with collections of garbage as in a node."""
    gc.set_threshold(*GC_THRESHOLDS)
    for line in sys.stdin:
        given = json.loads(line)
        answer = ORDERS[given.pop("order")](**given)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
