"""Add, change, use and delete products; each action also reschedules the product's next alert.

Callers first lock the owner (``lock_owner``), and pass the ``User`` read under that lock.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from useby.domain import drafts
from useby.domain.account import User
from useby.domain.alerts import alert_dates
from useby.domain.events import AlertScheduled, Change, ProductChanged
from useby.domain.folding import searched_text
from useby.domain.gs1 import canonical_gtin
from useby.domain.product import Disposal, Product, reopened, used
from useby.domain.quota import Limits
from useby.store import accounts, notifications, products, slices, usage
from useby.store.database import Transaction
from useby.store.notifications import UnknownUser
from useby.store.products import ProductRow

MAX_CHANGES: Final = 50
"""Maximum products of one transaction for which ``ProductChanged`` is published."""


class ExternalIdTaken(Exception):  # noqa: N818 - callers see this name
    """Another product of the user has this external id."""


def row_of(
    product: Product, user: User, now: datetime, sent_leads: frozenset[int] = frozenset()
) -> ProductRow:
    """Compute the row of a product; the arguments are those of ``domain.alerts.decide``."""
    dates = alert_dates(product, user, sent_leads, now)
    gtin = canonical_gtin(product.barcode) or ""
    return ProductRow(product, user, dates, searched_text(product), gtin)


def lock_owner(transaction: Transaction, user_id: str, limits: Limits, *, new: int = 0) -> User:
    """Lock a user's row and read it again, because the time zone may have changed.

    Every change of a product may add a notification, so each needs room for one.

    Args:
        transaction: The running write.
        user_id: The owner.
        limits: The limits of the account.
        new: The number of products to add.

    Raises:
        UnknownUser: The user has been deleted or disabled.
        QuotaReached: The account has reached a limit.
    """
    user = accounts.lock_user(transaction, user_id)
    if user is None:
        raise UnknownUser(user_id)
    usage.require_room(transaction.connection, user_id, limits, products=new, unread=1)
    return user


def add(transaction: Transaction, product: Product, user: User, now: datetime) -> Product:
    """Add a new product and schedule its first alert.

    Raises:
        ExternalIdTaken: Another product of the user has its external id.
    """
    if _existing_external_ids(transaction, user, [product]):
        raise ExternalIdTaken
    _insert(transaction, [row_of(product, user, now)], user)
    return product


def add_many(
    transaction: Transaction,
    batch: Sequence[Product],
    user: User,
    now: datetime,
    rows: Sequence[ProductRow] | None = None,
) -> list[bool]:
    """Add a batch of new products of one user, with one notification for all.

    Args:
        transaction: The running write.
        batch: The products.
        user: Their owner.
        now: The current time, aware.
        rows: Their rows, if they were computed before this transaction. They are computed again if
            the owner has changed since.

    Returns:
        For each, whether it was added: false if the external id exists, or repeats in the batch.
    """
    seen = _existing_external_ids(transaction, user, batch)
    added: list[bool] = []
    for product in batch:
        added.append(product.external_id is None or product.external_id not in seen)
        if product.external_id is not None:
            seen.add(product.external_id)
    if rows is None or (rows and rows[0].owner != user):
        rows = [row_of(product, user, now) for product in batch]
    new = [row for row, is_new in zip(rows, added, strict=True) if is_new]
    _insert(transaction, new, user)
    notify_added(transaction, user, len(new), now)
    return added


def store_many(
    transaction: Transaction,
    new: Sequence[Product],
    changed: Sequence[Product],
    user: User,
    now: datetime,
) -> None:
    """Add new products and store changed ones, and schedule their alerts.

    The caller reports the added ones (``notify_added``), because a large import takes several
    transactions.
    """
    _insert(transaction, [row_of(product, user, now) for product in new], user)
    _update(transaction, changed, user, now)


def replace(transaction: Transaction, product: Product, user: User, now: datetime) -> Product:
    """Store new values and reschedule the alert; closing a product marks its notifications read.

    Raises:
        ExternalIdTaken: Another product of the user has its external id.
    """
    if product.external_id is not None:
        existing = products.by_external_id(transaction.connection, user.id, [product.external_id])
        if any(other.id != product.id for other in existing.values()):
            raise ExternalIdTaken
    _update(transaction, [product], user, now)
    if product.closed_as is not None:
        slices.mark_product_read(transaction, user.id, product.id, now)
    return product


def use(
    transaction: Transaction,
    user: User,
    product_id: str,
    *,
    quantity: Decimal | None,
    how: Disposal,
    now: datetime,
) -> Product | None:
    """Consume or discard ``quantity`` of a product, in its unit; ``None`` means all that is left.

    A notification reports it. A product of which nothing is left is closed.

    Returns:
        The changed product; ``None`` if the user has no such product.

    Raises:
        ValueError: The product is closed, or less than ``quantity`` is left.
    """
    before = products.get(transaction.connection, user.id, product_id)
    if before is None:
        return None
    after = replace(transaction, used(before, quantity, how, now), user, now)
    amount = before.quantity if quantity is None else quantity
    notifications.add(transaction, [drafts.product_used(after, user, how, amount, now)], now)
    return after


def reopen(
    transaction: Transaction,
    user: User,
    product_id: str,
    *,
    quantity: Decimal | None,
    now: datetime,
) -> Product | None:
    """Undo the closing of a product; arguments, result and errors are as in ``use``."""
    product = products.get(transaction.connection, user.id, product_id)
    if product is None:
        return None
    return replace(transaction, reopened(product, quantity, now), user, now)


def delete(transaction: Transaction, user_id: str, product_id: str, now: datetime) -> bool:
    """Delete a user's product and mark its notifications read; return whether it existed."""
    user = accounts.lock_user(transaction, user_id)
    product = products.get(transaction.connection, user_id, product_id)
    if product is None or user is None:
        return False
    products.delete(transaction, user_id, product_id)
    slices.mark_product_read(transaction, user_id, product_id, now)
    transaction.publish(ProductChanged(user, product, Change.CLOSED))
    return True


def notify_added(transaction: Transaction, user: User, count: int, now: datetime) -> None:
    """Add one notification for all products of a batch or an import, unless there are none."""
    if count:
        notifications.add(transaction, [drafts.products_added(user.id, count)], now)


def _existing_external_ids(
    transaction: Transaction, user: User, batch: Iterable[Product]
) -> set[str]:
    ids = (product.external_id for product in batch if product.external_id is not None)
    return products.existing_external_ids(transaction.connection, user.id, ids)


def _insert(transaction: Transaction, new: Sequence[ProductRow], user: User) -> None:
    products.insert(transaction, new)
    _publish(transaction, user, [(row, Change.ADDED) for row in new])


def _update(
    transaction: Transaction, changed: Sequence[Product], user: User, now: datetime
) -> None:
    if not changed:
        return
    sent = products.sent_leads(transaction.connection, [(product, user) for product in changed])
    rows = [row_of(product, user, now, leads) for product, leads in zip(changed, sent, strict=True)]
    products.update(transaction, rows)
    changes = [(row, Change.CLOSED if row.product.closed_as else Change.UPDATED) for row in rows]
    _publish(transaction, user, changes)


def _publish(
    transaction: Transaction, user: User, changes: Sequence[tuple[ProductRow, Change]]
) -> None:
    if len(changes) <= MAX_CHANGES:
        for row, change in changes:
            transaction.publish(ProductChanged(user, row.product, change))
    dates = (row.dates.next_alert_at for row, _ in changes)
    due_times = [due for due in dates if due is not None]
    if due_times:
        transaction.publish(AlertScheduled(min(due_times)))
