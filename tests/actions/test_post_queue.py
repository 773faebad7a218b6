"""Posts that wait together share a transaction; each has its own outcome."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import asyncpg
import pytest
from tests.support.databases import database_url, on_postgres
from tests.support.rest_app import Rest, messages
from tests.support.time_limits import HANG_TIMEOUT

from useby.actions import post_queue as posts_module
from useby.domain.events import Event, NotificationsAdded
from useby.store import accounts, notifications
from useby.store.database import StoreUnavailable, Transaction
from useby.store.postgres import SETTINGS
from useby.store.turns import WAITED_FOR

__all__ = ["database_url"]


async def _written_by(rest: Rest, count: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the number of posts in each transaction from now on."""
    sizes: list[int] = []
    keep: Callable[..., Any] = posts_module.store

    def counted(transaction: Transaction, posts: Any, *args: Any, **named: Any) -> Any:
        sizes.append(len(posts))
        return keep(transaction, posts, *args, **named)

    monkeypatch.setattr(posts_module, "store", counted)
    return sizes


async def test_posts_that_wait_together_share_a_transaction_and_keep_their_order(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [await rest.person() for _ in range(2)]
    sizes = await _written_by(rest, 20, monkeypatch)
    published: list[Any] = []
    rest.database.on_commit = published.append
    answers = await asyncio.gather(
        *(
            people[number % 2][1].post("/api/notifications", json={"message": str(number)})
            for number in range(20)
        )
    )
    assert {answer.status_code for answer in answers} == {HTTPStatus.CREATED}
    assert [answer.json()["message"] for answer in answers] == [str(n) for n in range(20)]
    assert sum(sizes) == 20
    assert len(sizes) < 20
    for first, (user, client) in enumerate(people):
        assert await messages(client) == [str(n) for n in range(20)][first::2][::-1]
        mine = [
            each
            for each in published
            if isinstance(each, NotificationsAdded) and each.user_id == user.id
        ]
        assert [row.seq for news in mine for row in news.notifications] == list(range(1, 11))


async def test_a_user_whose_access_has_ended_gets_401_and_the_others_are_served(rest: Rest) -> None:
    gone, theirs = await rest.person()
    _, client = await rest.person()
    await rest.database.write(lambda t: accounts.end_sessions(t, gone.id, rest.now))
    refused, kept = await asyncio.gather(
        theirs.post("/api/notifications", json={"message": "no"}),
        client.post("/api/notifications", json={"message": "yes"}),
    )
    assert refused.status_code == HTTPStatus.UNAUTHORIZED
    assert kept.status_code == HTTPStatus.CREATED
    assert await messages(client) == ["yes"]
    left = await rest.database.read(lambda c: notifications.page_after(c, gone.id, 0, 10))
    assert left == []


async def test_a_post_that_cannot_be_stored_does_not_affect_the_others(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = await rest.person()
    store: Callable[..., Any] = posts_module.store

    def choosy(transaction: Transaction, posts: Any, *args: Any, **named: Any) -> Any:
        if any(post.draft.message == "poison" for post in posts):
            raise RuntimeError("no")
        return store(transaction, posts, *args, **named)

    monkeypatch.setattr(posts_module, "store", choosy)
    answers = await asyncio.gather(
        *(
            client.post("/api/notifications", json={"message": each})
            for each in ("one", "poison", "two")
        )
    )
    assert [answer.status_code for answer in answers] == [201, 500, 201]
    await client.post("/api/notifications", json={"message": "three"})
    assert await messages(client) == ["three", "two", "one"]


async def test_an_unavailable_database_is_503_for_each_post(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = await rest.person()

    def away(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(posts_module, "store", away)
        answers = await asyncio.gather(
            *(client.post("/api/notifications", json={"message": each}) for each in "ab")
        )
    assert {each.status_code for each in answers} == {HTTPStatus.SERVICE_UNAVAILABLE}
    assert {each.headers["retry-after"] for each in answers} == {"2"}
    assert (await client.post("/api/notifications", json={"message": "c"})).is_success
    assert await messages(client) == ["c"]


async def test_a_post_is_stored_although_its_client_hangs_up(rest: Rest) -> None:
    user, client = await rest.person()
    posting = asyncio.create_task(client.post("/api/notifications", json={"message": "kept"}))
    published = asyncio.Event()

    def hangs_up(_: Event) -> None:
        posting.cancel()
        published.set()

    rest.database.on_commit = hangs_up
    await published.wait()
    with pytest.raises(asyncio.CancelledError):
        await posting
    kept = await rest.database.read(lambda c: notifications.page_after(c, user.id, 0, 10))
    assert [each.message for each in kept] == ["kept"]


@on_postgres
async def test_strangers_do_not_wait_for_a_user_whose_row_is_locked(
    rest: Rest, database_url: str
) -> None:
    locked, theirs = await rest.person()
    _, stranger = await rest.person()
    other = await asyncpg.connect(database_url)
    try:
        holding = other.transaction()
        await holding.start()
        await other.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", locked.id)
        waiting = [
            asyncio.create_task(theirs.post("/api/notifications", json={"message": str(number)}))
            for number in range(5)
        ]
        for number in range(20):
            async with asyncio.timeout(HANG_TIMEOUT):
                sent = await stranger.post("/api/notifications", json={"message": str(number)})
            assert sent.status_code == HTTPStatus.CREATED
        assert not any(each.done() for each in waiting)
        await holding.rollback()
    finally:
        await other.close()
    answers = await asyncio.gather(*waiting)
    assert {each.status_code for each in answers} == {HTTPStatus.CREATED}
    assert await messages(theirs) == ["4", "3", "2", "1", "0"]
    assert (await theirs.post("/api/notifications", json={"message": "5"})).is_success


@on_postgres
async def test_a_row_that_stays_locked_is_503_for_its_owner_alone(
    rest: Rest, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SETTINGS, "lock_timeout", "300ms")  # nothing is connected yet
    locked, theirs = await rest.person()
    _, stranger = await rest.person()
    other = await asyncpg.connect(database_url)
    try:
        async with other.transaction():
            await other.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", locked.id)
            refused, kept = await asyncio.gather(
                theirs.post("/api/notifications", json={"message": "no"}),
                stranger.post("/api/notifications", json={"message": "yes"}),
            )
    finally:
        await other.close()
    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert kept.status_code == HTTPStatus.CREATED
    assert (await theirs.post("/api/notifications", json={"message": "again"})).is_success
    assert await messages(theirs) == ["again"]


@on_postgres
async def test_many_users_whose_rows_are_locked_lose_nothing_and_delay_no_stranger(
    rest: Rest, database_url: str
) -> None:
    """More than are waited for at a time; each has several posts, before and after the wait."""
    locked = [await rest.person() for _ in range(WAITED_FOR + 2)]
    _, stranger = await rest.person()
    other = await asyncpg.connect(database_url)
    try:
        holding = other.transaction()
        await holding.start()
        ids = [user.id for user, _ in locked]
        await other.execute("SELECT FROM users WHERE id = ANY($1) FOR UPDATE", ids)
        waiting = []
        for number in range(3):
            for _, theirs in locked:
                post = theirs.post("/api/notifications", json={"message": str(number)})
                waiting.append(asyncio.create_task(post))
            async with asyncio.timeout(HANG_TIMEOUT):
                sent = await stranger.post("/api/notifications", json={"message": str(number)})
            assert sent.status_code == HTTPStatus.CREATED
        await holding.rollback()
    finally:
        await other.close()
    assert {each.status_code for each in await asyncio.gather(*waiting)} == {HTTPStatus.CREATED}
    for _, theirs in locked:
        assert await messages(theirs) == ["2", "1", "0"]
    assert rest.context.posts._waiting.locked_users == frozenset()


@on_postgres
async def test_a_user_disabled_while_a_post_waits_for_the_row_is_refused(
    rest: Rest, database_url: str
) -> None:
    gone, theirs = await rest.person()
    _, stranger = await rest.person()
    other = await asyncpg.connect(database_url)
    try:
        async with other.transaction():
            await other.execute("UPDATE users SET disabled_at = now() WHERE id = $1", gone.id)
            post = theirs.post("/api/notifications", json={"message": "no"})
            waiting = asyncio.create_task(post)
            while gone.id not in rest.context.posts._waiting.locked_users:
                await stranger.post("/api/notifications", json={"message": "meanwhile"})
    finally:
        await other.close()
    assert (await waiting).status_code == HTTPStatus.UNAUTHORIZED
    kept = await rest.database.read(lambda c: notifications.page_after(c, gone.id, 0, 10))
    assert kept == []
