"""Drafts of the notifications about what a user has done with products."""

from datetime import datetime
from decimal import Decimal

from useby.domain import messages
from useby.domain.account import User
from useby.domain.alerts import days_left
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.product import Disposal, Product


def products_added(user: User, count: int) -> Draft:
    """Return the summary of an import or a batch."""
    return Draft(user.id, messages.added(count, user.language), Severity.INFO, Cause.ADDED)


def product_used(
    product: Product, user: User, how: Disposal, quantity: Decimal, now: datetime
) -> Draft:
    """Return the report of ``quantity`` of a product having been consumed or discarded.

    Args:
        product: The product as it is now.
        user: Its owner.
        how: Consumed or discarded.
        quantity: The quantity, in the unit of the product.
        now: The current time, aware.
    """
    left = Decimal(0) if product.closed_as is not None else product.quantity
    return Draft(
        user_id=user.id,
        message=messages.closing(
            product.name, how, quantity, product.unit, left=left, language=user.language
        ),
        kind=Severity.INFO,
        event=Cause(how.value),
        product_name=product.name,
        product_id=product.id,
        expires_on=None if product.expiry is None else product.expiry.day_in(user.zone),
        days_left=days_left(product, user.zone, now),
    )
