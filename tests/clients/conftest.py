"""One process of each library and one node serve a worker's scenarios."""

from collections.abc import Iterator

import pytest

from drivers import COMMANDS, Driver
from live import Server, serving


@pytest.fixture(scope="session")
def drivers() -> Iterator[dict[str, Driver]]:
    """The libraries' processes."""
    running = {library: Driver(library) for library in COMMANDS}
    yield running
    for driver in running.values():
        driver.end()


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A node as it is by default, for those scenarios that leave it alone."""
    with serving(tmp_path_factory.mktemp("clients")) as server:
        yield server
