"""One whole node for each store, with a clock that can be set, and people who use it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.api.conftest import rest
from tests.support.databases import database_url
from tests.support.in_process_node import InProcessNode
from tests.support.node_fixtures import start, wall
from tests.support.process_node import until
from websockets.asyncio.client import ClientConnection

from useby.store import alert_holds, alerts, slices, snoozes
from useby.store.database import Connection

__all__ = ["database_url", "rest", "start", "wall"]

DAYS = 30 * 86_400
"""Seconds for which tokens are good: the clock is set."""
LOOK_SECONDS = 0.02
"""Time between two looks at the notifications, each of which costs some milliseconds."""
EIGHT = datetime(2026, 3, 4, 8, tzinfo=UTC)
"""A Wednesday, an hour before alerts are due."""


class Person:
    """A person with a client of REST, who connects to the WebSocket."""

    def __init__(self, house: InProcessNode, http: httpx.AsyncClient, token: str) -> None:
        self.house = house
        self.http = http
        self.token = token

    async def changed(self, **settings: Any) -> dict[str, Any]:
        """Change the account."""
        answer = await self.http.patch("/api/me", json=settings)
        assert answer.status_code == 200, answer.text
        account: dict[str, Any] = answer.json()
        return account

    async def added(self, *products: dict[str, Any]) -> list[str]:
        """Add products with one request; return their ids."""
        answer = await self.http.post("/api/products/batch", json={"items": products})
        assert answer.status_code == 200, answer.text
        return [each["product"]["id"] for each in answer.json()["results"]]

    async def notified(self, **query: str) -> list[dict[str, Any]]:
        """List the notifications, oldest first."""
        answer = await self.http.get("/api/notifications", params={"limit": "500", **query})
        assert answer.status_code == 200, answer.text
        return list(reversed(answer.json()["items"]))

    async def has_notified(self, count: int) -> list[dict[str, Any]]:
        """Wait until there are so many notifications, and the scheduler is idle; return them."""
        found: list[dict[str, Any]] = []

        async def enough() -> bool:
            if not await self.is_idle():  # a look at the database, which costs less than a request
                return False
            found[:] = await self.notified()
            return len(found) >= count

        await until(enough, every=LOOK_SECONDS)
        return found

    async def is_idle(self) -> bool:
        """Return whether nothing of anybody is due."""
        now = self.house.wall()
        return await self.house.node.database.read(lambda c: nothing_is_due(c, now))

    async def items(self, notification_id: str, **query: str) -> dict[str, Any]:
        """A page of the items of a summary."""
        answer = await self.http.get(f"/api/notifications/{notification_id}/items", params=query)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    async def unread(self) -> int:
        count: int = (await self.http.get("/api/notifications/unread-count")).json()["unread"]
        return count

    @asynccontextmanager
    async def connected(self, *, extended: bool = False) -> AsyncIterator[ClientConnection]:
        """Connect, and read the first frame."""
        options = {"subprotocols": ["useby.v1"]} if extended else {}
        async with self.house.connected(self.token, **options) as client:
            yield client


def nothing_is_due(connection: Connection, now: datetime) -> bool:
    times = alerts.next_due(connection), snoozes.next_due(connection)
    if any(each is not None and each <= now for each in times) or slices.are_waiting(connection):
        return False
    return alert_holds.next_until(connection) is None


async def frame(client: ClientConnection) -> dict[str, Any]:
    """The next frame."""
    value: dict[str, Any] = json.loads(await client.recv())
    return value


@pytest.fixture
async def house(
    start: Callable[..., Awaitable[InProcessNode]], database_url: str, wall: Any
) -> InProcessNode:
    """A node at eight in the morning."""
    wall.stopped = EIGHT
    return await start(database_url=database_url)


@pytest.fixture
async def person(house: InProcessNode) -> AsyncIterator[Callable[[str], Awaitable[Person]]]:
    """Add people, in UTC."""
    async with AsyncExitStack() as stack:

        async def added(name: str) -> Person:
            token = await house.token(await house.add_user(name), f"s-{name}", DAYS)
            http = await stack.enter_async_context(house.rest(token))
            return Person(house, http, token)

        yield added


@pytest.fixture
async def ada(person: Callable[[str], Awaitable[Person]]) -> Person:
    return await person("ada")
