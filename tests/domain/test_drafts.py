"""A user's own changes of products make drafts of notifications."""

import dataclasses
from decimal import Decimal

import pytest
from tests.support.factories import NOON, a_product, an_owner, day

from useby.domain import drafts
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.product import Disposal


def test_a_batch_of_products_makes_one_summary() -> None:
    owner = an_owner()
    assert drafts.products_added(owner, 3) == Draft(
        owner.id, "3 products were added", Severity.INFO, Cause.ADDED
    )


@pytest.mark.parametrize("how", list(Disposal))
def test_a_draft_about_a_part_names_what_is_left(how: Disposal) -> None:
    owner = an_owner()
    product = a_product(owner, "2026-03-04", quantity=Decimal(2), unit="l")

    draft = drafts.product_used(product, owner, how, Decimal(1), NOON)

    assert draft.message == f"1 l of Organic Milk {how.value}, 2 l left"
    assert (draft.kind, draft.event) == (Severity.INFO, Cause(how.value))
    assert (draft.product_id, draft.product_name) == (product.id, "Organic Milk")
    assert (draft.expires_on, draft.days_left) == (day("2026-03-04"), 2)


def test_a_draft_about_a_closed_product_names_nothing_left() -> None:
    owner = an_owner()
    product = a_product(owner, quantity=Decimal(2), unit="l")
    closed = dataclasses.replace(product, closed_as=Disposal.DISCARDED, closed_at=NOON)

    draft = drafts.product_used(closed, owner, Disposal.DISCARDED, Decimal(2), NOON)

    assert draft.message == "Organic Milk was discarded"
