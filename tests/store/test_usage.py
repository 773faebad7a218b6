"""Usage of accounts: the figures that triggers count are those of the rows.

covers: useby.domain.quota
"""

import asyncio
import random
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.usage_of_accounts import (
    PRODUCT_TEXTS,
    Household,
    assert_right,
    drafts,
)

from useby.actions import accounts as actions
from useby.actions import inventory
from useby.domain.quota import Limits, Quota, QuotaReached, Usage
from useby.store import marks, notifications, usage
from useby.store.database import Connection, Database, Transaction
from useby.store.schema import products as products_table

STEPS = 120


@pytest.mark.parametrize("seed", range(2))
async def test_an_accounts_figures_are_those_of_its_rows_whatever_happens(
    database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    houses = [Household(await a_kept_owner(database), chance) for _ in range(3)]
    owners = [each.owner for each in houses]
    for number in range(STEPS):
        await database.write(chance.choice(houses).step)
        if number % 10 == 0:
            await assert_right(database, *owners)
    await assert_right(database, *owners)
    await actions.delete(database, owners[0].id, NOON)
    assert await database.read(lambda c: usage.of(c, owners[0].id)) == Usage(0, 0, 0)
    await assert_right(database, *owners[1:])


async def test_a_statement_for_many_users_counts_for_each_of_them(database: Database) -> None:
    owners = [await a_kept_owner(database) for _ in range(5)]
    answer = [
        draft for number, each in enumerate(owners) for draft in drafts(each, 3 + number, "é" * 9)
    ]
    kept = await database.write(lambda t: notifications.add(t, answer, NOON))
    await assert_right(database, *owners)
    first = {each.user_id: [each.id] for each in kept}
    await database.write(lambda t: marks.mark_read_where_free(t, first, NOON))
    await assert_right(database, *owners)
    found = [await database.read(partial(usage.of, user_id=each.id)) for each in owners]
    assert [each.unread for each in found] == [2, 3, 4, 5, 6]


async def test_every_text_of_a_product_counts_when_it_is_added_changed_and_deleted(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, **dict.fromkeys(PRODUCT_TEXTS, "ü"))
    await database.write(lambda t: inventory.add(t, product, owner, NOON))
    await assert_right(database, owner)

    def change(transaction: Transaction, statement: sa.Update) -> None:
        transaction.connection.execute(statement)

    for name in PRODUCT_TEXTS:
        longer = sa.update(products_table).values({name: "Kühl lagern"})
        await database.write(partial(change, statement=longer))
        await assert_right(database, owner)
    await database.write(lambda t: inventory.delete(t, owner, product.id, NOON))
    await assert_right(database, owner)


async def test_a_rolled_back_write_counts_nothing(database: Database) -> None:
    owner = await a_kept_owner(database)

    def fails(transaction: Transaction) -> None:
        notifications.add(transaction, drafts(owner, 3), NOON)
        raise ArithmeticError("as if by a bug")

    outcomes = await asyncio.gather(
        database.write(fails),
        database.write(lambda t: notifications.add(t, drafts(owner, 2), NOON)),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], ArithmeticError)
    assert (await database.read(lambda c: usage.of(c, owner.id))).unread == 2
    await assert_right(database, owner)


@pytest.mark.parametrize(
    ("kept", "wanted", "quota"),
    [
        (Usage(9, 9, 99), {"products": 1, "unread": 1}, None),
        (Usage(10, 9, 99), {"products": 1}, Quota.PRODUCTS),
        (Usage(9, 9, 99), {"products": 2}, Quota.PRODUCTS),
        (Usage(11, 9, 99), {"unread": 1}, None),
        (Usage(9, 10, 99), {"unread": 1}, Quota.UNREAD),
        (Usage(9, 9, 99), {"unread": 2}, Quota.UNREAD),
        (Usage(9, 9, 100), {"unread": 1}, Quota.BYTES),
    ],
)
async def test_an_account_is_refused_what_would_pass_a_limit(
    database: Database, kept: Usage, wanted: dict[str, Any], quota: Quota | None
) -> None:
    owner = await a_kept_owner(database)
    await database.write(
        lambda t: t.connection.execute(
            sa.text("UPDATE usage SET products = :products, unread = :unread, bytes = :bytes"),
            {"products": kept.products, "unread": kept.unread, "bytes": kept.bytes},
        )
    )
    limits = Limits(10, 10, 100)

    def require(connection: Connection) -> Quota | None:
        try:
            usage.require_room(connection, owner.id, limits, **wanted)
        except QuotaReached as reached:
            return reached.quota
        return None

    assert await database.read(require) is quota
