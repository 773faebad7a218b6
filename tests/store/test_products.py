"""Products come back from the store as they were stored."""

import dataclasses
import re
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

import pytest
from tests.support.databases import on_sqlite
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.query_plans import plans_of
from tests.support.stored_products import got, keep, taking

from useby.actions import inventory
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.product import DateKind
from useby.store import notifications, products
from useby.store.database import Database, Transaction

T = TypeVar("T")


@pytest.mark.parametrize("expires", ["2026-06-01", "2026-06-01T10:30:00+02:00"])
async def test_a_stored_product_is_read_unchanged(database: Database, expires: str) -> None:
    owner = await a_kept_owner(database)
    product = a_product(
        owner,
        expires,
        category="Dairy",
        barcode="4006381333931",
        quantity=Decimal("123456789012.000001"),
        unit="l",
        location="Fridge",
        notes="Ünïcode 🥛\nsecond line",
        date_kind=DateKind.USE_BY,
        lead_days=(30, 1),
        external_id="shelf/7",
        updated_at=NOON + timedelta(microseconds=7),
    )
    await keep(database, owner, product)
    assert await got(database, product) == product


async def test_empty_lead_days_and_no_own_lead_days_stay_different(database: Database) -> None:
    owner = await a_kept_owner(database)
    silent, usual = a_product(owner, lead_days=()), a_product(owner, lead_days=None)
    await keep(database, owner, silent, usual)
    assert await got(database, silent) == silent
    assert await got(database, usual) == usual


@on_sqlite
async def test_every_statement_finds_its_rows_by_the_user(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-03-03", external_id="7")
    again = dataclasses.replace(product, name="Again")

    def everything(transaction: Transaction) -> None:
        inventory.add(transaction, product, owner, NOON)
        answer = Draft(owner.id, "", Severity.INFO, Cause.CUSTOM, product_id=product.id)
        notifications.add(transaction, [answer], NOON)
        inventory.add_many(transaction, [a_product(owner, external_id="8")], owner, NOON)
        products.by_external_id(transaction.connection, owner.id, ["7"])
        products.without_external_id(transaction.connection, owner.id, [product.name])
        inventory.replace(transaction, again, owner, NOON)
        inventory.replace(transaction, product, owner, NOON)
        taking(owner, product, None)(transaction)
        inventory.reopen(transaction, owner, product.id, quantity=None, now=NOON)
        products.get(transaction.connection, owner.id, product.id)
        inventory.delete(transaction, owner, product.id, NOON)

    planned = await plans_of(database, everything)
    assert {each.statement.split()[0] for each in planned} == {
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
    }
    for each in planned:
        assert re.search("user_id|household_id|(FROM|UPDATE) users", each.statement), each
        assert not each.scans, each
        for line in each.lines:
            searched = line.startswith("SEARCH") and "users" not in line
            assert not searched or re.search(r"\((user|household)_id=\?", line), each
