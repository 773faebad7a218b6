"""Store products that a client names by its own key, the external id.

A used-up product that comes again with a new date gets a new lot; the same date again changes
nothing. A date is the same if a lot in question has it printed, or if it is the one that counts:
a client sends the date of the package again after the lot was opened. Of a used-up product all
lots are in question: a client may send the date of one that was used up before others.

Callers first lock the owner (``inventory.lock_owner``), and pass the ``User`` read under that lock.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from useby.actions import inventory, lots, stock
from useby.actions.stock import ChangedProduct
from useby.domain import flat_writes
from useby.domain.account import User
from useby.domain.household import with_leads_for_all
from useby.domain.lot import Lot, LotState, open_lots
from useby.domain.lot_changes import GivenFields, LotDetails
from useby.domain.product import Product
from useby.domain.quota import ProductFull
from useby.domain.stock import only_open_lot
from useby.store import lots as stored_lots
from useby.store import products
from useby.store.database import Transaction
from useby.store.lots import StoredProduct

ONE: Final = Decimal(1)
"""Quantity of a lot for which none is given, as of a new product."""


def find(transaction: Transaction, user: User, external_id: str) -> StoredProduct | None:
    """Return the user's product with an external id, with its lots."""
    found = products.by_external_id(transaction.connection, user.id, [external_id])
    if external_id not in found:
        return None
    product_id = found[external_id].id
    return _load_with_used_up(transaction, user, [product_id])[product_id]


def update(
    transaction: Transaction,
    user: User,
    before: StoredProduct,
    wanted: Product,
    details: LotDetails,
    given: GivenFields,
    now: datetime,
) -> Product:
    """Store the new fields of a product.

    Args:
        transaction: The running write.
        user: The owner.
        before: The product with its lots, as ``find`` returns it.
        wanted: Its new fields; the date is that of the package.
        details: The lot's own fields, if it gets a new lot.
        given: The lot's own fields that change its only open lot.
        now: The current time, aware.

    Returns:
        The product as it is stored; unchanged if all fields are as before.

    Raises:
        SeveralLots: The change of a date, quantity, location or of the lot's own fields could mean
            one of several lots.
        TimeRefused: The day of receipt is not possible.
    """
    old = before.product
    wanted = with_leads_for_all(user, old, wanted)
    comes_again = old.closed_as is not None and wanted.expiry not in _dates(before.lots)
    if not before.lots and wanted.expiry is not None and wanted.quantity == 0:
        wanted = dataclasses.replace(wanted, quantity=ONE)
    if comes_again or (not before.lots and wanted.quantity > 0):
        change = flat_writes.received(wanted, stock.occasion(user, wanted, now), details)
        return stock.store(transaction, [ChangedProduct(before, wanted, user, change)], now)[0]
    wanted = _with_lots_fields(wanted, before)
    if wanted.expiry != old.expiry and _is_of_unsealed_lot(before):
        # It is the date of the package. The date that counts is computed from it again.
        given = {**given, "printed": wanted.expiry}
        wanted = dataclasses.replace(wanted, expiry=old.expiry)
    after = old
    if dataclasses.replace(wanted, updated_at=old.updated_at) != old:
        after = inventory.replace(transaction, wanted, user, now) or old
    if given and old.closed_as is None:
        lot = only_open_lot(before.lots)
        if any(getattr(lot, name) != value for name, value in given.items()):
            done = lots.change(transaction, user, lot.id, given, now)
            after = after if done is None else done.product
    return after


def receive_again(
    transaction: Transaction,
    user: User,
    given: Sequence[tuple[Product, LotDetails]],
    now: datetime,
) -> dict[str, Product | ProductFull]:
    """Add a lot to used-up products that come again with a new date, and to those without a lot.

    Args:
        transaction: The running write.
        user: The owner.
        given: Products with external ids that exist, as they were given, with their lots' fields.
        now: The current time, aware.

    Returns:
        The products that have a new lot, by the ids that were given to them; in place of one that
        has reached a limit, which is left as it is, the limit.

    Raises:
        TimeRefused: A lot was received in the future.
    """
    ids = [each.external_id for each, _ in given if each.external_id is not None]
    known = products.by_external_id(transaction.connection, user.id, ids)
    used_up = {
        key: each.id
        for key, each in known.items()
        if each.closed_as is not None or each.quantity == 0
    }
    loaded = _load_with_used_up(transaction, user, used_up.values())
    changed: dict[str, ChangedProduct] = {}
    for new, details in given:
        before = loaded.get(used_up.get(new.external_id or "", ""))
        if before is None or new.expiry in _dates(before.lots):
            continue
        old = before.product
        del loaded[old.id]  # a second lot of one batch is refused
        wanted = _in_place_of(old, new, user)
        change = flat_writes.received(wanted, stock.occasion(user, wanted, now), details)
        changed[new.id] = ChangedProduct(before, wanted, user, change)
    full = stock.exceeded(transaction.connection, list(changed.values()))
    room = {id_: each for id_, each in changed.items() if each.before.key not in full}
    after = stock.store(transaction, list(room.values()), now) if room else []
    refused = {id_: full[each.before.key] for id_, each in changed.items() if id_ not in room}
    return {**dict(zip(room, after, strict=True)), **refused}


def _in_place_of(old: Product, new: Product, user: User) -> Product:
    """Return a product as it was given, with the identity and the policy of one that exists.

    Its founder's policy is no field of what is given. No leads given leave those beside it.
    """
    keeps_leads = new.lead_days is None and old.policy is not None
    wanted = dataclasses.replace(
        new,
        id=old.id,
        created_at=old.created_at,
        closed_as=old.closed_as,
        closed_at=old.closed_at,
        policy=old.policy,
        lead_days=old.lead_days if keeps_leads else new.lead_days,
    )
    return with_leads_for_all(user, old, wanted)


def _load_with_used_up(
    transaction: Transaction, user: User, product_ids: Iterable[str]
) -> dict[str, StoredProduct]:
    """Return products with their open lots, and used-up ones with all their lots."""
    loaded = stock.load(transaction, user, product_ids)
    used_up = [each.key for each in loaded.values() if each.product.closed_as is not None]
    every = stored_lots.all_lots_of(transaction.connection, used_up)
    return {
        product_id: dataclasses.replace(each, lots=tuple(every.get(each.key, each.lots)))
        for product_id, each in loaded.items()
    }


def _dates(its_lots: Iterable[Lot]) -> list[object]:
    return [date for lot in its_lots for date in (lot.printed, lot.expiry)]


def _is_of_unsealed_lot(before: StoredProduct) -> bool:
    left = open_lots(before.lots)
    return len(left) == 1 and left[0].state is not LotState.SEALED


def _with_lots_fields(wanted: Product, before: StoredProduct) -> Product:
    """Return the product with the fields of its lots that are known or can't be changed."""
    old = before.product
    if old.closed_as is not None:
        return dataclasses.replace(
            wanted,
            expiry=old.expiry,
            quantity=old.quantity,
            location=old.location,
            date_kind=old.date_kind,
        )
    is_known = wanted.expiry in _dates(before.lots)
    return dataclasses.replace(wanted, expiry=old.expiry) if is_known else wanted
