"""Closed transports are freed at once."""

import asyncio
import gc
import weakref

from useby.realtime.transports import break_transport_cycle


async def test_a_closed_transport_is_freed_without_the_collector() -> None:
    lost = asyncio.Event()
    transports: list[weakref.ref[asyncio.BaseTransport]] = []

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport: asyncio.Transport | None = transport  # type: ignore[assignment]
            transports.append(weakref.ref(transport))

        def connection_lost(self, _: Exception | None) -> None:
            assert self.transport is not None
            break_transport_cycle(self.transport)
            self.transport = None
            lost.set()

    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    gc.disable()
    try:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.close()
        await lost.wait()
        for _ in range(3):
            await asyncio.sleep(0)
        assert transports[0]() is None
    finally:
        gc.enable()
        server.close()


def test_a_transport_without_such_a_cycle_is_left_alone() -> None:
    break_transport_cycle(asyncio.Transport())
