"""Fixtures of a node in the test's own process, for whichever folder asks for them."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.in_process_node import InProcessNode, SettableClock
from tests.support.time_limits import NO_SWEEP

from useby.node import running
from useby.settings import Settings


@pytest.fixture
def wall() -> SettableClock:
    return SettableClock()


@pytest.fixture
async def start(migrated: Path, tmp_path: Path, wall: SettableClock) -> AsyncIterator[Any]:
    """Start a node with given settings."""
    async with AsyncExitStack() as stack:

        async def started(**settings: Any) -> InProcessNode:
            path = tmp_path / "useby.db"
            shutil.copy(migrated, path)
            values: dict[str, Any] = {
                "port": 0,
                "database_url": f"sqlite:///{path}",
                "secret_key": "k" * 32,
                "drain_seconds": 0,
                "close_timeout": 0.3,
                **NO_SWEEP,
                "_env_file": None,
            }
            node = await stack.enter_async_context(running(Settings(**values | settings), wall))
            stack.callback(node.stop)
            return InProcessNode(node, wall)

        yield started


@pytest.fixture
async def house(start: Any) -> InProcessNode:
    """A running node with the settings a node has by default."""
    return await start()
