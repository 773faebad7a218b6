"""Run one node as a process, until an operator or the parent process stops it."""

import asyncio
from collections.abc import Callable

from useby import logs
from useby.node import running
from useby.process import (
    RateLimitedHandler,
    StopRequests,
    raise_file_limit,
    stop_signals_deferred,
    tune_interpreter,
)
from useby.settings import Settings


def serve(
    settings: Settings,
    ready: Callable[[str], None] = lambda _: None,
    *,
    share_port: bool = False,
    new_database: bool = False,
) -> int:
    """Run a node until SIGTERM or SIGINT.

    Args:
        settings: The node's settings.
        ready: Called with the node's URL once it listens.
        share_port: Whether other processes listen on the same port. The node then also stops when
            its standard input ends, which the parent process holds open.
        new_database: Whether to start with an empty file in place of one that existed and is
            missing.

    Returns:
        The exit status of the process: 0 after a requested stop.
    """

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(RateLimitedHandler(loop))
        requests = StopRequests(with_parent=share_port)
        try:
            async with running(settings, share_port=share_port, new_database=new_database) as node:
                requests.stop = node.stop
                tune_interpreter()
                ready(node.url)
        except asyncio.CancelledError:
            if not requests.cancelled_start:
                raise

    # A process that has read our first line of output may already send a signal.
    with stop_signals_deferred():
        logs.configure(settings)
        raise_file_limit()
        asyncio.run(main())
    return 0
