"""Keys at the socket: with `listen` it opens, without it does not, and a deleted key ends it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.support.api_keys import a_key
from tests.support.in_process_node import InProcessNode, closed
from tests.support.nats_servers import NatsServer, nats_servers
from tests.support.patient_client import connect
from tests.support.shared_households import join
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.two_nodes import followed, two_houses
from websockets.asyncio.client import ClientConnection

from useby.domain.account import User
from useby.store import accounts
from useby.store.schema import tickets

INVALID = (1008, "Invalid access token")
REVOKED = (1008, "Access revoked")


@pytest.fixture(scope="module")
def nats() -> Iterator[NatsServer]:
    with nats_servers() as (server,):
        yield server


@pytest.fixture
async def cluster(postgres_url: str, nats: NatsServer) -> AsyncIterator[Sequence[InProcessNode]]:
    async with two_houses(postgres_url, nats) as houses:
        yield houses


@pytest.fixture
async def ada(house: InProcessNode) -> AsyncIterator[httpx.AsyncClient]:
    async with await client_of(house) as client:
        yield client


async def client_of(house: InProcessNode) -> httpx.AsyncClient:
    token = await house.token(await house.add_user())
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(
        base_url=house.node.url, headers=headers, trust_env=False, timeout=HANG_TIMEOUT
    )


async def refused(house: InProcessNode, token: str) -> tuple[int, str]:
    async with connect(f"{house.socket_url}?access_token={token}") as client:
        return await closed(client)


async def test_a_key_with_listen_opens_the_socket_and_marks_read(
    house: InProcessNode, ada: httpx.AsyncClient
) -> None:
    key = (await a_key(ada, "listen"))["key"]
    (posted,) = await house.post(await user_of(house), "hello")
    header = {"Authorization": f"Bearer {key}"}
    async with connect(house.socket_url, additional_headers=header) as client:
        assert "CONNECTION_ESTABLISHED" in str(await client.recv())
        assert json.loads(await client.recv())["id"] == posted.id
    async with house.connected(key) as client:
        assert json.loads(await client.recv())["id"] == posted.id
        await client.send(json.dumps({"action": "mark_read", "id": posted.id}))
        await client.send("PING")
        await client.recv()
    assert (await ada.get("/api/notifications/unread-count")).json() == {"unread": 0}


async def user_of(house: InProcessNode) -> User:
    found = await house.node.database.read(lambda c: accounts.user(c, "user-ada"))
    assert found
    return found


@pytest.mark.parametrize("scope", ["notify", "stock:read", "stock:write", "calendar"])
async def test_a_key_without_listen_on_the_socket_is_1008_invalid_access_token(
    house: InProcessNode, ada: httpx.AsyncClient, scope: str
) -> None:
    key = (await a_key(ada, scope))["key"]
    for _ in range(2):  # the second is found in memory
        assert await refused(house, key) == INVALID
    ticket = await ada.post("/api/ws/ticket", headers={"Authorization": f"Bearer {key}"})
    assert ticket.status_code == 403
    assert "this needs listen" in ticket.json()["detail"]


async def test_an_unknown_or_damaged_key_is_1008_invalid_access_token(
    house: InProcessNode, ada: httpx.AsyncClient
) -> None:
    made = await a_key(ada, "listen")
    await ada.delete(f"/api/keys/{made['id']}")
    assert await refused(house, made["key"]) == INVALID
    assert await refused(house, made["key"][:-1]) == INVALID
    assert await refused(house, "uby_") == INVALID


async def test_a_deleted_key_that_holds_a_socket_is_1008_access_revoked(
    house: InProcessNode, ada: httpx.AsyncClient
) -> None:
    made = [await a_key(ada, "listen") for _ in range(2)]
    async with (
        house.connected(made[0]["key"]) as ended,
        house.connected(made[1]["key"]) as other,
    ):
        await ada.delete(f"/api/keys/{made[0]['id']}")
        assert await closed(ended) == REVOKED
        await other.send("PING")
        assert json.loads(await other.recv()) == {"type": "pong"}
    assert await refused(house, made[0]["key"]) == REVOKED


async def test_signing_out_everywhere_leaves_the_socket_of_a_key_open(
    house: InProcessNode, ada: httpx.AsyncClient
) -> None:
    key = (await a_key(ada, "listen"))["key"]
    token = ada.headers["authorization"].removeprefix("Bearer ")
    async with house.connected(key) as program, house.connected(token) as device:
        await ada.post("/api/auth/logout-all")
        assert await closed(device) == REVOKED
        await program.send("PING")
        assert json.loads(await program.recv()) == {"type": "pong"}


async def test_a_deleted_key_ends_sockets_of_other_nodes_and_their_requests(
    cluster: Sequence[InProcessNode],
) -> None:
    first, second = cluster
    async with await client_of(first) as ada:
        made = await a_key(ada, "listen")
        program = {"Authorization": f"Bearer {made['key']}"}
        async with second.connected(made["key"]) as client:
            listed = f"{second.node.url}/api/notifications"
            assert (await ada.get(listed, headers=program)).status_code == 200
            await followed(second)
            await ada.delete(f"/api/keys/{made['id']}")
            assert await closed(client) == REVOKED
            assert (await ada.get(listed, headers=program)).status_code == 401


async def test_a_ticket_of_a_key_opens_a_socket_that_the_key_ends(
    house: InProcessNode, ada: httpx.AsyncClient
) -> None:
    made = await a_key(ada, "listen")
    answer = await ada.post("/api/ws/ticket", headers={"Authorization": f"Bearer {made['key']}"})
    async with house.connected(answer.json()["ticket"]) as client:
        await ada.delete(f"/api/keys/{made['id']}")
        assert await closed(client) == REVOKED


@pytest.mark.parametrize("by_ticket", [False, True])
async def test_an_extended_session_of_a_key_has_products_only_with_stock_read(
    house: InProcessNode, ada: httpx.AsyncClient, by_ticket: bool
) -> None:
    async def token(*scopes: str) -> str:
        key: str = (await a_key(ada, *scopes))["key"]
        if not by_ticket:
            return key
        headers = {"Authorization": f"Bearer {key}"}
        ticket: str = (await ada.post("/api/ws/ticket", headers=headers)).json()["ticket"]
        return ticket

    extended: Any = {"subprotocols": ["useby.v1"]}
    async with (
        house.connected(await token("listen"), **extended) as listener,
        house.connected(await token("listen", "stock:read"), **extended) as reader,
    ):
        await ada.post("/api/products", json={"name": "Milk", "expiryDate": "2099-03-04"})
        assert json.loads(await reader.recv())["type"] == "PRODUCT"
        await ada.post("/api/notifications", json={"message": "next"})
        assert json.loads(await listener.recv())["message"] == "next"


@pytest.mark.parametrize("way", ["key", "ticket", "ticket of the version before"])
async def test_a_socket_of_a_key_has_the_products_of_its_household_only(
    house: InProcessNode, ada: httpx.AsyncClient, way: str
) -> None:
    async with house.rest(await house.token(await house.add_user("bob"))) as bob:
        await join(bob, "user-bob", ada, "editor")

        async def token(household: str) -> str:
            key: str = (await a_key(ada, "listen", "stock:read", householdId=household))["key"]
            if way == "key":
                return key
            headers = {"Authorization": f"Bearer {key}"}
            ticket: str = (await ada.post("/api/ws/ticket", headers=headers)).json()["ticket"]
            return ticket

        shared, own = await token("user-bob"), await token("user-ada")
        if way == "ticket of the version before":
            nothing = sa.update(tickets).values(household_id=None)
            await house.node.database.write(lambda t: t.connection.execute(nothing))
        extended: Any = {"subprotocols": ["useby.v1"]}
        async with (
            house.connected(shared, **extended) as of_shared,
            house.connected(own, **extended) as of_own,
        ):
            for person, name in ((ada, "A"), (bob, "B"), (ada, "C"), (bob, "D"), (ada, "E")):
                await person.post("/api/products", json={"name": name, "expiryDate": "2099-03-04"})
            got = [[await next_product(each) for _ in range(2)] for each in (of_shared, of_own)]
    hers = [("A", "user-ada"), ("C", "user-ada")]
    is_before = way == "ticket of the version before"
    assert got == [hers if is_before else [("B", "user-bob"), ("D", "user-bob")], hers]


async def next_product(client: ClientConnection) -> tuple[str, str]:
    """The next product that a client is sent, and its household."""
    got = await next_of(client, "PRODUCT")
    return got["product"]["name"], got["householdId"]


async def next_of(client: ClientConnection, *types: str) -> dict[str, Any]:
    """The next frame of one of these types that a client is sent."""
    async with asyncio.timeout(HANG_TIMEOUT):
        while True:
            got: dict[str, Any] = json.loads(await client.recv())
            if got["type"] in types:
                return got


async def test_a_session_continues_with_a_key_that_may_listen_and_with_no_other(
    house: InProcessNode, ada: httpx.AsyncClient
) -> None:
    good, bad = [(await a_key(ada, scope))["key"] for scope in ("listen", "notify")]
    token = ada.headers["authorization"].removeprefix("Bearer ")
    async with house.connected(token, subprotocols=["useby.v1"]) as client:
        await client.send(json.dumps({"action": "authenticate", "access_token": bad}))
        assert json.loads(await client.recv())["type"] == "REJECTED"
        await client.send(json.dumps({"action": "authenticate", "access_token": good}))
        answer = json.loads(await client.recv())
        assert answer == {"type": "AUTHENTICATED", "expiresAt": "9999-12-31T23:59:59Z"}


async def test_a_session_that_continues_with_another_key_has_the_products_of_its_household_only(
    house: InProcessNode, ada: httpx.AsyncClient
) -> None:
    async with house.rest(await house.token(await house.add_user("bob"))) as bob:
        await join(bob, "user-bob", ada, "editor")
        scopes = ("listen", "stock:read")
        of_bob = (await a_key(bob, *scopes))["key"]
        own, shared = [
            (await a_key(ada, *scopes, householdId=each))["key"]
            for each in ("user-ada", "user-bob")
        ]

        async def continues_with(key: str) -> dict[str, Any]:
            await client.send(json.dumps({"action": "authenticate", "access_token": key}))
            return await next_of(client, "REJECTED", "AUTHENTICATED")

        async def add(*names: str) -> None:
            """Add a product to the household of Ada, then one to that of Bob."""
            for person, name in zip((ada, bob), names, strict=True):
                await person.post("/api/products", json={"name": name, "expiryDate": "2099-03-04"})

        async with house.connected(own, subprotocols=["useby.v1"]) as client:
            refused = await continues_with(of_bob)
            assert (refused["type"], refused["reason"]) == ("REJECTED", "Invalid access token")
            await add("A", "B")
            assert await next_product(client) == ("A", "user-ada")
            assert (await continues_with(shared))["type"] == "AUTHENTICATED"
            await add("C", "D")
            found = await next_product(client)
            if found == ("B", "user-bob"):  # its frame was made after the session continued
                found = await next_product(client)
            assert found == ("D", "user-bob")


async def test_the_key_of_an_expired_socket_is_1008_access_token_expired(
    house: InProcessNode, ada: httpx.AsyncClient
) -> None:
    later = (house.wall() + timedelta(days=1)).isoformat()
    key = (await a_key(ada, "listen", expiresAt=later))["key"]
    async with house.connected(key) as client:
        house.wall.jump(days=2)
        assert await closed(client) == (1008, "Access token expired")
    assert await refused(house, key) == (1008, "Access token expired")
