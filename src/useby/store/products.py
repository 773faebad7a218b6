"""Products: kept, changed and deleted, their pending alert placed in the same breath."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import User
from useby.domain.alerts import Placement, placement
from useby.domain.news import Scheduled
from useby.domain.product import Closing, DateKind, Expiry, Product
from useby.store import notifications
from useby.store.engine import Transaction
from useby.store.schema import alerts_said, products

CHUNK: Final = 400

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


class ExternalIdTaken(Exception):  # noqa: N818 - said as the caller sees it
    """Another product of the user has this external id."""


@dataclass(frozen=True, slots=True)
class Upserted:
    """What an import did: products added, changed, and found as they were."""

    added: int
    changed: int
    same: int


def product_of(row: Any) -> Product:
    """A product from a row of ``PRODUCT_COLUMNS``."""
    return Product(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        expiry=Expiry(day=row.expires_on, instant=row.expires_at),
        created_at=row.created_at,
        updated_at=row.updated_at,
        category=row.category,
        barcode=row.barcode,
        quantity=row.quantity,
        unit=row.unit,
        location=row.location,
        notes=row.notes,
        date_kind=DateKind(row.date_kind),
        lead_days=None if row.lead_days is None else tuple(row.lead_days),
        external_id=row.external_id,
        closed_as=Closing(row.closed_as) if row.closed_as else None,
        closed_at=row.closed_at,
    )


def get(connection: Connection, user_id: str, product_id: str) -> Product | None:
    """One of the user's products."""
    row = connection.execute(
        sa.select(*PRODUCT_COLUMNS).where(
            products.c.user_id == user_id, products.c.id == product_id
        )
    ).first()
    return product_of(row) if row else None


def add(transaction: Transaction, product: Product, user: User, now: datetime) -> Product:
    """Keep a new product and place its first alert.

    Raises:
        ExternalIdTaken: Another product of the user has its external id.
    """
    add_many(transaction, [product], user, now)
    return product


def add_many(transaction: Transaction, new: Sequence[Product], user: User, now: datetime) -> None:
    """Keep new products of one user, in one statement.

    Raises:
        ExternalIdTaken: An external id is taken, or stands twice; nothing is kept.
    """
    if not new:
        return
    wanted = [product.external_id for product in new if product.external_id is not None]
    if len(set(wanted)) < len(wanted) or by_external_id(transaction.connection, user.id, wanted):
        raise ExternalIdTaken
    places = [placement(product, user, frozenset(), now) for product in new]
    transaction.connection.execute(
        sa.insert(products),
        [_values(product, place) for product, place in zip(new, places, strict=True)],
    )
    _tell(transaction, places)


def by_external_id(
    connection: Connection, user_id: str, external_ids: Iterable[str]
) -> dict[str, Product]:
    """The user's products that have one of these external ids, by it."""
    wanted = sorted(set(external_ids))
    found: dict[str, Product] = {}
    for start in range(0, len(wanted), CHUNK):
        rows = connection.execute(
            sa.select(*PRODUCT_COLUMNS).where(
                products.c.user_id == user_id,
                products.c.external_id.in_(wanted[start : start + CHUNK]),
            )
        )
        found.update((row.external_id, product_of(row)) for row in rows)
    return found


def upsert_many(
    transaction: Transaction, wanted: Sequence[Product], user: User, now: datetime
) -> Upserted:
    """Add or change products by their external id; those without one are added.

    A product that is there keeps its id, its creation and whether it is closed.

    Raises:
        ExternalIdTaken: An external id stands twice among ``wanted``; nothing is kept.
    """
    there = by_external_id(
        transaction.connection, user.id, (each.external_id for each in wanted if each.external_id)
    )
    new: list[Product] = []
    changed = same = 0
    for product in wanted:
        before = there.get(product.external_id) if product.external_id else None
        if before is None:
            new.append(product)
            continue
        after = _with_identity_of(product, before)
        if after == before:
            same += 1
        else:
            replace(transaction, after, user, now)
            changed += 1
    add_many(transaction, new, user, now)
    return Upserted(len(new), changed, same)


def replace(transaction: Transaction, product: Product, user: User, now: datetime) -> Product:
    """Keep a product's new values, and place its next alert by them.

    One that is closed has no alert any more, and what was said of it counts as read.
    """
    said = said_leads(transaction.connection, product)
    place = placement(product, user, said, now)
    transaction.connection.execute(
        sa.update(products)
        .where(products.c.user_id == product.user_id, products.c.id == product.id)
        .values(**_values(product, place), alert_fault=None)
    )
    if product.closed_as is not None:
        notifications.read_of_product(transaction, product.user_id, product.id, now)
    _tell(transaction, [place])
    return product


def delete(transaction: Transaction, user_id: str, product_id: str, now: datetime) -> bool:
    """Delete one of the user's products; whether there was one. What was said of it is read."""
    deleted = transaction.connection.execute(
        sa.delete(products).where(products.c.user_id == user_id, products.c.id == product_id)
    )
    if not deleted.rowcount:
        return False
    notifications.read_of_product(transaction, user_id, product_id, now)
    return True


def said_leads(connection: Connection, product: Product) -> frozenset[int]:
    """The leads of the alerts already said for a product's present date."""
    return frozenset(
        connection.scalars(
            sa.select(alerts_said.c.lead).where(
                alerts_said.c.user_id == product.user_id,
                alerts_said.c.product_id == product.id,
                alerts_said.c.expiry == product.expiry.key,
            )
        )
    )


def _with_identity_of(product: Product, before: Product) -> Product:
    values = {name: getattr(product, name) for name in product.__slots__}
    kept = ("id", "user_id", "created_at", "closed_as", "closed_at")
    values |= {name: getattr(before, name) for name in kept}
    if all(
        value == getattr(before, name) for name, value in values.items() if name != "updated_at"
    ):
        return before
    return Product(**values)


def _values(product: Product, place: Placement) -> dict[str, Any]:
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
    }


def _tell(transaction: Transaction, places: Iterable[Placement]) -> None:
    moments = [place.next_alert_at for place in places if place.next_alert_at is not None]
    if moments:
        transaction.tell(Scheduled(min(moments)))
