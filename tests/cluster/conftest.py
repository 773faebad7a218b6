"""The servers under the clusters of every test here."""

from collections.abc import Iterator

import pytest
from tests.support.nats_servers import NatsServer, nats_servers


@pytest.fixture
def nats() -> Iterator[list[NatsServer]]:
    with nats_servers(3) as servers:
        yield servers
