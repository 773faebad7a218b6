"""Lots of products over REST."""

from http import HTTPStatus
from typing import Any

import httpx

FULL_LOT: dict[str, Any] = {
    "printedDate": "2026-03-20",
    "quantity": "2.5",
    "dateKind": "use_by",
    "receivedOn": "2026-03-01",
    "lotNumber": "L-7",
    "serial": "S-1",
    "location": "Cellar",
    "price": "1.29",
}
"""A lot with a value of its own in each field."""


async def received(client: httpx.AsyncClient, product_id: str, **values: Any) -> dict[str, Any]:
    """Add a lot to a product."""
    answer = await client.post(f"/api/products/{product_id}/lots", json=values)
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    lot: dict[str, Any] = answer.json()
    return lot


async def lots_of(client: httpx.AsyncClient, product_id: str) -> list[dict[str, Any]]:
    """All lots of a product."""
    answer = await client.get(f"/api/products/{product_id}/lots")
    assert answer.status_code == HTTPStatus.OK, answer.text
    lots: list[dict[str, Any]] = answer.json()["items"]
    return lots


async def acted(
    client: httpx.AsyncClient, lot_id: str, action: str, **values: Any
) -> dict[str, Any]:
    """Do something with a lot."""
    answer = await client.post(f"/api/lots/{lot_id}/{action}", json=values)
    assert answer.status_code == HTTPStatus.OK, answer.text
    lot: dict[str, Any] = answer.json()
    return lot


async def movements_of(client: httpx.AsyncClient, product_id: str) -> list[dict[str, Any]]:
    """Movements of a product, newest first."""
    answer = await client.get(f"/api/products/{product_id}/movements")
    assert answer.status_code == HTTPStatus.OK, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def undone(client: httpx.AsyncClient, movement_id: str) -> dict[str, Any]:
    """Undo a movement."""
    answer = await client.post(f"/api/movements/{movement_id}/undo")
    assert answer.status_code == HTTPStatus.OK, answer.text
    product: dict[str, Any] = answer.json()
    return product
