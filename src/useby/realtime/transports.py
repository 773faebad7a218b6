"""Free a closed asyncio transport at once."""

import asyncio
import contextlib


def break_transport_cycle(transport: asyncio.Transport) -> None:
    """Break the cycle of a closed asyncio transport and its bound method, to free it at once."""
    with contextlib.suppress(AttributeError):
        del transport._read_ready_cb  # type: ignore[attr-defined]  # noqa: SLF001 - it is closed
