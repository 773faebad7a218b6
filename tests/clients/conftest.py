"""One process of each library and one node serve a worker's scenarios."""

from collections.abc import Iterator

import pytest
from tests.support.client_drivers import Driver
from tests.support.process_node import NodeProcess, serving


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
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node as it is by default, for those scenarios that leave it alone."""
    with serving(tmp_path_factory.mktemp("clients")) as server:
        yield server
