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
from typing import Any, NamedTuple

from useby.actions import imported_lots, stock
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
from useby.actions.stock import AddedProduct, ChangedProduct
from useby.domain.account import User
from useby.domain.barcodes import code_of, with_first
from useby.domain.household import with_leads_for_all
from useby.domain.lot import Lot, open_lots
from useby.domain.lot_actions import NO_CHANGE, Change, after, then
from useby.domain.movement import ActionRefused, Movement, received_as
from useby.domain.occasion import Occasion
from useby.domain.product import Product
from useby.domain.received_lot import receive
from useby.domain.stock import taken_together
from useby.store import lots, products
from useby.store.database import Connection
from useby.store.lots import StoredProduct

Load = Callable[[Sequence[str]], Mapping[str, StoredProduct]]
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

    new: list[AddedProduct] = field(default_factory=list)
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
    connection: Connection, rows: Sequence[ImportedRow], user: User, now: datetime, load: Load
) -> Compared:
    """Compare rows with the user's stored products.

    A product that a row would bring into a state that cannot be, for example to a larger quantity
    or to more lots than a product can have, is refused with all of its rows.
    """
    stored = _stored(connection, rows, user, load)
    result = Compared()
    possible: list[tuple[ImportedRow, Compared]] = []
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
            possible.append((group[-1], of_product))
    full = stock.exceeded(connection, [each for _, its in possible for each in its.changed])
    for row, of_product in possible:
        limits = [full[each.before.key] for each in of_product.changed if each.before.key in full]
        if limits:
            result.refused.append(RowRefused(str(limits[0]), row))
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
    """Return products as ``stock.load`` does, without writing anything."""
    found = lots.stored(connection, [(user.id, each) for each in product_ids])
    return {
        product_id: dataclasses.replace(
            each, lots=tuple(stock.in_line(connection, user, each).lots)
        )
        if each.version is None
        else each
        for (_, product_id), each in found.items()
    }


def looking(connection: Connection, user: User) -> Load:
    """Return a ``Load`` that writes nothing."""
    return partial(look, connection, user)


def _stored(
    connection: Connection, rows: Sequence[ImportedRow], user: User, load: Load
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
    loaded = load([product.id for product in found])
    every = lots.all_lots_of(connection, [each.key for each in loaded.values()])
    by_key: dict[ProductKey, list[StoredProduct]] = {}
    for product in found:
        before = loaded[product.id]
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


def _new(group: Sequence[ImportedRow], user: User, now: datetime) -> AddedProduct:
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
    history: Sequence[Movement] | None = None
    """Its stored movements, once something needs them."""
    first_of: Mapping[str, str] | None = None
    """The lot as which each part of a split was received."""


class _RowMatch(NamedTuple):
    """The product of a row, and its lot if there is one."""

    target: _Target
    lot: Lot | None = None
    is_new: bool = False
    """True if the row becomes a new lot."""


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
        places = [(row, self._place(row)) for row in group]
        of_rows = {place.lot.id for _, place in places if place.lot is not None}
        for row, place in places:
            with _refusals_of(row):
                self._merge(row, place, of_rows, result)
        for target in self._targets:
            if target.product != target.before.product or target.change is not NO_CHANGE:
                changed = self._changed(target)
                with _refusals_of(group[-1]):  # before anything is stored
                    taken_together(changed.product, changed.lots, self._user.zone)
                result.changed.append(changed)

    def _merge(
        self, row: ImportedRow, place: _RowMatch, of_rows: set[str], result: Compared
    ) -> None:
        target, lot = place.target, place.lot
        product = target.product
        changed = _with_values(product, row)
        target.product = with_leads_for_all(self._user, target.before.product, changed)
        occasion = stock.occasion(self._user, target.product, self._now)
        if place.is_new:
            change = _received(row, target.product, occasion)
            result.added_rows += 1
        else:
            change = NO_CHANGE
            if lot is not None and lot.closed_as is None:
                parts = [part for part in self._parts(target, lot) if part.id not in of_rows]
                history = partial(self._history, target)
                change = imported_lots.changed(lot, parts, row, history, occasion)
            result.changed_rows += change is not NO_CHANGE or target.product != product
        if change is not NO_CHANGE:
            target.change = then(target.change, change)

    def _place(self, row: ImportedRow) -> _RowMatch:
        """Return the product of a row, and the stored lot that the row means."""
        same = self._lots.get(row.lot_key, [])
        if row.is_exported:
            same = sorted(same, key=lambda each: each[1].closed_as is not None)
        elif len(same) > 1:  # what was split from one of these lots is no row of its own
            ids = {lot.id for _, lot in same}
            same = [each for each in same if self._first_of(each[0]).get(each[1].id) not in ids]
        if row.copy < len(same):
            return _RowMatch(*same[row.copy])
        left = [(each, lot) for each in self._targets for lot in open_lots(each.before.lots)]
        target = left[0][0] if left else self._targets[0]
        if row.product.external_id is not None and not row.is_exported:
            if len(left) == 1:
                return _RowMatch(*left[0])
            if "expiry" not in row.given:
                return _RowMatch(target)
        return _RowMatch(target, is_new=True)

    def _history(self, target: _Target) -> Sequence[Movement]:
        if target.history is None:
            target.history = lots.history(self._connection, target.before.key)
        return (*target.history, *target.change.movements)

    def _first_of(self, target: _Target) -> Mapping[str, str]:
        """Return the lot as which each part of a split was received."""
        if target.first_of is None:
            target.first_of = received_as(self._history(target))
        return target.first_of

    def _parts(self, target: _Target, lot: Lot) -> list[Lot]:
        """Return the other open lots that were received as one with a lot."""
        same = (other for of, other in self._lots[lot_key(lot)] if of is target)
        others = [each for each in open_lots(same) if each.id != lot.id]
        if not others:
            return []
        first_of = self._first_of(target)
        first = first_of.get(lot.id, lot.id)
        return [each for each in others if first_of.get(each.id, each.id) == first]

    def _changed(self, target: _Target) -> ChangedProduct:
        before, change = target.before, target.change
        product = dataclasses.replace(target.product, updated_at=self._now)
        if product.rules != before.product.rules:
            left = dataclasses.replace(before, lots=tuple(after(before.lots, change)))
            moved = self._history(target)
            change = then(change, stock.computed_again(left, moved, self._user, product).change)
        return ChangedProduct(before, product, self._user, change)
