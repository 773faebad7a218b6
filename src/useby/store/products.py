"""Create, change and delete products; each write also reschedules the product's next alert.

Callers first lock the owner (``accounts.lock_user``), and pass the ``User`` read under that lock.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain import messages
from useby.domain.account import User
from useby.domain.alerts import AlertDates, alert_dates, days_left
from useby.domain.events import AlertScheduled, Change, ProductChanged
from useby.domain.folding import searched_text
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.product import DateKind, Disposal, Expiry, Product, reopened, used
from useby.store import accounts, notifications
from useby.store.bulk import CompiledStatement, values_params, values_table
from useby.store.database import Transaction
from useby.store.schema import products, sent_alerts

NAMED: Final = 50
"""Maximum products of one transaction for which ``ProductChanged`` is published."""
PRODUCT_COLUMNS: Final = (
    products.c.user_id,
    products.c.id,
    products.c.external_id,
    products.c.name,
    products.c.category,
    products.c.barcode,
    products.c.quantity,
    products.c.unit,
    products.c.location,
    products.c.notes,
    products.c.date_kind,
    products.c.lead_days,
    products.c.expires_on,
    products.c.expires_at,
    products.c.closed_as,
    products.c.closed_at,
    products.c.created_at,
    products.c.updated_at,
)
_REPLACE: Final = (
    sa.update(products)
    .where(products.c.user_id == sa.bindparam("at_user"), products.c.id == sa.bindparam("at_id"))
    .values(alert_fault=None)
)
_GIVEN_KEYS: Final = values_table(products.c.user_id, products.c.id)
_SAID: Final = CompiledStatement(
    sa.select(
        sent_alerts.c.user_id, sent_alerts.c.product_id, sent_alerts.c.expiry, sent_alerts.c.lead
    ).where(
        sa.tuple_(sent_alerts.c.user_id, sent_alerts.c.product_id).in_(sa.select(*_GIVEN_KEYS.c))
    )
)
_GIVEN_EXTERNAL_IDS: Final = values_table(products.c.external_id)
_BY_EXTERNAL_ID: Final = sa.select(*PRODUCT_COLUMNS).where(
    products.c.user_id == sa.bindparam("owner"),
    products.c.external_id.in_(sa.select(_GIVEN_EXTERNAL_IDS.c.external_id)),
)


class ExternalIdTaken(Exception):  # noqa: N818 - callers see this name
    """Another product of the user has this external id."""


@dataclass(frozen=True, slots=True)
class Upserted:
    """Result of an import: numbers of products added, changed, and left unchanged."""

    added: int
    changed: int
    same: int


def product_of(row: Sequence[Any]) -> Product:
    """Return the product in a row that begins with ``PRODUCT_COLUMNS``."""
    # Unpacking is ten times faster than reading the columns of a row by name.
    (
        user_id,
        product_id,
        external_id,
        name,
        category,
        barcode,
        quantity,
        unit,
        location,
        notes,
        date_kind,
        lead_days,
        expires_on,
        expires_at,
        closed_as,
        closed_at,
        created_at,
        updated_at,
    ) = row[: len(PRODUCT_COLUMNS)]
    return Product(
        id=product_id,
        user_id=user_id,
        name=name,
        expiry=Expiry(day=expires_on, instant=expires_at),
        created_at=created_at,
        updated_at=updated_at,
        category=category,
        barcode=barcode,
        quantity=quantity,
        unit=unit,
        location=location,
        notes=notes,
        date_kind=DateKind(date_kind),
        lead_days=None if lead_days is None else tuple(lead_days),
        external_id=external_id,
        closed_as=Disposal(closed_as) if closed_as else None,
        closed_at=closed_at,
    )


def get(connection: Connection, user_id: str, product_id: str) -> Product | None:
    """Return one of the user's products."""
    row = connection.execute(
        sa.select(*PRODUCT_COLUMNS).where(
            products.c.user_id == user_id, products.c.id == product_id
        )
    ).first()
    return product_of(row) if row else None


def add(transaction: Transaction, product: Product, user: User, now: datetime) -> Product:
    """Add a new product and schedule its first alert.

    Raises:
        ExternalIdTaken: Another product of the user has its external id.
    """
    if _existing_external_ids(transaction.connection, user, [product]):
        raise ExternalIdTaken
    _insert(transaction, [product], user, now)
    return product


def add_many(
    transaction: Transaction, wanted: Sequence[Product], user: User, now: datetime
) -> list[bool]:
    """Add a batch of new products of one user, with one notification for all.

    Returns:
        For each, whether it was added: false if the external id exists, or repeats in the batch.
    """
    seen = _existing_external_ids(transaction.connection, user, wanted)
    kept: list[bool] = []
    for product in wanted:
        kept.append(product.external_id is None or product.external_id not in seen)
        if product.external_id is not None:
            seen.add(product.external_id)
    new = [product for product, keep in zip(wanted, kept, strict=True) if keep]
    _insert(transaction, new, user, now)
    _say_added(transaction, user, len(new), now)
    return kept


def upsert_many(
    transaction: Transaction, wanted: Sequence[Product], user: User, now: datetime
) -> Upserted:
    """Add or change products by their external id; those without one are added.

    Changed products keep id, creation time and closing. One notification covers all added ones.

    Raises:
        ExternalIdTaken: ``wanted`` contains an external id twice; nothing is stored.
    """
    ids = [each.external_id for each in wanted if each.external_id is not None]
    if len(set(ids)) < len(ids):
        raise ExternalIdTaken
    there = by_external_id(transaction.connection, user.id, ids)
    new: list[Product] = []
    changed: list[Product] = []
    for product in wanted:
        before = there.get(product.external_id) if product.external_id is not None else None
        if before is None:
            new.append(product)
            continue
        after = dataclasses.replace(
            product,
            id=before.id,
            created_at=before.created_at,
            updated_at=before.updated_at,
            closed_as=before.closed_as,
            closed_at=before.closed_at,
        )
        if after != before:
            changed.append(dataclasses.replace(after, updated_at=product.updated_at))
    _insert(transaction, new, user, now)
    _update(transaction, changed, user, now)
    _say_added(transaction, user, len(new), now)
    return Upserted(len(new), len(changed), len(wanted) - len(new) - len(changed))


def by_external_id(
    connection: Connection, user_id: str, external_ids: Iterable[str]
) -> dict[str, Product]:
    """Return the user's products that have one of these external ids, by external id."""
    wanted = sorted(set(external_ids))
    if not wanted:
        return {}
    rows = connection.execute(
        _BY_EXTERNAL_ID, {"owner": user_id, **values_params(connection, wanted)}
    )
    return {row.external_id: product_of(row) for row in rows}


def replace(transaction: Transaction, product: Product, user: User, now: datetime) -> Product:
    """Store new values and reschedule the alert; closing a product marks its notifications read.

    Raises:
        ExternalIdTaken: Another product of the user has its external id.
    """
    if product.external_id is not None:
        there = by_external_id(transaction.connection, user.id, [product.external_id])
        if any(other.id != product.id for other in there.values()):
            raise ExternalIdTaken
    _update(transaction, [product], user, now)
    if product.closed_as is not None:
        notifications.mark_product_read(transaction, user.id, product.id, now)
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
    before = get(transaction.connection, user.id, product_id)
    if before is None:
        return None
    after = replace(transaction, used(before, quantity, how, now), user, now)
    closed = after.closed_as is not None
    message = messages.closing(
        after.name,
        how,
        before.quantity if quantity is None else quantity,
        after.unit,
        left=Decimal(0) if closed else after.quantity,
    )
    draft = Draft(
        user_id=user.id,
        message=message,
        kind=Severity.INFO,
        event=Cause(how.value),
        product_name=after.name,
        product_id=after.id,
        expires_on=after.expiry.day_in(user.zone),
        days_left=days_left(after, user.zone, now),
    )
    notifications.add(transaction, [draft], now)
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
    product = get(transaction.connection, user.id, product_id)
    if product is None:
        return None
    return replace(transaction, reopened(product, quantity, now), user, now)


def delete(transaction: Transaction, user_id: str, product_id: str, now: datetime) -> bool:
    """Delete a user's product and mark its notifications read; return whether it existed."""
    owner = accounts.lock_user(transaction, user_id)
    product = get(transaction.connection, user_id, product_id)
    if product is None or owner is None:
        return False
    transaction.connection.execute(
        sa.delete(products).where(products.c.user_id == user_id, products.c.id == product_id)
    )
    notifications.mark_product_read(transaction, user_id, product_id, now)
    transaction.publish(ProductChanged(owner, product, Change.CLOSED))
    return True


def sent_leads(connection: Connection, wanted: Sequence[Product]) -> list[frozenset[int]]:
    """Return the leads of alerts already sent, for each product's present date; in one query."""
    user_ids, ids = [each.user_id for each in wanted], [each.id for each in wanted]
    said: dict[tuple[str, str, str], set[int]] = {}
    for user_id, product_id, expiry, lead in _SAID(
        connection, **values_params(connection, user_ids, ids)
    ):
        said.setdefault((user_id, product_id, expiry), set()).add(lead)
    return [
        frozenset(said.get((product.user_id, product.id, product.expiry.key), ()))
        for product in wanted
    ]


def _existing_external_ids(connection: Connection, user: User, new: Iterable[Product]) -> set[str]:
    ids = (product.external_id for product in new if product.external_id is not None)
    return set(by_external_id(connection, user.id, ids))


def _insert(transaction: Transaction, new: Sequence[Product], user: User, now: datetime) -> None:
    if not new:
        return
    places = [alert_dates(product, user, frozenset(), now) for product in new]
    rows = [_values(product, place) for product, place in zip(new, places, strict=True)]
    transaction.connection.execute(sa.insert(products), rows)
    _tell(transaction, user, [(product, Change.ADDED) for product in new], places)


def _update(
    transaction: Transaction, changed: Sequence[Product], user: User, now: datetime
) -> None:
    if not changed:
        return
    said = sent_leads(transaction.connection, changed)
    places = [
        alert_dates(product, user, leads, now) for product, leads in zip(changed, said, strict=True)
    ]
    rows = []
    for product, place in zip(changed, places, strict=True):
        new = _values(product, place)
        rows.append(new | {"at_user": new.pop("user_id"), "at_id": new.pop("id")})
    transaction.connection.execute(_REPLACE, rows)
    changes = [(each, Change.CLOSED if each.closed_as else Change.UPDATED) for each in changed]
    _tell(transaction, user, changes, places)


def _say_added(transaction: Transaction, user: User, count: int, now: datetime) -> None:
    if count:
        draft = Draft(user.id, messages.added(count), Severity.INFO, Cause.ADDED)
        notifications.add(transaction, [draft], now)


def _values(product: Product, place: AlertDates) -> dict[str, Any]:
    return {
        "user_id": product.user_id,
        "id": product.id,
        "external_id": product.external_id,
        "name": product.name,
        "category": product.category,
        "barcode": product.barcode,
        "quantity": product.quantity,
        "unit": product.unit,
        "location": product.location,
        "notes": product.notes,
        "date_kind": product.date_kind.value,
        "lead_days": None if product.lead_days is None else list(product.lead_days),
        "expires_on": product.expiry.day,
        "expires_at": product.expiry.instant,
        "ends_at": place.ends_at,
        "expiring_from": place.expiring_from,
        "next_alert_at": place.next_alert_at,
        "closed_as": product.closed_as.value if product.closed_as else None,
        "closed_at": product.closed_at,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
        "folded": searched_text(product),
        "folded_at": product.updated_at,
    }


def _tell(
    transaction: Transaction,
    user: User,
    changes: Sequence[tuple[Product, Change]],
    places: Iterable[AlertDates],
) -> None:
    if len(changes) <= NAMED:
        for product, change in changes:
            transaction.publish(ProductChanged(user, product, change))
    moments = [place.next_alert_at for place in places if place.next_alert_at is not None]
    if moments:
        transaction.publish(AlertScheduled(min(moments)))
