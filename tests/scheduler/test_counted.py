"""The clock counts what was committed, and nothing of what was undone and tried again."""

from functools import partial
from typing import Any

import asyncpg
import pytest
from tests.support.databases import on_postgres
from tests.support.factories import NOON, a_kept_owner, a_product

from useby import metrics
from useby.actions import inventory
from useby.domain import alerts as rules
from useby.domain.alerts import AlertDecision
from useby.domain.product import Product
from useby.scheduler.alerts import AlertScheduler
from useby.store import notifications
from useby.store.database import Database

UNDO_THE_FIRST = """
CREATE SEQUENCE attempts;
CREATE FUNCTION undo_the_first() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('attempts') = 1 THEN RAISE serialization_failure; END IF; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER undo_the_first AFTER INSERT ON alerts_said
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION undo_the_first();
"""
"""As another's luck does: the commit of the first attempt fails, its whole work is run again."""
COUNTERS = (metrics.alert_batches, metrics.alerts_sent, metrics.alert_failures)


def counted() -> list[float]:
    return [each._value.get() for each in COUNTERS]


@on_postgres
async def test_a_batch_whose_commit_failed_and_that_ran_again_is_counted_once(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await a_kept_owner(database)
    for name in ("Milk", "Bad"):
        product = a_product(owner, "2026-03-04", name=name)
        await database.write(partial(inventory.add, product=product, user=owner, now=NOON))
    server = await asyncpg.connect(database_url)
    await server.execute(UNDO_THE_FIRST)
    real, looks = rules.decide, 0

    def due(product: Product, *rest: Any) -> AlertDecision:
        nonlocal looks
        looks += 1
        if product.name == "Bad":
            raise ArithmeticError("as if by a bug")
        return real(product, *rest)

    monkeypatch.setattr(rules, "decide", due)
    before = counted()
    assert (await AlertScheduler(database, lambda: NOON).send_due()).claimed == 2
    assert looks == 4, "it ran twice"
    assert await server.fetchval("SELECT last_value FROM attempts") == 2
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [1, 1, 1]
    assert await database.read(lambda c: notifications.newest_seq(c, owner.id)) == 1
    await server.close()
