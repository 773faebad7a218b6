"""F38: the secret key is replaced, at once or with the previous one beside it for a time."""

import secrets
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.support.foreign_clients import Connect, Ended, client_of, take, until_closed
from tests.support.process_node import NodeProcess, until

INVALID = Ended(1008, "Invalid access token")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NodeProcess]:
    server = NodeProcess(tmp_path)
    try:
        yield server.start()
        server.assert_clean_log()
    finally:
        server.end()


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    async with client_of("websockets") as connect:
        yield connect


class Device:
    """A signed-in device: its tokens, and a ticket."""

    def __init__(self, server: NodeProcess) -> None:
        self._server = server
        self._account = {"email": f"{uuid.uuid4()}@example.org", "password": "correct horse"}
        self.access = self.refresh = self.ticket = ""

    async def sign_in(self) -> None:
        async with self._server.rest() as rest:
            await rest.post("/api/auth/signup", json=self._account)
            answer = await rest.post("/api/auth/login", json=self._account)
            self.access, self.refresh = answer.json()["accessToken"], answer.json()["refreshToken"]
            headers = {"Authorization": f"Bearer {self.access}"}
            answer = await rest.post("/api/ws/ticket", headers=headers)
            self.ticket = answer.json()["ticket"]
        self._server.secrets |= {self.access, self.refresh, self.ticket}

    async def renew(self) -> int:
        """Present the refresh token; keep what it gives, and return the status."""
        async with self._server.rest() as rest:
            answer = await rest.post("/api/auth/refresh", json={"refreshToken": self.refresh})
            if answer.status_code == 200:
                tokens = answer.json()
                self.access, self.refresh = tokens["accessToken"], tokens["refreshToken"]
                self._server.secrets |= {self.access, self.refresh}
        return answer.status_code


def restart(server: NodeProcess, **keys: str) -> None:
    """Start the node with these keys, as an operator replaces them."""
    assert server.stop() == 0
    server.settings.pop("secret_key_previous", None)
    server.settings |= keys
    server.secrets |= set(keys.values())
    server.start()


def new_key() -> str:
    return secrets.token_urlsafe(48)


async def test_a_new_key_ends_tokens_refresh_tokens_and_tickets(
    server: NodeProcess, connect: Connect
) -> None:
    device = Device(server)
    await device.sign_in()
    restart(server, secret_key=new_key())
    assert await device.renew() == 401
    for token in (device.access, device.ticket):
        _, ended = await until_closed(await connect(server.socket_url(token)))
        assert ended == INVALID
    await until(lambda: "the signing key is another than before" in server.log)
    await device.sign_in()
    assert await device.renew() == 200


async def test_with_the_previous_key_all_sign_ins_continue_under_the_new_one(
    server: NodeProcess, connect: Connect
) -> None:
    first, late, new = Device(server), Device(server), new_key()
    for device in (first, late):
        await device.sign_in()
    restart(server, secret_key=new, secret_key_previous=server.key)
    for token in (first.access, first.ticket):
        await take(await connect(server.socket_url(token)), 1)
    assert await first.renew() == 200
    restart(server, secret_key=new)
    await take(await connect(server.socket_url(first.access)), 1)
    assert await first.renew() == 200
    assert await late.renew() == 401, "it was not renewed while both keys were accepted"


async def test_an_upgrade_ends_no_sign_in_and_a_key_that_is_replaced_later_does(
    server: NodeProcess,
) -> None:
    device, other = Device(server), Device(server)
    for each in (device, other):
        await each.sign_in()
    server.stop()
    with server.writing() as transaction:  # as the version before migration 0010 stored them
        transaction.connection.exec_driver_sql("UPDATE sessions SET key_id = NULL")
        transaction.connection.exec_driver_sql("DELETE FROM signing_keys")
    server.start()
    assert await device.renew() == 200
    restart(server, secret_key=new_key())
    assert await other.renew() == 401
    assert await device.renew() == 401
