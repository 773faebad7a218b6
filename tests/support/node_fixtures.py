"""Fixtures of a node in the test's own process, for whichever folder asks for them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.in_process_node import InProcessNode, SettableClock
from tests.support.migrated_files import new_file
from tests.support.settings import SettingsWithoutFile
from tests.support.time_limits import NO_SWEEP

from useby.node import running


@pytest.fixture
def wall() -> SettableClock:
    return SettableClock()


@pytest.fixture
async def start(tmp_path: Path, wall: SettableClock) -> AsyncIterator[Any]:
    """Start a node with given settings."""
    async with AsyncExitStack() as stack:

        async def started(**changed: Any) -> InProcessNode:
            path = tmp_path / "useby.db"
            new_file(path)
            base: dict[str, Any] = {
                "port": 0,
                "database_url": f"sqlite:///{path}",
                "secret_key": "k" * 32,
                "drain_seconds": 0,
                "close_timeout": 0.3,
                **NO_SWEEP,
            }
            settings = SettingsWithoutFile(**base | changed)
            node = await stack.enter_async_context(running(settings, wall))
            stack.callback(node.stop)
            return InProcessNode(node, wall)

        yield started


@pytest.fixture
async def house(start: Callable[[], Awaitable[InProcessNode]]) -> InProcessNode:
    """A running node with the settings a node has by default."""
    return await start()
