"""Contract, section 1: the endpoint."""

import json

import httpx
from tests.support import process_node as live
from tests.support.foreign_clients import Connect, take
from tests.support.process_node import NodeProcess, Person
from tests.support.settings import SettingsWithoutFile


async def test_get_api_ws_notification_with_an_access_token_and_an_upgrade_opens_the_socket(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    client = await connect(f"{server.socket_url()}?access_token={person.token}")
    assert json.loads(await client.recv())["type"] == "CONNECTION_ESTABLISHED"


async def test_the_socket_is_on_the_same_host_and_port_as_the_rest_api(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    client = await connect(server.socket_url(person.token))
    posted = await live.post(rest, person, "by REST, on the same port")
    _, answer = await take(client, 2)
    assert answer["id"] == posted["id"]


def test_the_default_is_localhost_8000(tmp_path: str) -> None:
    settings = SettingsWithoutFile()
    assert (settings.on_loopback, settings.port) == (True, 8000)
