"""A node below a path of a proxy, which removes the path from each request.

covers: useby.api.proxies
"""

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from tests.support.in_process_node import InProcessNode
from tests.support.node_fixtures import start, wall
from tests.support.time_limits import HANG_TIMEOUT

__all__ = ["start", "wall"]

SOCKET = "/api/ws/notification"


def visitor(house: InProcessNode) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=house.node.url, trust_env=False, timeout=HANG_TIMEOUT)


async def prefixes(client: httpx.AsyncClient, *headers: str) -> tuple[str, str]:
    """Return the prefixes in the OpenAPI document and in the socket's, each empty without one."""
    sent = [("X-Forwarded-Prefix", header) for header in headers]
    document = (await client.get("/api/openapi.json", headers=sent)).json()
    (server,) = document.get("servers", [{"url": ""}])
    (channel,) = (await client.get("/api/asyncapi.json", headers=sent)).json()["channels"].values()
    assert channel["address"].endswith(SOCKET)
    return server["url"], channel["address"].removesuffix(SOCKET)


async def test_the_documents_have_the_prefix_that_a_trusted_proxy_sends(start: Any) -> None:
    house = await start()
    async with visitor(house) as client:
        assert await prefixes(client) == ("", "")
        assert await prefixes(client, "/useby/") == ("/useby", "/useby")
        assert await prefixes(client, "/of.the/client", "/a/b") == ("/a/b", "/a/b")
        wrong = ["useby", "//evil.example", "/../x", '/"', "/a b", "https://evil.example", "/", ""]
        for header in wrong:
            assert await prefixes(client, header) == ("", ""), header


async def test_the_documents_have_the_prefix_of_the_setting_and_ignore_that_of_a_visitor(
    start: Any,
) -> None:
    house = await start(root_path="/useby/", trusted_proxies="10.0.0.0/8")
    async with visitor(house) as client:
        assert await prefixes(client) == ("/useby", "/useby")
        assert await prefixes(client, "/evil") == ("/useby", "/useby")


@pytest.mark.parametrize("page", ["/", "/api/docs"])
async def test_every_address_of_a_page_stays_below_the_prefix(start: Any, page: str) -> None:
    async with visitor(await start(root_path="/useby")) as client:
        text = (await client.get(page)).text
        addresses = re.findall(r"""(?:src|href)="([^"]+)"|url: '([^']+)'""", text)
        assert len(addresses) > 3
        for address in map("".join, addresses):
            path = urlsplit(urljoin(f"https://home.example/useby{page}", address)).path
            assert path.startswith("/useby/"), address
            assert (await client.get(path.removeprefix("/useby"))).status_code == 200, address


async def test_the_address_of_a_calendar_is_the_one_that_the_client_sees(start: Any) -> None:
    house = await start(root_path="/useby", trusted_proxies="127.0.0.1")
    token = await house.token(await house.add_user())
    async with visitor(house) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        behind = {"Host": "home.example", "X-Forwarded-Proto": "https"}
        for headers, origin in (
            ({}, f"{house.node.url}/useby"),
            (behind, "https://home.example/useby"),
            (behind | {"X-Forwarded-Prefix": "/a/b"}, "https://home.example/a/b"),
        ):
            url = (await client.post("/api/calendars", headers=headers)).json()["url"]
            path = url.removeprefix(f"{origin}/api/calendars/")
            assert re.fullmatch(r"[\w-]{43}\.ics", path), url
            assert (await client.get(f"/api/calendars/{path}")).status_code == 200
