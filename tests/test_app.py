"""The node's listener and limits (the node as a whole runs in ``journeys``, ``faults``, …)."""

import asyncio
import socket

import pytest

from useby.app import listen
from useby.settings import Settings


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

    listener = listen(Settings(_env_file=None, host=host, port=0))
    async with await asyncio.get_running_loop().create_server(Accepting, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        no_delay, kept = await accepted
        writer.close()
        await writer.wait_closed()
    assert no_delay
    assert kept == 64 * 1024
