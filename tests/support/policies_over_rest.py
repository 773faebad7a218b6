"""Policies and what follows from them, over REST."""

from http import HTTPStatus
from typing import Any

import httpx

NEVER = {"leads": [], "onExpiry": False}


async def put(client: httpx.AsyncClient, policy: str, **fields: Any) -> dict[str, Any]:
    answer = await client.put(f"/api/policies/{policy}", json=fields)
    assert answer.status_code == HTTPStatus.OK, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def alerts_of(client: httpx.AsyncClient, product: dict[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (
        await client.get(f"/api/products/{product['id']}/alerts")
    ).json()["items"]
    return items


async def times_of(client: httpx.AsyncClient, product: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["lead"], each["at"]) for each in await alerts_of(client, product)]


async def lot_of(client: httpx.AsyncClient, product: dict[str, Any]) -> str:
    lots = (await client.get(f"/api/products/{product['id']}/lots")).json()["items"]
    lot: str = lots[0]["id"]
    return lot
