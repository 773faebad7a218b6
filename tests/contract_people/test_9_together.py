"""Section 9: members who act at the same time, while roles and memberships change."""

import asyncio
from http import HTTPStatus
from typing import Final

import httpx
from tests.support.rest_app import Rest, added
from tests.support.shared_households import HEADER, Shared, a_household, join, leave

from useby.domain.household import Role

ROUNDS: Final = 6
MEMBERS: Final = (Role.EDITOR, Role.KIOSK, Role.VIEWER)


async def acts(client: httpx.AsyncClient, product_id: str) -> set[int]:
    """Add and take stock, read it, and post to oneself; return the statuses."""
    statuses = set()
    for number in range(ROUNDS):
        answers = await asyncio.gather(
            client.post(f"/api/products/{product_id}/consume", json={"quantity": "1"}),
            client.post(
                "/api/products",
                json={"name": f"Tea {number}", "expiryDate": "2027-01-01"},
                headers={"Idempotency-Key": f"tea-{number}"},
            ),
            client.get("/api/products?include=lots"),
            client.post("/api/notifications", json={"message": f"note {number}"}),
        )
        statuses |= {answer.status_code for answer in answers}
    return statuses


async def govern(shared: Shared) -> set[int]:
    """Change the roles of two members again and again."""
    statuses = set()
    for role in ("kiosk", "editor") * ROUNDS:
        for each in (Role.EDITOR, Role.KIOSK):
            url = f"{shared.url}/members/{shared.users[each].id}"
            statuses.add((await shared.owner.patch(url, json={"role": role})).status_code)
    return statuses


async def test_members_act_at_once_while_an_owner_changes_their_roles(rest: Rest) -> None:
    shared = await a_household(rest, *MEMBERS)
    milk = await added(shared.owner, quantity="1000", expiryDate="2027-01-01")
    everybody = [acts(client, milk["id"]) for client in shared.clients.values()]
    *done, governed = await asyncio.gather(*everybody, govern(shared))
    assert governed == {HTTPStatus.OK}
    for role, statuses in zip(shared.clients, done, strict=True):
        good = {HTTPStatus.OK, HTTPStatus.CREATED}
        may_be_refused = set() if role is Role.OWNER else {HTTPStatus.FORBIDDEN}
        assert statuses <= good | may_be_refused, role
    taken = [
        each
        for each in (await shared.owner.get("/api/movements?limit=500")).json()["items"]
        if each["kind"] == "consumed"
    ]
    left = (await shared.owner.get(f"/api/products/{milk['id']}")).json()["quantity"]
    assert int(left) == 1000 - len(taken)
    assert {each["byUser"] for each in taken} <= {each.id for each in shared.users.values()}


async def test_people_join_and_leave_two_households_at_once(rest: Rest) -> None:
    one, other = await a_household(rest, Role.EDITOR), await a_household(rest, Role.EDITOR)

    async def crosses(here: Shared, there: Shared) -> None:
        guest = here.clients[Role.EDITOR]
        for _ in range(ROUNDS):
            await join(there.owner, there.id, guest, "owner")
            sent = await guest.post(
                "/api/products",
                json={"name": "Gift", "expiryDate": "2027-01-01"},
                headers={HEADER: there.id},
            )
            assert sent.status_code == HTTPStatus.CREATED
            await leave(Shared(there.id, here.clients, here.users), Role.EDITOR)

    await asyncio.gather(crosses(one, other), crosses(other, one))
    for each in (one, other):
        people = (await each.owner.get(f"{each.url}/members")).json()["items"]
        assert [person["role"] for person in people] == ["owner", "editor"]
        gifts = (await each.owner.get("/api/products")).json()["items"]
        assert [gift["name"] for gift in gifts] == ["Gift"] * ROUNDS
