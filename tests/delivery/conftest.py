"""Tests of the delivery are of both stores."""

from collections.abc import AsyncIterator

import pytest
from tests.support.channel_house import ChannelHouse
from tests.support.channel_kinds import make
from tests.support.databases import database_url
from tests.support.node_fixtures import house, start, wall
from tests.support.webhook_receiver import Receiver, receiving

from useby.store.database import Database

__all__ = ["database_url", "house", "make", "start", "wall"]


@pytest.fixture
def channels_house(database: Database) -> ChannelHouse:
    return ChannelHouse(database)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running
