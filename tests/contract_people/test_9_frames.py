"""Section 9: what the sockets of members receive of a household, and those of former members."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import pytest
from tests.contract_people.conftest import Person, frame
from tests.support.in_process_node import InProcessNode
from tests.support.time_limits import HANG_TIMEOUT
from websockets.asyncio.client import ClientConnection

MILK = {"name": "Milk", "expiryDate": "2027-01-01"}


async def id_of(person: Person) -> str:
    me: str = (await person.http.get("/api/me")).json()["id"]
    return me


async def joins(owner: Person, guest: Person, role: str) -> str:
    """Let somebody join; return the household's id."""
    household = await id_of(owner)
    url = f"/api/households/{household}/invitations"
    token = (await owner.http.post(url, json={"role": role})).json()["token"]
    answer = await guest.http.post(f"/api/invitations/{token}/accept")
    assert answer.status_code == HTTPStatus.OK, answer.text
    return household


async def next_product(client: ClientConnection) -> dict[str, Any]:
    """The next frame about a product."""
    async with asyncio.timeout(HANG_TIMEOUT):
        while True:
            got = await frame(client)
            if got["type"] == "PRODUCT":
                return got


async def frames_until(client: ClientConnection, message: str) -> list[dict[str, Any]]:
    """The frames before the notification with a message."""
    got: list[dict[str, Any]] = []
    async with asyncio.timeout(HANG_TIMEOUT):
        while not got or got[-1].get("message") != message:
            got.append(await frame(client))
    return got[:-1]


async def test_a_change_of_a_product_is_sent_to_each_member_with_its_household(
    house: InProcessNode, person: Callable[[str], Awaitable[Person]]
) -> None:
    ada, bob, eve = [await person(name) for name in ("ada", "bob", "eve")]
    household = await joins(ada, bob, "viewer")
    async with (
        ada.connected(extended=True) as hers,
        bob.connected(extended=True) as his,
        eve.connected(extended=True) as strangers,
    ):
        added = (await ada.http.post("/api/products", json=MILK)).json()
        for client in (hers, his):
            got = await next_product(client)
            assert (got["change"], got["householdId"]) == ("added", household)
            assert got["product"]["id"] == added["id"]
        own = (await bob.http.post("/api/products", json=MILK)).json()
        got = await next_product(his)
        assert (got["product"]["id"], got["householdId"]) == (own["id"], await id_of(bob))
        await eve.http.post("/api/notifications", json={"message": "last"})
        assert await frames_until(strangers, "last") == []


@pytest.mark.parametrize("way", ["leaves", "is removed"])
async def test_a_member_who_leaves_or_is_removed_receives_nothing_of_that_household(
    house: InProcessNode, person: Callable[[str], Awaitable[Person]], way: str
) -> None:
    ada, bob = await person("ada"), await person("bob")
    household = await joins(ada, bob, "editor")
    milk = (await ada.http.post("/api/products", json=MILK)).json()
    async with bob.connected(extended=True) as his, ada.connected(extended=True) as hers:
        url = f"/api/households/{household}/members/{await id_of(bob)}"
        remover = bob if way == "leaves" else ada
        assert (await remover.http.delete(url)).status_code == HTTPStatus.NO_CONTENT
        await ada.http.post(f"/api/products/{milk['id']}/consume", json={})
        await ada.http.delete(f"/api/products/{milk['id']}")
        for change in ("closed", "closed"):
            assert (await next_product(hers))["change"] == change
        await bob.http.post("/api/notifications", json={"message": "last"})
        got = await frames_until(his, "last")
        assert [each for each in got if each["type"] == "PRODUCT"] == []
        assert household not in str(got)


async def test_a_founder_who_gave_the_household_away_receives_nothing_of_it(
    house: InProcessNode, person: Callable[[str], Awaitable[Person]]
) -> None:
    ada, bob = await person("ada"), await person("bob")
    household = await joins(ada, bob, "owner")
    async with ada.connected(extended=True) as hers, bob.connected(extended=True) as his:
        url = f"/api/households/{household}/members/{household}"
        assert (await ada.http.delete(url)).status_code == HTTPStatus.NO_CONTENT
        answer = await bob.http.post(
            "/api/products", json=MILK, headers={"Useby-Household": household}
        )
        assert answer.status_code == HTTPStatus.CREATED
        assert (await next_product(his))["householdId"] == household
        await ada.http.post("/api/notifications", json={"message": "last"})
        assert [e for e in await frames_until(hers, "last") if e["type"] == "PRODUCT"] == []


async def test_a_plain_session_of_a_member_gets_the_frames_of_the_contract_only(
    house: InProcessNode, person: Callable[[str], Awaitable[Person]]
) -> None:
    ada, bob = await person("ada"), await person("bob")
    household = await joins(ada, bob, "kiosk")
    milk = (await ada.http.post("/api/products", json=MILK)).json()
    async with bob.connected() as his:
        answer = await bob.http.post(
            f"/api/products/{milk['id']}/consume",
            json={},
            headers={"Useby-Household": household},
        )
        assert answer.status_code == HTTPStatus.OK
        got = await frame(his)
        assert list(got) == ["id", "message", "type", "productName", "created_at"]
        assert got["productName"] == "Milk"


async def consumed(person: Person, product: dict[str, Any], household: str) -> None:
    """Take one of a product; the report of it goes to the person."""
    url = f"/api/products/{product['id']}/consume"
    named = {"Useby-Household": household}
    answer = await person.http.post(url, json={"quantity": "1"}, headers=named)
    assert answer.status_code == HTTPStatus.OK, answer.text


@pytest.mark.parametrize("who", ["a member", "the founder"])
async def test_a_former_member_who_connects_again_gets_nothing_old_of_that_household(
    house: InProcessNode, person: Callable[[str], Awaitable[Person]], who: str
) -> None:
    ada, bob = await person("ada"), await person("bob")
    leaver = ada if who == "the founder" else bob
    first = await leaver.http.post("/api/notifications", json={"message": "first"})
    milk = (await ada.http.post("/api/products", json=MILK | {"quantity": "9"})).json()
    await consumed(ada, milk, await id_of(ada))  # before anybody joins
    household = await joins(ada, bob, "owner")
    await consumed(leaver, milk, household)
    since = f"{leaver.token}&since={first.json()['id']}"
    async with house.connected(since) as client:
        assert (await frame(client))["productName"] == "Milk"
    url = f"/api/households/{household}/members/{await id_of(leaver)}"
    assert (await leaver.http.delete(url)).status_code == HTTPStatus.NO_CONTENT
    await consumed(bob if leaver is ada else ada, milk, household)
    async with house.connected(since) as client:
        for message in ("last", "after it"):  # the numbers in between are passed over
            await leaver.http.post("/api/notifications", json={"message": message})
            assert await frames_until(client, message) == []


async def test_the_leads_of_the_founders_own_policy_are_in_no_frame_to_another_member(
    house: InProcessNode, person: Callable[[str], Awaitable[Person]]
) -> None:
    ada, bob = await person("ada"), await person("bob")
    await joins(ada, bob, "editor")
    milk = (await ada.http.post("/api/products", json=MILK)).json()
    async with ada.connected(extended=True) as hers, bob.connected(extended=True) as his:
        policy = f"/api/policies/product/{milk['id']}"
        assert (await ada.http.put(policy, json={"leads": ["3d"]})).status_code == HTTPStatus.OK
        assert (await next_product(hers))["product"]["leadDays"] == [3]
        assert (await next_product(his))["product"]["leadDays"] is None
