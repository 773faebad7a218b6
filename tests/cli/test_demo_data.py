"""The demo's data."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.support.factories import an_owner

from useby.cli.demo_data import SAMPLES, stock
from useby.domain import alerts
from useby.domain.gs1 import canonical_gtin
from useby.domain.policy import Policy

USER = an_owner(policy=Policy(alert_time=datetime.min.time()))
NOON = datetime(2026, 3, 4, 12, 0, 0, 400_000, tzinfo=UTC)
BEFORE_MIDNIGHT = datetime(2026, 3, 4, 22, 59, 50, tzinfo=UTC)


def test_there_are_some_forty_products_of_all_sorts() -> None:
    products = list(stock(USER, NOON))
    assert len(products) == len({product.name for product in products}) == 40
    assert {"dairy", "medicine", "reagents"} <= {product.category for product in products}
    for product in products:
        assert not product.barcode or canonical_gtin(product.barcode)


@pytest.mark.parametrize("now", [NOON, BEFORE_MIDNIGHT])
def test_alerts_fall_due_at_once_and_then_one_by_one_within_the_first_minute(
    now: datetime,
) -> None:
    none = frozenset[int]()
    moments = [
        alerts.alert_dates(product, USER, none, now).next_alert_at for product in stock(USER, now)
    ]
    due = [moment for moment in moments if moment is not None and moment <= now]
    coming = [
        moment
        for moment in moments
        if moment is not None and now < moment <= now + timedelta(minutes=1)
    ]
    assert len(due) >= 10
    assert len(coming) == len([sample for sample in SAMPLES if sample.seconds is not None])
    assert len(set(coming)) == len(coming) >= 10


def test_a_demo_product_that_is_due_at_once_is_not_due_again_soon() -> None:
    for product in stock(USER, NOON):
        outcome = alerts.decide(product, USER, frozenset(), NOON)
        if outcome.alert is not None and outcome.next_alert_at is not None:
            assert outcome.next_alert_at > NOON + timedelta(minutes=2)
