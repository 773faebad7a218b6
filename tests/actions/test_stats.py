"""Numbers of a household: those of random lives beside a person's, and examples of each rule.

covers: useby.store.stats, useby.store.sql_dates
"""

import asyncio
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from tests.support.databases import on_sqlite
from tests.support.factories import NOON, a_kept_owner, day
from tests.support.query_plans import plans_of
from tests.support.stock_lives import Household, Step, days, lives, starts, zones
from tests.support.stock_tally import (
    counted,
    finished,
    most_thrown_away,
    of_groups,
    of_thrown_away,
)

from useby.actions import inventory
from useby.actions.stats import report
from useby.domain.stats import By, Period
from useby.store import lots, stats
from useby.store.database import Database, Transaction
from useby.store.open import open_database
from useby.store.schema import lots as lots_table
from useby.store.schema import movements as movements_table
from useby.store.schema import sent_alerts


async def store(database: Database, household: Household) -> None:
    """Store a household's lots as they are, in place of those that its products begin with."""
    owner = household.owner.id

    def work(transaction: Transaction) -> None:
        for product in household.products:
            inventory.add(transaction, product, household.owner, household.now)
        for table in (lots_table, movements_table):
            transaction.connection.execute(sa.delete(table).where(table.c.household_id == owner))
        lots.insert(transaction, [(owner, lot) for lot in household.lots.values()])
        numbered = enumerate(household.movements, 1)
        lots.insert_movements(transaction, [(owner, at, each) for at, each in numbered])
        for (product_id, expiry), at in household.alerts.items():
            key = {"user_id": owner, "product_id": product_id, "expiry": expiry}
            new = sa.insert(sent_alerts).values(**key, lead=2, said_at=at)
            transaction.connection.execute(new)

    await database.write(work)


@pytest.mark.parametrize(("store_name", "examples"), [("sqlite", 100), ("postgres", 15)])
def test_the_numbers_of_any_life_are_those_that_a_person_counts(
    request: pytest.FixtureRequest, store_name: str, examples: int
) -> None:
    url = request.getfixturevalue(f"{store_name}_url")

    async def opened() -> Database:
        return open_database(url)

    with asyncio.Runner() as runner:
        database = runner.run(opened())

        @settings(max_examples=examples)
        @given(lives, zones, starts, days, days)
        def check(
            life: list[Step],
            zone: str,
            start: datetime,
            first: timedelta | None,
            last: timedelta | None,
        ) -> None:
            period = Period(
                None if first is None else start.date() + first,
                None if last is None else start.date() + last,
            )
            runner.run(compare(database, life, zone, start, period))

        check()
        runner.run(database.close())


async def compare(
    database: Database, life: list[Step], zone: str, start: datetime, period: Period
) -> None:
    owner = await a_kept_owner(database, time_zone=zone, currency="EUR")
    household = Household(owner, start)
    household.live(life)
    await store(database, household)
    for by in By:
        found = await report(database, owner, by, period, household.now)
        assert of_groups(list(found.groups)) == finished(counted(household, by, period)), by
        assert found.currency == "EUR"
    assert of_thrown_away(list(found.most_thrown_away)) == most_thrown_away(household, period)


@on_sqlite
async def test_the_numbers_of_a_period_read_no_history_before_it(database: Database) -> None:
    owner = await a_kept_owner(database)
    period = Period(day("2026-02-23"), day("2026-03-01"))

    def work(transaction: Transaction) -> None:
        connection = transaction.connection
        stats.sums(connection, owner, By.CATEGORY, period, NOON)
        stats.thrown_away(connection, owner, period, NOON)

    plans = await plans_of(database, work)
    lines = {line for plan in plans for line in plan.lines}
    read = {line for line in lines if line.startswith(("SEARCH movements", "SEARCH lots"))}
    by_time = {line for line in read if "at>?" in line and "at<?" in line}
    by_id = {line for line in read if "household_id=? AND id=?" in line}
    assert by_time
    assert read == by_time | by_id
    assert not [line for line in lines if line.startswith(("SCAN movements", "SCAN lots"))]
