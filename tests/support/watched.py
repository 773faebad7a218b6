"""Somebody with a plain socket open, at a household's own moment, on a node that others share."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

import httpx
from tests.support.in_process_node import InProcessNode
from tests.support.lots_over_rest import acted, lots_of, received
from tests.support.time_limits import HANG_TIMEOUT
from websockets.asyncio.client import ClientConnection

from useby.store import alerts, slices

A_MONTH: Final = timedelta(days=31)
FIRST: Final = datetime(2027, 1, 4, 6, tzinfo=UTC)
MARKER: Final = "Nothing else was sent"


class Watched:
    """A user's socket and REST client, and the clock of the node.

    ``today`` is a day that is the test's own: the clock of the shared node only goes forward.
    """

    def __init__(
        self,
        house: InProcessNode,
        user_id: str,
        rest: httpx.AsyncClient,
        socket: ClientConnection,
    ) -> None:
        self.user_id = user_id
        self.rest = rest
        self.today = house.wall().date()
        self._house = house
        self._socket = socket

    def day(self, days: int) -> str:
        """A day as JSON has it, so many days from the test's own."""
        return (self.today + timedelta(days=days)).isoformat()

    async def goes_to(self, days: int, hour: int = 9, minute: int = 0) -> None:
        """Set the clock of the node, and let its scheduler send all that is due by then."""
        day: date = self.today + timedelta(days=days)
        self._house.wall.stopped = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
        await self.settles()

    async def settles(self) -> None:
        """Let the scheduler send all that is due to this user."""
        node = self._house.node
        while await node.database.read(
            lambda c: alerts.is_due(c, self.user_id, self._house.wall())
        ):
            await node.scheduler.send_due(of=self.user_id)

    async def rescheduled(self) -> None:
        """Let the scheduler compute all alerts again, as it does after a change of the account."""
        database = self._house.node.database
        while await database.write(lambda t: slices.do_slice(t, self._house.wall())):
            pass
        await self.settles()

    async def receives(self) -> list[str]:
        """The messages that the socket has received since the last call, oldest first."""
        await self.settles()
        await self.post("/api/notifications", {"message": MARKER})
        found: list[str] = []
        async with asyncio.timeout(HANG_TIMEOUT):
            while MARKER not in found:
                found.append(json.loads(await self._socket.recv())["message"])
        return found[:-1]

    async def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Post something that is accepted."""
        answer = await self.rest.post(path, json=body or {})
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def milk(self, days: int | None = None, **values: Any) -> str:
        """Add a product with one lot that expires in so many days; its id."""
        expires = None if days is None else self.day(days)
        product = await self.post("/api/products", {"name": "Milk", "expiryDate": expires} | values)
        product_id: str = product["id"]
        return product_id

    async def lot(self, product_id: str, days: int | None = None, **values: Any) -> str:
        """Add a lot that expires in so many days; its id."""
        printed = None if days is None else self.day(days)
        lot = await received(self.rest, product_id, printedDate=printed, **values)
        lot_id: str = lot["id"]
        return lot_id

    async def only_lot(self, product_id: str) -> str:
        """The id of a product's only lot."""
        (lot,) = await lots_of(self.rest, product_id)
        lot_id: str = lot["id"]
        return lot_id

    async def does(self, action: str, lot_id: str, **values: Any) -> dict[str, Any]:
        """Do something with a lot."""
        return await acted(self.rest, lot_id, action, **values)

    async def unread(self) -> list[str]:
        """Messages of alerts that are not read, newest first."""
        answer = await self.rest.get("/api/notifications", params={"unread": "true"})
        assert answer.status_code == HTTPStatus.OK, answer.text
        return [each["message"] for each in answer.json()["items"] if each["message"] != MARKER]

    async def coming(self, product_id: str) -> list[dict[str, Any]]:
        """Alerts of a product that are still to come."""
        answer = await self.rest.get(f"/api/products/{product_id}/alerts")
        assert answer.status_code == HTTPStatus.OK, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items
