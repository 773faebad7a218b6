"""Compare the rows of a file with stored products, and decide what is added and changed.

A row's product is the one with its ``externalId``, or else one without that has its name and
barcode. The row's lot is the one of this product with its printed date and lot number. What has
been used up stays so, and a row that has no lot becomes a new one.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from useby.actions import stock
from useby.actions.import_rows import (
    LOT_FIELDS,
    ImportedRow,
    LotKey,
    ProductKey,
    lot_key,
    product_key,
    product_keys,
    values_of,
)
from useby.actions.stock import ChangedProduct, NewProduct
from useby.domain import lot_actions
from useby.domain.account import User
from useby.domain.barcodes import code_of, with_first
from useby.domain.lot import Lot, LotState, open_lots, with_date
from useby.domain.lot_actions import NO_CHANGE, Change, after, then
from useby.domain.lot_dates import sealed
from useby.domain.movement import ActionRefused
from useby.domain.occasion import Occasion
from useby.domain.product import Product
from useby.domain.received_lot import ReceivedLot, receive
from useby.domain.stock import taken_together
from useby.store import lots, products
from useby.store.database import Connection
from useby.store.lots import StoredProduct

Hold = Callable[[Sequence[str]], Mapping[str, StoredProduct]]
"""Returns the user's products with their lots, by id, flat rows brought in line."""


class RowRefused(ActionRefused):
    """Raised for a row that the stored products do not allow."""

    def __init__(self, message: str, row: ImportedRow) -> None:
        """Keep the row."""
        super().__init__(message)
        self.row = row


@dataclass(frozen=True, slots=True)
class Upserted:
    """Result of an import: numbers of rows added, changed, and left unchanged."""

    added: int = 0
    changed: int = 0
    same: int = 0
    products: int = 0
    """Number of new products."""
    policies: int = 0
    """Number of policies of alerts that the account did not have."""

    def __add__(self, more: "Upserted") -> "Upserted":
        """Return the result of both."""
        return Upserted(
            self.added + more.added,
            self.changed + more.changed,
            self.same + more.same,
            self.products + more.products,
            self.policies + more.policies,
        )


@dataclass(slots=True)
class Compared:
    """What the rows of a slice add and change."""

    new: list[NewProduct] = field(default_factory=list)
    new_keys: list[ProductKey] = field(default_factory=list)
    """Keys of the new products."""
    changed: list[ChangedProduct] = field(default_factory=list)
    added_rows: int = 0
    changed_rows: int = 0
    rows: int = 0
    """Number of rows, without those of products that are refused."""
    refused: list[RowRefused] = field(default_factory=list)
    """A refusal for each product of which nothing is stored."""

    def add(self, more: "Compared") -> None:
        """Add what the rows of one product add and change."""
        self.new += more.new
        self.new_keys += more.new_keys
        self.changed += more.changed
        self.added_rows += more.added_rows
        self.changed_rows += more.changed_rows
        self.rows += more.rows

    @property
    def counts(self) -> Upserted:
        """The numbers of rows."""
        same = self.rows - self.added_rows - self.changed_rows
        return Upserted(self.added_rows, self.changed_rows, same, len(self.new))


def compare(
    connection: Connection, rows: Sequence[ImportedRow], user: User, now: datetime, hold: Hold
) -> Compared:
    """Compare rows with the user's stored products.

    A product that a row would bring into a state that cannot be, for example to a larger quantity
    than a product can have, is refused with all of its rows.
    """
    stored = _stored(connection, rows, user, hold)
    result = Compared()
    groups: dict[ProductKey, list[ImportedRow]] = {}
    for row in rows:
        groups.setdefault(product_key(row.product), []).append(row)
    for key, group in groups.items():
        there = stored.get(key, [])
        of_product = Compared(rows=len(group))
        try:
            if group[0].whole is not None:
                _add_wholes(of_product, [row for row in group if row.copy >= len(there)], user, now)
            elif there:
                _Merge(connection, there, user, now).merge(group, of_product)
            else:
                of_product.new.append(_new(group, user, now))
                of_product.new_keys.append(key)
                of_product.added_rows += len(group)
        except RowRefused as refusal:
            result.refused.append(refusal)
        else:
            result.add(of_product)
    return result


@contextmanager
def _refusals_of(row: ImportedRow) -> Iterator[None]:
    """Let a refusal in the block name the row."""
    try:
        yield
    except ActionRefused as error:
        raise RowRefused(str(error), row) from None


def look(
    connection: Connection, user: User, product_ids: Sequence[str]
) -> dict[str, StoredProduct]:
    """Return products as ``stock.hold`` does, without writing anything."""
    found = lots.stored(connection, [(user.id, each) for each in product_ids])
    return {
        product_id: dataclasses.replace(
            each, lots=tuple(stock.in_line(connection, user, each).lots)
        )
        if each.version is None
        else each
        for (_, product_id), each in found.items()
    }


def looking(connection: Connection, user: User) -> Hold:
    """Return a ``Hold`` that writes nothing."""
    return partial(look, connection, user)


def _stored(
    connection: Connection, rows: Sequence[ImportedRow], user: User, hold: Hold
) -> dict[ProductKey, list[StoredProduct]]:
    """Return the stored products that rows may be of, with all of their lots, by key and age."""
    ids = [row.product.external_id for row in rows if row.product.external_id is not None]
    names = [row.product.name for row in rows if row.product.external_id is None]
    wanted = {product_key(row.product) for row in rows}
    found = [
        *products.by_external_id(connection, user.id, ids).values(),
        *products.without_external_id(connection, user.id, names),
    ]
    found = [product for product in found if not wanted.isdisjoint(product_keys(product))]
    held = hold([product.id for product in found])
    every = lots.all_lots_of(connection, [each.key for each in held.values()])
    by_key: dict[ProductKey, list[StoredProduct]] = {}
    for product in found:
        before = held[product.id]
        theirs = {lot.id: lot for lot in (*every.get(before.key, ()), *before.lots)}
        in_order = tuple(theirs[lot_id] for lot_id in sorted(theirs))
        for key in product_keys(product):
            by_key.setdefault(key, []).append(dataclasses.replace(before, lots=in_order))
    return by_key


def _add_wholes(result: Compared, rows: Iterable[ImportedRow], user: User, now: datetime) -> None:
    for row in rows:
        assert row.whole is not None  # noqa: S101 - all rows of such a file have it
        with _refusals_of(row):
            result.new.append(stock.with_lots(row.product, row.whole, user, now))
        result.new_keys.append((*product_key(row.product), str(row.copy)))
        result.added_rows += 1


def _new(group: Sequence[ImportedRow], user: User, now: datetime) -> NewProduct:
    product, change = group[0].product, NO_CHANGE
    for row in group[1:]:
        product = _with_values(product, row)
    occasion = stock.occasion(user, product, now)
    for row in group:
        with _refusals_of(row):
            change = then(change, _received(row, product, occasion))
    with _refusals_of(group[-1]):
        return stock.with_lots(product, change, user, now)


def _with_values(product: Product, row: ImportedRow) -> Product:
    """Return a product with the fields of it that a row has."""
    values = values_of(row.product, row.given - LOT_FIELDS)
    if "barcode" in row.given:
        values |= _with_barcodes(product, row.product)
    return dataclasses.replace(product, **values) if values else product


def _with_barcodes(product: Product, given: Product) -> dict[str, Any]:
    """Return the barcodes of a product that a row names by one of them, or gives another first."""
    barcodes = product.barcodes
    is_kept = not given.barcode or code_of(given.barcode) in map(code_of, barcodes[1:])
    if len(barcodes) <= 1 or not is_kept:
        barcodes = with_first(barcodes, given.barcode)
    return {"barcode": next(iter(barcodes), ""), "more_barcodes": barcodes[1:]}


def _received(row: ImportedRow, product: Product, occasion: Occasion) -> Change:
    of = row.product
    if of.id != product.id:
        of = dataclasses.replace(of, id=product.id)
    return receive(of, row.details, occasion)


@dataclass(slots=True)
class _Target:
    """A stored product, and what the rows so far change of it."""

    before: StoredProduct
    product: Product
    change: Change = NO_CHANGE


class _Merge:
    """Merges rows with the stored products that have their key."""

    def __init__(
        self, connection: Connection, there: Sequence[StoredProduct], user: User, now: datetime
    ) -> None:
        self._connection, self._user, self._now = connection, user, now
        self._targets = [_Target(each, each.product) for each in there]
        self._lots: dict[LotKey, list[tuple[_Target, Lot]]] = {}
        for target in self._targets:
            for lot in target.before.lots:
                self._lots.setdefault(lot_key(lot), []).append((target, lot))

    def merge(self, group: Sequence[ImportedRow], result: Compared) -> None:
        for row in group:
            with _refusals_of(row):
                self._merge(row, result)
        for target in self._targets:
            if target.product != target.before.product or target.change is not NO_CHANGE:
                changed = self._settled(target)
                with _refusals_of(group[-1]):  # before anything is stored
                    taken_together(changed.product, changed.lots, self._user.zone)
                result.changed.append(changed)

    def _merge(self, row: ImportedRow, result: Compared) -> None:
        target, lot, is_new = self._place(row)
        product = target.product
        target.product = _with_values(product, row)
        occasion = stock.occasion(self._user, target.product, self._now)
        if is_new:
            change = _received(row, target.product, occasion)
            result.added_rows += 1
        else:
            change = NO_CHANGE if lot is None else _changed(lot, row, occasion)
            result.changed_rows += change is not NO_CHANGE or target.product != product
        if change is not NO_CHANGE:
            target.change = then(target.change, change)

    def _place(self, row: ImportedRow) -> tuple[_Target, Lot | None, bool]:
        """Return the product of a row, its lot if there is one, and whether it is a new lot."""
        same = self._lots.get(row.lot_key, [])
        if _is_exported(row):
            same = sorted(same, key=lambda each: each[1].closed_as is not None)
        if row.copy < len(same):
            return *same[row.copy], False
        left = [(each, lot) for each in self._targets for lot in open_lots(each.before.lots)]
        target = left[0][0] if left else self._targets[0]
        if row.product.external_id is not None and not _is_exported(row):
            if len(left) == 1:
                return *left[0], False
            if "expiry" not in row.given:
                return target, None, False
        return target, None, True

    def _settled(self, target: _Target) -> ChangedProduct:
        before, change = target.before, target.change
        product = dataclasses.replace(target.product, updated_at=self._now)
        if product.rules != before.product.rules:
            history = lots.history(self._connection, before.key)
            left = dataclasses.replace(before, lots=tuple(after(before.lots, change)))
            moved = (*history, *change.movements)
            change = then(change, stock.computed_again(left, moved, self._user, product).change)
        return ChangedProduct(before, product, self._user, change)


def _is_exported(row: ImportedRow) -> bool:
    """Return whether a row is of an export, which has a row for each open lot, with its state."""
    return "state" in row.given


def _changed(lot: Lot, row: ImportedRow, occasion: Occasion) -> Change:
    """Return what a row changes of its lot; nothing of a closed one."""
    if lot.closed_as is not None:
        return NO_CHANGE
    change, given, details = NO_CHANGE, row.given, row.details
    values = {name: getattr(details, name) for name in ("lot_number", "serial", "price")}
    values |= {"date_kind": row.product.date_kind}
    if lot.state is LotState.SEALED:
        values["received_on"] = details.received_on
    values = {
        name: value
        for name, value in values.items()
        if name in given and value != getattr(lot, name)
    }
    if values:
        lot = dataclasses.replace(lot, **values)
        if "received_on" in values:
            lot = with_date(lot, sealed(lot.printed, lot.received_on, occasion.rules))
        change = Change((lot,))
    expiry = row.product.expiry
    if isinstance(details, ReceivedLot) and details.types_a_date and lot.state is details.state:
        if lot.expiry != details.typed:
            change = then(change, lot_actions.correct_date(lot, details.typed, occasion))
            lot = change.lots[0]
    elif "expiry" in given and expiry not in (lot.printed, lot.expiry):
        change = then(change, lot_actions.correct_date(lot, expiry, occasion))
        lot = change.lots[0]
    if "location" in given and lot.location != row.product.location:
        change = then(change, lot_actions.move(lot, None, row.product.location, occasion))
        lot = change.lots[0]
    if "quantity" in given and lot.quantity != row.product.quantity:
        change = then(change, lot_actions.correct_quantity(lot, row.product.quantity, occasion))
    return change
