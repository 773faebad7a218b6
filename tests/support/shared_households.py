"""Households that several people share, over REST."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx
from tests.support.rest_app import Rest

from useby.domain.account import User
from useby.domain.household import Role

HEADER = "Useby-Household"


@dataclass
class Shared:
    """A household, and a client of each member, whose requests name it."""

    id: str
    clients: dict[Role, httpx.AsyncClient] = field(default_factory=dict)
    users: dict[Role, User] = field(default_factory=dict)

    @property
    def owner(self) -> httpx.AsyncClient:
        """The founder's client."""
        return self.clients[Role.OWNER]

    @property
    def url(self) -> str:
        """Address of the household."""
        return f"/api/households/{self.id}"


async def invited(owner: httpx.AsyncClient, household_id: str, role: str) -> dict[str, Any]:
    """Create an invitation."""
    answer = await owner.post(f"/api/households/{household_id}/invitations", json={"role": role})
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    invitation: dict[str, Any] = answer.json()
    return invitation


async def join(
    owner: httpx.AsyncClient, household_id: str, guest: httpx.AsyncClient, role: str
) -> dict[str, Any]:
    """Let somebody join by an invitation; return the household as they see it."""
    invitation = await invited(owner, household_id, role)
    answer = await guest.post(f"/api/invitations/{invitation['token']}/accept")
    assert answer.status_code == HTTPStatus.OK, answer.text
    household: dict[str, Any] = answer.json()
    return household


async def a_household(rest: Rest, *roles: Role, **values: Any) -> Shared:
    """A household of a founder and of a member with each of these roles.

    All clients but the founder's name it in each request.
    """
    return await shared_by(rest, *await rest.person(**values), *roles)


async def shared_by(rest: Rest, user: User, owner: httpx.AsyncClient, *roles: Role) -> Shared:
    """The household of a person, with a member of each of these roles."""
    shared = Shared(user.id, {Role.OWNER: owner}, {Role.OWNER: user})
    for role in roles:
        member, client = await rest.person(name=role.value.title())
        await join(owner, shared.id, client, role.value)
        client.headers[HEADER] = shared.id
        shared.clients[role], shared.users[role] = client, member
    return shared


async def leave(shared: Shared, role: Role) -> None:
    """Let a member leave."""
    answer = await shared.clients[role].delete(f"{shared.url}/members/{shared.users[role].id}")
    assert answer.status_code == HTTPStatus.NO_CONTENT, answer.text


async def hand_over(shared: Shared) -> None:
    """Make the editor an owner."""
    url = f"{shared.url}/members/{shared.users[Role.EDITOR].id}"
    answer = await shared.owner.patch(url, json={"role": "owner"})
    assert answer.status_code == HTTPStatus.OK, answer.text


async def give_away(shared: Shared) -> None:
    """Make the editor an owner, and let the founder leave."""
    await hand_over(shared)
    await leave(shared, Role.OWNER)


async def names(client: httpx.AsyncClient, **named: str) -> list[str]:
    """Names of the products that a client sees."""
    answer = await client.get("/api/products", headers=named)
    assert answer.status_code == HTTPStatus.OK, answer.text
    return [each["name"] for each in answer.json()["items"]]


async def listed(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """The households of a client's person."""
    answer = await client.get("/api/households")
    assert answer.status_code == HTTPStatus.OK, answer.text
    assert answer.json()["nextCursor"] is None
    items: list[dict[str, Any]] = answer.json()["items"]
    return items
