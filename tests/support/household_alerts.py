"""A household of two for tests of its alerts, and what each member has got, over REST."""

from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.rest_app import Rest, messages
from tests.support.shared_households import Shared, a_household

from useby.domain.household import Role

IN_2_DAYS = "Organic Milk expires in 2 days"
ROLES = tuple(Role)


async def notifications(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    """Newest first."""
    items: list[dict[str, Any]] = (
        await client.get("/api/notifications", params={"limit": "500", **query})
    ).json()["items"]
    return items


async def unread(client: httpx.AsyncClient) -> list[str]:
    return await messages(client, unread="true")


async def policies_of(client: httpx.AsyncClient) -> list[tuple[str, str | None]]:
    items = (await client.get("/api/policies")).json()["items"]
    return [(each["scope"], each["key"]) for each in items]


async def set_me(client: httpx.AsyncClient, **values: Any) -> None:
    answer = await client.patch("/api/me", json=values)
    assert answer.status_code == HTTPStatus.OK, answer.text


@pytest.fixture
async def pair(rest: Rest) -> Shared:
    """A founder and an editor, both in Berlin."""
    return await a_household(rest, Role.EDITOR)


def editor_of(pair: Shared) -> httpx.AsyncClient:
    return pair.clients[Role.EDITOR]
