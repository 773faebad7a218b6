"""Requests that are carried out once: what their keys keep, and for how long."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.support.factories import NOON, a_kept_owner
from tests.support.query_plans import plans_of

from useby.domain.account import User
from useby.domain.notification import Cause, Draft, Severity
from useby.store import idempotency, notifications, slices
from useby.store.database import Database, Transaction
from useby.store.idempotency import PURGED, RETENTION, IdempotentRequest, KeyReused

MOMENT = timedelta(microseconds=1)


class Sender:
    """A user whose requests carry keys; each posts a message when it is carried out."""

    def __init__(self, database: Database, user: User) -> None:
        self.database = database
        self.user = user
        self.done: list[str] = []

    async def send(
        self, key: str = "k", fingerprint: str = "f", answer: str = "done", now: datetime = NOON
    ) -> str:
        def work(transaction: Transaction) -> bytes:
            self.done.append(key)
            draft = Draft(self.user.id, answer, Severity.INFO, Cause.CUSTOM)
            notifications.add(transaction, [draft], now)
            return answer.encode()

        request = IdempotentRequest(self.user.id, key, fingerprint)
        given = await self.database.write(lambda t: idempotency.once(t, request, work, now))
        return given.decode()

    async def messages(self) -> list[str]:
        rows = await self.database.read(
            lambda c: notifications.page_after(c, self.user.id, 0, 1000)
        )
        return [row.message for row in rows]


@pytest.fixture
async def ada(database: Database) -> Sender:
    return Sender(database, await a_kept_owner(database))


async def keys(database: Database) -> int:
    counted: Any = await database.read(
        lambda c: c.exec_driver_sql("SELECT count(*) FROM idempotency_keys").scalar()
    )
    return int(counted)


async def test_a_repeat_gets_the_first_answer_and_sends_nothing(ada: Sender) -> None:
    events: list[Any] = []
    ada.database.on_commit = events.append
    assert await ada.send(answer="first") == "first"
    assert await ada.send(answer="second") == "first"
    assert ada.done == ["k"]
    assert await ada.messages() == ["first"]
    assert len(events) == 1


async def test_a_key_that_stands_for_another_request_is_refused(ada: Sender) -> None:
    await ada.send(answer="first")
    with pytest.raises(KeyReused):
        await ada.send(fingerprint="g", answer="second")
    assert await ada.messages() == ["first"]
    assert await ada.send(answer="third") == "first", "the refusal changes nothing"


async def test_another_key_and_another_users_same_key_are_other_requests(
    database: Database, ada: Sender
) -> None:
    bob = Sender(database, await a_kept_owner(database))
    assert await ada.send(answer="first") == "first"
    assert await ada.send("other", answer="second") == "second"
    assert await bob.send(fingerprint="g", answer="third") == "third"
    assert await bob.messages() == ["third"]


async def test_a_key_is_kept_for_a_day_and_not_a_moment_longer(ada: Sender) -> None:
    await ada.send(answer="first")
    assert await ada.send(now=NOON + RETENTION - MOMENT, answer="second") == "first"
    assert await ada.send(now=NOON + RETENTION, fingerprint="g", answer="third") == "third"
    assert await ada.send(now=NOON + RETENTION + MOMENT, fingerprint="g", answer="x") == "third"
    assert timedelta(hours=24) == RETENTION


async def test_work_that_fails_keeps_no_key(ada: Sender) -> None:
    def fails(transaction: Transaction) -> bytes:
        notifications.add(transaction, [Draft(ada.user.id, "x", Severity.INFO, Cause.CUSTOM)], NOON)
        raise ArithmeticError("as if by a bug")

    request = IdempotentRequest(ada.user.id, "k", "f")
    with pytest.raises(ArithmeticError):
        await ada.database.write(lambda t: idempotency.once(t, request, fails, NOON))
    assert await keys(ada.database) == 0
    assert await ada.send(answer="after all") == "after all"
    assert await ada.messages() == ["after all"]


async def test_a_key_that_cannot_be_kept_undoes_the_work(ada: Sender) -> None:
    """Both are in one transaction: never the rows without the key."""
    stranger = IdempotentRequest("nobody", "k", "f")

    def work(transaction: Transaction) -> bytes:
        notifications.add(transaction, [Draft(ada.user.id, "x", Severity.INFO, Cause.CUSTOM)], NOON)
        return b""

    with pytest.raises(Exception, match=r"(?i)foreign key"):
        await ada.database.write(lambda t: idempotency.once(t, stranger, work, NOON))
    assert await ada.messages() == []


async def test_each_new_key_removes_some_that_have_expired(ada: Sender) -> None:
    def many(transaction: Transaction) -> None:
        for number in range(PURGED + 2):
            request = IdempotentRequest(ada.user.id, f"old {number}", "f")
            idempotency.once(transaction, request, lambda _: b"", NOON)

    await ada.database.write(many)
    await ada.send("fresh", now=NOON + MOMENT)
    await ada.send("new", now=NOON + RETENTION)
    assert await keys(ada.database) == 4
    await ada.send("newer", now=NOON + RETENTION)
    assert await keys(ada.database) == 3
    assert await ada.send("fresh", answer="x", now=NOON + RETENTION) == "done"


async def test_keys_go_with_their_user(ada: Sender) -> None:
    await ada.send()
    await ada.database.write(lambda t: slices.delete_user(t, ada.user.id))
    assert await keys(ada.database) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_keys_are_found_and_purged_by_index(ada: Sender) -> None:
    await ada.send()
    request = IdempotentRequest(ada.user.id, "another", "f")
    for each in await plans_of(
        ada.database, lambda t: idempotency.once(t, request, lambda _: b"", NOON + RETENTION)
    ):
        assert not each.scans, each
