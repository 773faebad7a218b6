"""Closing and reopening a product."""

from decimal import Decimal

import pytest
from tests.support.alert_inputs import NOW, product

from useby.domain.product import Disposal, reopened, used


def test_using_some_leaves_the_rest_and_using_all_closes_the_product() -> None:
    some = used(product("2026-03-20", quantity=Decimal("2.5")), Decimal(1), Disposal.CONSUMED, NOW)
    assert (some.quantity, some.closed_as) == (Decimal("1.5"), None)
    rest = used(some, Decimal("1.5"), Disposal.DISCARDED, NOW)
    assert (rest.closed_as, rest.closed_at) == (Disposal.DISCARDED, NOW)
    back = reopened(rest, None, NOW)
    assert (back.quantity, back.closed_as, back.closed_at) == (Decimal("1.5"), None, None)


@pytest.mark.parametrize("quantity", ["0", "-1", "2"])
def test_more_than_is_left_cannot_be_taken(quantity: str) -> None:
    with pytest.raises(ValueError):
        used(product("2026-03-20"), Decimal(quantity), Disposal.CONSUMED, NOW)


def test_a_closed_product_cannot_be_taken_nor_an_open_one_reopened() -> None:
    closed = used(product("2026-03-20"), None, Disposal.CONSUMED, NOW)
    with pytest.raises(ValueError, match="already consumed"):
        used(closed, None, Disposal.DISCARDED, NOW)
    with pytest.raises(ValueError, match="not closed"):
        reopened(product("2026-03-20"), None, NOW)
