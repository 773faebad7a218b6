"""The key of Web Push is made once for all nodes of a database."""

import asyncio
from itertools import count

from useby.store import push_keys
from useby.store.database import Database


async def test_nodes_that_start_at_once_get_the_same_key(database: Database) -> None:
    assert await database.read(push_keys.current) is None
    numbers = count()
    found = await asyncio.gather(
        *(push_keys.ensure(database, lambda: f"key {next(numbers)}") for _ in range(8))
    )
    assert len(set(found)) == 1
    assert next(numbers) > 0

    assert await push_keys.ensure(database, lambda: "another") == found[0]
    assert await database.read(push_keys.current) == found[0]
