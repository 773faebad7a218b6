"""One Chromium for each file, and a new node for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect
from tests.support.process_node import NodeProcess, serving
from tests.support.time_limits import HANG_TIMEOUT

CHROMIUM: Final = Path("/usr/bin/chromium")
expect.set_options(timeout=HANG_TIMEOUT * 1000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium, in which each test has a context of its own, as in a private window."""
    assert CHROMIUM.exists(), "Chromium is missing; on Debian: apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NodeProcess]:
    with serving(tmp_path) as server:
        yield server
