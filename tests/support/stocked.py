"""A product with one lot over REST, and the moments at which things happen to it."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx
from tests.support.lots_over_rest import acted, lots_of
from tests.support.rest_app import Rest, added


class Stocked:
    """A product over REST, the only lot that it had at first, and what is done to that lot."""

    def __init__(self, rest: Rest, client: httpx.AsyncClient, product: str, lot: str) -> None:
        self.rest = rest
        self.client = client
        self.product_id = product
        self.lot_id = lot

    async def lot(self) -> dict[str, Any]:
        """The lot as it is now."""
        return await got(self.client, f"/api/lots/{self.lot_id}")

    async def product(self) -> dict[str, Any]:
        """The product as it is now."""
        return await got(self.client, f"/api/products/{self.product_id}")

    async def date(self) -> tuple[str | None, str | None]:
        """The date that counts for the lot, and its source."""
        lot = await self.lot()
        return lot["expiryDate"], lot["dateSource"]

    async def after(self, action: str, **values: Any) -> tuple[str | None, str | None]:
        """Do something with the lot; the date that counts then, and its source."""
        lot = await acted(self.client, self.lot_id, action, **values)
        return lot["expiryDate"], lot["dateSource"]

    async def refused(self, action: str, status: HTTPStatus, **values: Any) -> str:
        """Try something with the lot that is refused; the detail of the answer."""
        answer = await self.client.post(f"/api/lots/{self.lot_id}/{action}", json=values)
        assert answer.status_code == status, answer.text
        detail: str = answer.json()["detail"]
        return detail

    async def change(self, **values: Any) -> dict[str, Any]:
        """Change fields of the lot."""
        answer = await self.client.patch(f"/api/lots/{self.lot_id}", json=values)
        assert answer.status_code == HTTPStatus.OK, answer.text
        lot: dict[str, Any] = answer.json()
        return lot

    async def rules(self, **rules: str | None) -> None:
        """Change rules of the product."""
        answer = await self.client.patch(f"/api/products/{self.product_id}", json=rules)
        assert answer.status_code == HTTPStatus.OK, answer.text

    def at(self, moment: str) -> None:
        """Set the present moment."""
        self.rest.now = datetime.fromisoformat(moment)


async def stocked(rest: Rest, client: httpx.AsyncClient, **values: Any) -> Stocked:
    """Add a product with one lot, of 2026-03-20 if no date is given."""
    product = await added(client, **{"expiryDate": "2026-03-20"} | values)
    (lot,) = await lots_of(client, product["id"])
    return Stocked(rest, client, product["id"], lot["id"])


async def got(client: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    """What a route answers to GET."""
    answer = await client.get(path, params=query)
    assert answer.status_code == HTTPStatus.OK, answer.text
    found: dict[str, Any] = answer.json()
    return found
