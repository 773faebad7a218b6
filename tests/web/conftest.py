"""One Chromium for all tests of the page that a worker runs, and a new node for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect
from tests.support.chromium import launched
from tests.support.fake_camera import Camera
from tests.support.process_node import NodeProcess, serving
from tests.support.time_limits import HANG_TIMEOUT

FOLDER: Final = Path(__file__).parent
NAMES: Final = "--host-resolver-rules=MAP fridge.example 127.0.0.1"
"""Flag that gives a node on loopback an address that is not."""
expect.set_options(timeout=HANG_TIMEOUT * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder on one event loop, that of the browser."""
    for item in items:
        if FOLDER in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Camera:
    """The camera of the browser: each test shows it what it is to see."""
    return Camera(tmp_path_factory.mktemp("camera") / "camera.y4m")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(camera: Camera) -> AsyncIterator[Browser]:
    """One Chromium, in which each test has a context of its own, as in a private window."""
    async with async_playwright() as playwright:
        browser = await launched(playwright, NAMES, *camera.flags)
        yield browser
        await browser.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NodeProcess]:
    """A node of the test's own."""
    with serving(tmp_path) as server:
        yield server
