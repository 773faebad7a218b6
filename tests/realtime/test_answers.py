"""Each answered request is counted by its route, and logged without its URL if asked for."""

import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from tests.realtime.test_http import KEY, answer, upgrade
from tests.support.cli_result import logging_put_back
from tests.support.in_process_node import InProcessNode
from tests.support.settings import SettingsWithoutFile

from useby import logs

SECRET = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJhbm5hIn0.b2xkLXNpZ25hdHVyZQ"
NOTIFICATIONS = "/api/notifications"
SOCKET = "/api/ws/notification"
ANSWERS = (
    ("POST", NOTIFICATIONS, 201),
    ("POST", f"{NOTIFICATIONS}/{{notification_id}}/read", 200),
    ("GET", "/api/products", 200),
    ("GET", "none", 404),
    ("POST", "none", 413),
    ("GET", SOCKET, 101),
    ("GET", SOCKET, 426),
)
"""Method, route and status of the answers to ``send_requests``."""


@pytest.fixture(params=[{"access_log": True}, {"log_level": "DEBUG"}])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    with logging_put_back():
        logs.configure(SettingsWithoutFile(**request.param), stream)
        yield stream


def counted(method: str, route: str, status: int) -> float:
    name = "useby_http_request_duration_seconds_count"
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value(name, labels) or 0


async def send_requests(house: InProcessNode) -> None:
    """Send one request of each kind, some with a secret or an e-mail in the URL."""
    token = await house.token(await house.add_user())
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=house.node.url, headers=headers) as client:
        posted = await client.post(NOTIFICATIONS, json={"message": "hello"})
        assert posted.status_code == 201
        read = await client.post(f"{NOTIFICATIONS}/{posted.json()['id']}/read")
        assert read.status_code == 200
        listed = await client.get("/api/products", params={"q": "ada@useby.example"})
        assert listed.status_code == 200
        assert (await client.get(f"/ada@useby.example/{SECRET}")).status_code == 404
        assert (await client.post(NOTIFICATIONS, content=b"x" * 20_000)).status_code == 413
    await answer(house, upgrade(f"{SOCKET}?access_token={SECRET}"))
    await answer(house, upgrade(f"{SOCKET}?ticket={KEY}", Sec_WebSocket_Version="8"))


async def test_a_request_gets_one_line_without_a_secret_if_it_is_asked_for(
    house: InProcessNode, log: io.StringIO
) -> None:
    await send_requests(house)
    lines = [line for line in log.getvalue().splitlines() if "[useby.access]" in line]
    assert [line.split()[3:7] for line in lines] == [
        ["127.0.0.1", method, route, str(status)] for method, route, status in ANSWERS
    ]
    for secret in ("@", SECRET[:20], KEY, "token", "ticket"):
        assert not [line for line in lines if secret in line]


async def test_a_request_gets_no_line_by_default(house: InProcessNode) -> None:
    stream = io.StringIO()
    with logging_put_back():
        logs.configure(SettingsWithoutFile(), stream)
        await send_requests(house)
    assert stream.getvalue()
    assert ".access]" not in stream.getvalue()  # neither ours nor uvicorn's


async def test_a_request_is_counted_by_method_route_and_status(house: InProcessNode) -> None:
    before = [counted(*each) for each in ANSWERS]
    await send_requests(house)
    assert [counted(*each) for each in ANSWERS] == [count + 1 for count in before]


async def test_a_request_for_a_host_that_is_not_served_is_counted(start: Any) -> None:
    house = await start(allowed_hosts=("useby.example",))
    before = counted("GET", "none", 400)
    async with httpx.AsyncClient(base_url=house.node.url) as client:
        assert (await client.get("/metrics")).status_code == 400
    assert counted("GET", "none", 400) == before + 1
