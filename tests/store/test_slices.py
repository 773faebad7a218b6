"""Large writes of one user, a slice at a time."""

import itertools
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.factories import NOON, a_kept_owner, a_product

from useby.actions import accounts as actions
from useby.actions import inventory, lots
from useby.actions.notifications import mark_all_read
from useby.domain import lot_actions
from useby.domain.account import AccountChange, TokenStatus, User
from useby.domain.events import (
    AccessRevoked,
    AlertScheduled,
    Event,
    MarkedRead,
)
from useby.domain.lot import Lot
from useby.domain.movement import takings_from
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.occasion import Occasion
from useby.domain.product import Disposal, Product
from useby.store import (
    accounts,
    alerts,
    emptying,
    notifications,
    reschedules,
    schema,
    slices,
    usage,
)
from useby.store import lots as stored_lots
from useby.store.database import Connection, Database, Transaction
from useby.store.notifications import UnknownUser

ROWS = 100


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE", 4)
    monkeypatch.setattr(emptying, "SLICE", 4)
    monkeypatch.setattr(slices, "RESCHEDULED", 4)
    monkeypatch.setattr(emptying, "COSTS", {})


async def filled(database: Database) -> User:
    user = await a_kept_owner(database)
    drafts = [Draft(user.id, "hello", Severity.INFO, Cause.CUSTOM)] * ROWS
    goods = [a_product(user, "2026-06-01", name=f"Milk {n}") for n in range(10)]

    def fill(transaction: Transaction) -> None:
        notifications.add(transaction, drafts, NOON)
        for each in goods:
            inventory.add(transaction, each, user, NOON)

    await database.write(fill)
    return user


def rows_of(user: User) -> Any:
    """Count a user's rows in each table."""

    def count(connection: Connection) -> dict[str, int]:
        found = {}
        for table in schema.metadata.sorted_tables:
            if table.name != "users" and "user_id" not in table.c:
                continue
            key = table.c.id if table.name == "users" else table.c.user_id
            wanted = sa.select(sa.func.count()).select_from(table).where(key == user.id)
            found[table.name] = connection.scalar(wanted) or 0
        return {name: number for name, number in found.items() if number}

    return count


def after_each_large_write(
    database: Database, monkeypatch: pytest.MonkeyPatch, do: Callable[[], Awaitable[None]]
) -> None:
    """Have ``do`` run after each large write, before its caller continues."""
    write = database.write

    async def followed(work: Callable[[Transaction], Any], **options: Any) -> Any:
        result = await write(work, **options)
        if options.get("large"):
            await do()
        return result

    monkeypatch.setattr(database, "write", followed)


async def test_other_users_write_between_the_slices_of_a_deletion(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, stranger = await filled(database), await filled(database)
    answer = Draft(stranger.id, "hello", Severity.INFO, Cause.CUSTOM)
    left: list[int] = []

    async def write() -> None:
        if len(left) < 3:
            await database.write(lambda t: notifications.add(t, [answer], NOON))
            left.append(sum((await database.read(rows_of(gone))).values()))

    after_each_large_write(database, monkeypatch, write)
    await actions.delete(database, gone.id, NOON)
    assert left[0] > left[1] > left[2] > 0
    assert await database.read(rows_of(gone)) == {}
    assert (await database.read(rows_of(stranger)))["notifications"] == ROWS + 3


async def test_after_the_first_slice_the_user_is_shut_out_and_the_email_is_free(
    database: Database, news: list[Event]
) -> None:
    user = await filled(database)
    assert not await database.write(lambda t: slices.delete_user(t, user.id))
    assert news[-1] == AccessRevoked(user.id)
    assert user.email is not None
    assert await database.read(lambda c: accounts.user_by_email(c, str(user.email))) is None
    assert await database.read(accounts.all_users) == []
    assert await database.write(lambda t: accounts.lock_user(t, user.id)) is None
    tokens: list[tuple[str, str | None, datetime]] = [(user.id, None, NOON)]
    (found,) = await database.read(lambda c: accounts.check_tokens(c, tokens))
    assert found.standing is TokenStatus.DISABLED
    again = User("another", user.email, "", "UTC", user.policy, NOON)
    await database.write(lambda t: accounts.add_user(t, user=again, password_hash=None))
    with pytest.raises(UnknownUser):
        await database.write(lambda t: slices.delete_user(t, user.id))


async def test_an_interrupted_deletion_is_finished_slice_by_slice(
    database: Database,
) -> None:
    user, stranger = await filled(database), await filled(database)
    await database.write(lambda t: slices.delete_user(t, user.id))
    sizes = [sum((await database.read(rows_of(user))).values())]
    while await database.read(slices.are_waiting):
        assert await database.write(lambda t: slices.do_slice(t, NOON))
        sizes.append(sum((await database.read(rows_of(user))).values()))
    assert sizes[-1] == 0
    assert max(a - b for a, b in itertools.pairwise(sizes[:-1])) <= slices.SLICE
    assert sum((await database.read(rows_of(stranger))).values()) > ROWS
    assert not await database.write(lambda t: slices.do_slice(t, NOON))


async def test_marking_all_read_marks_what_was_there_and_is_published_once(
    database: Database, news: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await filled(database)
    answer = Draft(user.id, "later", Severity.INFO, Cause.CUSTOM)
    news.clear()
    unread_after: list[int] = []

    async def add_one() -> None:
        if not unread_after:
            await database.write(lambda t: notifications.add(t, [answer], NOON))
        unread_after.append((await database.read(lambda c: usage.of(c, user.id))).unread)

    with monkeypatch.context() as patch:
        after_each_large_write(database, patch, add_one)
        assert await mark_all_read(database, user.id, NOON) == ROWS
    assert unread_after == [*range(ROWS + 1 - slices.SLICE, 0, -slices.SLICE), 1]
    assert [each for each in news if isinstance(each, MarkedRead)] == [MarkedRead(user.id)]
    (left,) = await database.read(lambda c: notifications.unread_page(c, user.id, 0, 10**6, 10))
    assert left.message == "later"
    assert await mark_all_read(database, user.id, NOON) == 1
    assert await mark_all_read(database, user.id, NOON) == 0


async def with_a_notified_product(database: Database, count: int) -> tuple[User, Product]:
    """Return a user with notifications of a product among as many others."""
    user = await a_kept_owner(database)
    milk = a_product(user, "2026-06-01")

    def fill(transaction: Transaction) -> None:
        inventory.add(transaction, milk, user, NOON)
        for number in range(2 * count):
            about = None if number % 2 else milk.id
            draft = Draft(user.id, str(number), Severity.INFO, Cause.EXPIRING, product_id=about)
            notifications.add(transaction, [draft], NOON)

    await database.write(fill)
    return user, milk


async def unread(database: Database, user: User) -> list[str]:
    page = await database.read(lambda c: notifications.unread_page(c, user.id, 0, 10**6, 10**6))
    return [each.message for each in page]


async def test_closing_a_product_marks_its_notifications_read_a_slice_at_a_time(
    database: Database, news: list[Event]
) -> None:
    user, milk = await with_a_notified_product(database, 11)
    news.clear()
    await database.write(
        lambda t: inventory.use(t, user, milk.id, quantity=None, how=Disposal.CONSUMED, now=NOON)
    )
    left = [len(await unread(database, user))]
    assert AlertScheduled(NOON) in news, "the scheduler does the rest"
    while await database.read(slices.are_waiting):
        assert await database.write(lambda t: slices.do_slice(t, NOON))
        left.append(len(await unread(database, user)))
    assert not await database.write(lambda t: slices.do_slice(t, NOON))
    assert left[0] == 22 - slices.SLICE + 1
    assert max(a - b for a, b in itertools.pairwise(left)) <= slices.SLICE
    others = [str(number) for number in range(1, 22, 2)]
    assert await unread(database, user) == [*others, "Organic Milk was consumed"]
    marked = [id_ for each in news if isinstance(each, MarkedRead) for id_ in each.ids or ()]
    assert len(marked) == len(set(marked)) == 11


async def test_a_product_with_few_notifications_leaves_no_unfinished_work(
    database: Database,
) -> None:
    user, milk = await with_a_notified_product(database, slices.SLICE - 1)
    await database.write(lambda t: inventory.delete(t, user, milk.id, NOON))
    assert not await database.read(slices.are_waiting)
    assert len(await unread(database, user)) == slices.SLICE - 1


async def test_a_product_that_is_closed_again_has_all_its_notifications_marked(
    database: Database,
) -> None:
    user, milk = await with_a_notified_product(database, 9)
    draft = Draft(user.id, "again", Severity.INFO, Cause.EXPIRING, product_id=milk.id)
    for _ in range(2):
        await database.write(lambda t: notifications.add(t, [draft] * 5, NOON))
        await database.write(lambda t: slices.mark_product_read(t, user.id, milk.id, NOON))
        assert await database.write(lambda t: slices.do_slice(t, NOON))
    while await database.write(lambda t: slices.do_slice(t, NOON)):
        pass
    assert len(await unread(database, user)) == 9


async def test_unfinished_work_of_a_closed_product_ends_with_its_account(
    database: Database,
) -> None:
    user, milk = await with_a_notified_product(database, 9)
    await database.write(lambda t: slices.mark_product_read(t, user.id, milk.id, NOON))
    assert await database.read(slices.are_waiting)
    await actions.delete(database, user.id, NOON)
    assert not await database.read(slices.are_waiting)


async def test_rescheduling_looks_at_every_product_and_begins_again_when_it_is_asked_again(
    database: Database,
) -> None:
    user = await filled(database)

    def due(connection: Connection) -> int:
        wanted = sa.select(sa.func.count()).where(schema.products.c.alert_at == NOON)
        return connection.scalar(wanted) or 0

    for zone in ("Asia/Tokyo", "Europe/Berlin"):
        await database.write(
            partial(
                accounts.change_user,
                user_id=user.id,
                change=AccountChange(time_zone=zone),
                now=NOON,
            )
        )
        assert await database.write(lambda t: slices.do_slice(t, NOON))
        assert await database.read(due) == slices.RESCHEDULED
    while await database.write(lambda t: slices.do_slice(t, NOON)):
        pass
    assert await database.read(due) == 10
    assert await database.read(alerts.next_due) == NOON


async def test_unfinished_work_of_several_users_takes_turns(database: Database) -> None:
    users = [await filled(database) for _ in range(2)]
    for user in users:
        await database.write(partial(reschedules.reschedule, user_id=user.id, now=NOON))
    for second in range(2):
        await database.write(partial(slices.do_slice, now=NOON.replace(second=1 + second)))
    wanted = sa.select(schema.unfinished.c.after)
    afters = await database.read(lambda c: list(c.scalars(wanted)))
    assert "" not in afters
    assert len(afters) == 2


async def with_a_history(database: Database, takings: int) -> tuple[User, Product]:
    """A product with two open lots, two closed ones, and takings of which each was reported."""
    user = await a_kept_owner(database)
    product = a_product(user, "2026-06-01", quantity=Decimal(takings + 1))
    other = a_product(user, "2026-06-01", name="Tea")

    def receipt(its: Product, occasion: Occasion) -> lot_actions.Change:
        return lot_actions.receive(
            occasion, product_id=its.id, quantity=Decimal(1), printed=its.expiry
        )

    def discard(lot: Lot, occasion: Occasion) -> lot_actions.Change:
        return lot_actions.discard([lot], None, None, occasion)

    def fill(transaction: Transaction) -> None:
        for each in (product, other):
            inventory.add(transaction, each, user, NOON)
        for number in range(takings):
            at = NOON + timedelta(minutes=number)
            how = Disposal.CONSUMED
            lots.take(transaction, user, product.id, quantity=Decimal(1), how=how, now=at)
        for close in (True, True, False):
            done = lots.receive(transaction, user, product.id, receipt, NOON)
            assert done is not None
            if close:
                lot = done.lots[0].id
                lots.act(transaction, user, lot, discard, NOON)

    await database.write(fill)
    return user, product


async def unread_of(database: Database, user: User, product: Product) -> int:
    table = schema.notifications.c
    its = (table.user_id == user.id, table.product_id == product.id, table.read_at.is_(None))
    return await database.read(lambda c: c.scalar(sa.select(sa.func.count()).where(*its)) or 0)


async def test_reports_of_many_takings_are_marked_read_by_two_statements(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE", 500)
    user, product = await with_a_history(database, 12)
    history = await database.read(lambda c: stored_lots.history(c, (user.id, product.id)))
    first = min(each.lot_id for each in history)
    undone = takings_from(first, history)
    assert len(undone) == 12
    statements: list[str] = []

    def note(*given: Any) -> None:
        statements.append(given[2])

    def work(transaction: Transaction) -> None:
        sa.event.listen(sa.Engine, "before_cursor_execute", note)
        try:
            slices.mark_reports_read(transaction, user.id, product.id, undone, NOON)
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", note)

    before = await unread_of(database, user, product)
    await database.write(work)

    assert before - await unread_of(database, user, product) == 12
    assert len(statements) == 2
