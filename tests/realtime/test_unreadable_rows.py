"""A row that cannot be read closes only the connection that needs it, on both databases."""

import asyncio
import json
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.databases import database_url
from tests.support.in_process_node import InProcessNode, closed
from tests.support.time_limits import HANG_TIMEOUT

from useby.domain.account import User
from useby.domain.events import NotificationsAdded
from useby.realtime import frames
from useby.store.schema import notifications

__all__ = ["database_url"]


@pytest.fixture
async def either(start: Any, database_url: str) -> InProcessNode:
    house: InProcessNode = await start(database_url=database_url)
    return house


async def _spoil(house: InProcessNode, user: User) -> None:
    """A row as only a newer version would write it."""
    await house.node.database.write(
        lambda t: t.connection.execute(
            sa.update(notifications).where(notifications.c.user_id == user.id).values(event="later")
        )
    )


async def test_an_unreadable_row_closes_only_the_connection_that_needs_it(
    either: InProcessNode,
) -> None:
    ada, eve = await either.add_user(), await either.add_user("eve")
    await either.post(ada, "1")
    await either.post(eve, "1")
    await _spoil(either, ada)
    async with (
        either.connected(await either.token(ada)) as hers,
        either.connected(await either.token(eve, "s2")) as theirs,
    ):
        async with asyncio.timeout(HANG_TIMEOUT):
            assert json.loads(await theirs.recv())["message"] == "1"
            assert (await closed(hers))[0] == 1011
            await either.post(eve, "2")
            assert json.loads(await theirs.recv())["message"] == "2"


@pytest.mark.parametrize("since", ["%00", "%ED%A0%80", "x" * 100, "'", "1" * 40])
async def test_a_since_that_is_no_id_means_all_unread_on_either_store(
    either: InProcessNode, since: str
) -> None:
    user = await either.add_user()
    await either.post(user, "1")
    async with either.connected(f"{await either.token(user)}&since={since}") as client:
        async with asyncio.timeout(HANG_TIMEOUT):
            assert json.loads(await client.recv())["message"] == "1"


async def test_a_notification_whose_push_failed_is_found_by_a_comparison(
    either: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await either.add_user()
    async with either.connected(await either.token(user)) as client:
        with monkeypatch.context() as patched:
            patched.setattr(frames, "notifications", _fail)
            await either.post(user, "1")
        either.node.hub.reconciler.users_soon([user.id])
        async with asyncio.timeout(HANG_TIMEOUT):
            assert json.loads(await client.recv())["message"] == "1"


def _fail(*_: object) -> None:
    raise RuntimeError(NotificationsAdded.__name__)
