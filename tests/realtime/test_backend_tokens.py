"""Tokens of an application's own backend, at a running node: REST, the socket, and the log."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from tests.support import patient_client
from tests.support import process_node as live
from tests.support.foreign_clients import Connect, Ended, client_of, take, until_closed
from tests.support.process_node import NodeProcess, until
from tests.support.time_limits import HANG_TIMEOUT
from websockets import Subprotocol

SECRET = secrets.token_urlsafe(48)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with live.serving(
        tmp_path_factory.mktemp("backend"),
        jwt_secret=SECRET,
        jwt_user_claim="userId",
        jwt_audience="useby",
        jwt_auto_provision=True,
    ) as server:
        server.secrets.add(SECRET)
        yield server


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    async with client_of("websockets") as connect:
        yield connect


def token(server: NodeProcess, user: object, secret: str = SECRET, **changes: Any) -> str:
    second = int(datetime.now(UTC).timestamp())
    claims = {"userId": user, "aud": "useby", "iat": second, "exp": second + 60} | changes
    made = jwt.encode(claims, secret, "HS256")
    server.secrets.add(made)
    return made


async def test_a_numeric_user_of_the_backend_has_an_account_and_a_socket_of_their_own(
    server: NodeProcess, connect: Connect
) -> None:
    mine, other = token(server, 7), token(server, 8)
    sockets = [await connect(server.socket_url(each)) for each in (mine, other)]
    for socket in sockets:
        await take(socket, 1)
    async with server.rest() as rest:
        headers = {"Authorization": f"Bearer {mine}"}
        assert (await rest.get("/api/me", headers=headers)).json()["id"] == "7"
        posted = await rest.post(
            "/api/notifications", json={"message": "for seven"}, headers=headers
        )
        assert posted.status_code == 201
        other_list = await rest.get(
            "/api/notifications", headers={"Authorization": f"Bearer {other}"}
        )
        assert other_list.json()["items"] == []
    (frame,) = await take(sockets[0], 1)
    assert frame["message"] == "for seven"
    await sockets[1].ping()
    for socket in sockets:
        await socket.close()


async def test_a_ticket_for_a_token_of_the_backend_opens_the_socket(
    server: NodeProcess, connect: Connect
) -> None:
    async with server.rest() as rest:
        headers = {"Authorization": f"Bearer {token(server, 'ada')}"}
        ticket = (await rest.post("/api/ws/ticket", headers=headers)).json()["ticket"]
    server.secrets.add(ticket)
    await take(await connect(server.socket_url(ticket)), 1)


async def test_a_refused_token_is_logged_with_its_reason_and_without_its_text(
    server: NodeProcess, connect: Connect
) -> None:
    for refused in (
        token(server, "ada", "another secret of a good many characters"),
        token(server, "ada", aud="shop"),
    ):
        _, ended = await until_closed(await connect(server.socket_url(refused)))
        assert ended == Ended(1008, "Invalid access token")
    secret = "signature: it was not made with USEBY_JWT_SECRET"
    wrong = "audience: USEBY_JWT_AUDIENCE is 'useby', and aud is 'shop' (user 'ada')"
    await until(lambda: secret in server.log and wrong in server.log)


async def test_a_socket_that_opens_and_closes_has_two_lines_at_debug(
    server: NodeProcess, connect: Connect
) -> None:
    socket = await connect(server.socket_url(token(server, "bob")))
    await take(socket, 1)
    await until(lambda: "a plain socket of user 'bob' opens, one of 1" in server.log)
    async with server.rest() as rest:
        headers = {"Authorization": f"Bearer {token(server, 'bob')}"}
        assert (await rest.post("/api/auth/logout-all", headers=headers)).status_code == 204
    await until_closed(socket)
    line = "a socket of user 'bob' closed: sent 1008 'Access revoked', received 1008"
    await until(lambda: line in server.log)


async def test_an_extended_socket_is_named_so_at_debug(server: NodeProcess) -> None:
    url = server.socket_url(token(server, "eve"))
    async with patient_client.connect(url, subprotocols=[Subprotocol("useby.v1")]) as socket:
        async with asyncio.timeout(HANG_TIMEOUT):
            await socket.recv()
    await until(lambda: "an extended socket of user 'eve' opens, one of 1" in server.log)
