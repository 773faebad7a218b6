"""One process of each library and one node serve a worker's scenarios."""

from collections.abc import Iterator

import pytest

from drivers import Driver
from live import Server, serving


class Running(dict[str, Driver]):
    """The libraries' processes, each from the first time that it is asked for."""

    def __missing__(self, library: str) -> Driver:
        self[library] = driver = Driver(library)
        return driver


@pytest.fixture(scope="session")
def drivers() -> Iterator[Running]:
    """The libraries' processes."""
    running = Running()
    yield running
    for driver in running.values():
        driver.end()


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A node as it is by default, for those scenarios that leave it alone."""
    with serving(tmp_path_factory.mktemp("clients")) as server:
        yield server
