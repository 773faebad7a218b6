"""The node's listener and limits (the node as a whole runs in ``journeys``, ``faults``, …).

covers: useby.listening
"""

import asyncio
import socket
from typing import Any

import httpx
import pytest
from tests.support.in_process_node import InProcessNode
from tests.support.node_fixtures import start, wall
from tests.support.settings import SettingsWithoutFile
from tests.support.time_limits import HANG_TIMEOUT
from uvicorn.config import Config
from uvicorn.server import ServerState

from useby.listening import Door, listen
from useby.realtime.deadlines import TimedHttpProtocol
from useby.realtime.slots import ConnectionSlots, SlotLimits

__all__ = ["start", "wall"]

HERE, THERE = "198.51.100.1", "203.0.113.7"
"""Two visitors' addresses, as a proxy forwards them."""


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_accepted_sockets_send_at_once_and_the_kernel_keeps_64_kib_for_them(
    host: str,
) -> None:
    """Nagle's algorithm would hold a frame that follows another until a delayed acknowledgement."""
    accepted: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()

    class Accepting(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            sock: socket.socket = transport.get_extra_info("socket")
            no_delay = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            accepted.set_result((no_delay, sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)))

    listener = listen(SettingsWithoutFile(host=host, port=0))
    async with await asyncio.get_running_loop().create_server(Accepting, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        no_delay, kept = await accepted
        writer.close()
        await writer.wait_closed()
    assert no_delay
    assert kept == 64 * 1024


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_connection_has_the_addresses_of_both_its_ends(host: str) -> None:
    made: asyncio.Future[TimedHttpProtocol] = asyncio.get_running_loop().create_future()

    class Accepting(TimedHttpProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            made.set_result(self)

    settings = SettingsWithoutFile(host=host, port=0)
    config = Config(nothing, lifespan="off", ws="none", log_config=None)
    listener = listen(settings)
    door = Door(
        listener,
        lambda: Accepting(settings, config, ServerState(), {}),  # type: ignore[arg-type,return-value]
        ConnectionSlots(SlotLimits(connections=1, requests=1), lambda: 0),
    )
    _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
    accepted = await made
    assert accepted.server == writer.get_extra_info("peername")[:2]
    assert accepted.client == writer.get_extra_info("sockname")[:2]
    assert accepted.transport.get_extra_info("socket").family == listener.family
    door.close()
    accepted.transport.close()
    writer.close()
    await writer.wait_closed()
    listener.close()


async def nothing(_scope: object, _receive: object, _send: object) -> None:
    """Answer nothing."""


async def attempts(house: InProcessNode, *events: str) -> list[int]:
    """Return the answers to sign-ins from here that claim to come from these addresses."""
    async with httpx.AsyncClient(
        base_url=house.node.url, trust_env=False, timeout=HANG_TIMEOUT
    ) as client:
        return [
            (
                await client.post(
                    "/api/auth/login",
                    json={"email": f"{number}@useby.example", "password": "a wrong one"},
                    headers={"X-Forwarded-For": address},
                )
            ).status_code
            for number, address in enumerate(events)
        ]


@pytest.mark.parametrize("trusted", [{}, {"trusted_proxies": "10.0.0.0/8,127.0.0.0/8"}], ids=str)
async def test_the_client_address_is_taken_from_a_trusted_proxy(
    start: Any, trusted: dict[str, str]
) -> None:
    house = await start(login_rate="1/minute", **trusted)
    assert await attempts(house, HERE, THERE, HERE) == [401, 401, 429]
    assert await attempts(house, f"192.0.2.1, {THERE}") == [429], "only the last word is its own"


@pytest.mark.parametrize("trusted", ["10.0.0.0/8", "127.0.0.2,::1", ""])
async def test_a_visitor_is_no_trusted_proxy_whatever_the_environment_has(
    start: Any, trusted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    house = await start(login_rate="1/minute", trusted_proxies=trusted)
    assert await attempts(house, HERE, THERE) == [401, 429]
