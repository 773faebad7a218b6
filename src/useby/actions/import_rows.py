"""Read a file and validate its rows: each is a lot with the fields of its product.

Rows with the same ``externalId``, or else with the same name and barcode, are of one product. Its
own fields are those of the first row that has them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from pydantic.alias_generators import to_camel
from uuid_utils import uuid7

from useby.actions import stock
from useby.domain.account import User
from useby.domain.barcodes import code_of
from useby.domain.household import as_seen, is_for_another_member
from useby.domain.lot import Lot, all_recomputed, open_lots
from useby.domain.lot_actions import Change
from useby.domain.lot_changes import NO_DETAILS, LotDetails
from useby.domain.policy import NOTHING_SET, StoredPolicy
from useby.domain.policy_scopes import fields_of_member
from useby.domain.product import Product
from useby.domain.quota import ProductFull, Quota
from useby.domain.received_lot import receive
from useby.domain.stock import MAX_QUANTITY, taken_together
from useby.imports import reading
from useby.imports.reading import Reading
from useby.imports.tables import Format, Options
from useby.schemas.imported import RowIn
from useby.schemas.products import ProductIn, product_from
from useby.schemas.stock import midnight_warnings
from useby.schemas.stock_file import StockProduct, restored
from useby.store.member_policies import OF_PRODUCT

MOST_COPIES: Final = 50
"""Maximum rows of a file with the same product, date and lot number. Grocy's may have more: it has
an entry for each purchase, and equal ones are one row already."""

ProductKey = tuple[str, ...]
"""External id of a product, or else its name and barcode."""
LotKey = tuple[str, str]
"""Printed date and lot number of a lot."""
LOT_FIELDS: Final = frozenset(
    (
        *("expiry", "quantity", "location", "date_kind"),
        *("lot_number", "serial", "price", "received_on", "state", "state_since", "typed_date"),
        "date_before_freezing",
    )
)
"""Fields of a row that are of its lot; the others are of its product."""
_OF_PRODUCT: Final = {name: name for name in RowIn.model_fields} | dict.fromkeys(
    ("expiry_date", "printed_date"), "expiry"
)
_DETAILS: Final = frozenset(
    ("lot_number", "serial", "price", "received_on", "state", "state_since")
)


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """A valid row of a file."""

    line: int
    product: Product
    """The product with the quantity, date, kind of date and location of the row's lot."""
    given: frozenset[str]
    """Fields that the row has; the others of a stored product and lot stay as they are. A field of
    the product that an earlier row has is left out."""
    details: LotDetails = NO_DETAILS
    copy: int = 0
    """Number of earlier rows with the same product, date and lot number: the second of two such
    rows is the second of two such lots. In useby's own file, rows with the same product."""
    whole: Change | None = None
    """All lots and movements of the product, if the file is useby's own."""
    own: Sequence[tuple[str, StoredPolicy]] = ()
    """Policies of the product, without a lot, and of lots that are the person's own. Those of a
    household's founder are in the product and the lots."""

    @property
    def is_exported(self) -> bool:
        """True for a row of an export, which has a row for each open lot, with its state."""
        return "state" in self.given

    @property
    def lot_key(self) -> LotKey:
        """The key of the row's lot."""
        return date_key(self.product), self.details.lot_number


def product_key(product: Product) -> ProductKey:
    """Return the key of a product; two spellings of a GTIN are one."""
    if product.external_id is not None:
        return (product.external_id,)
    return product.name, code_of(product.barcode)


def product_keys(product: Product) -> list[ProductKey]:
    """Return the keys by which a stored product is found: one for each of its barcodes."""
    if product.external_id is not None:
        return [(product.external_id,)]
    return [(product.name, code_of(barcode)) for barcode in product.barcodes or ("",)]


def values_of(product: Product, names: Iterable[str]) -> dict[str, Any]:
    """Return the fields of a product that a row has, by their names in ``Product``."""
    values = {name: getattr(product, name) for name in names}
    if values.pop("barcodes", None) is not None:
        values |= {"barcode": product.barcode, "more_barcodes": product.more_barcodes}
    return values


def date_key(product: Product) -> str:
    """Return the first part of a lot's key for a product's date."""
    return "" if product.expiry is None else product.expiry.key


def lot_key(lot: Lot) -> LotKey:
    """Return the key of a stored lot."""
    return "" if lot.printed is None else lot.printed.key, lot.lot_number


def read(
    data: bytes,
    options: Options,
    user: User,
    now: datetime,
    on_row: Callable[[int, int], None] = lambda *_: None,
) -> tuple[Reading, list[ImportedRow]]:
    """Read and validate a file; takes seconds for a large one.

    Args:
        data: The file.
        options: Choices of the person who imports.
        user: The owner.
        now: The current time, aware.
        on_row: Called with the numbers of rows read and of all rows.

    Returns:
        The file with the faults of its rows, and the valid rows.

    Raises:
        UnreadableFile: The file as a whole cannot be read.
    """
    found = reading.read(data, options)
    return found, list(_RowValidator(found, user, now).valid(on_row))


@dataclass(slots=True)
class _Earlier:
    """Earlier rows of a product."""

    product: Product
    """The product of the first one."""
    line: int
    given: frozenset[str]
    """Fields of the product that they have."""
    quantity: Decimal = Decimal(0)
    copies: dict[LotKey, int] = field(default_factory=dict)
    rows: int = 1


class _RowValidator:
    """Validates the rows of a file one after the other."""

    def __init__(self, found: Reading, user: User, now: datetime) -> None:
        self._found, self._user, self._now = found, user, now
        self._earlier: dict[ProductKey, _Earlier] = {}
        self._sets: dict[frozenset[str], frozenset[str]] = {}

    def valid(self, on_row: Callable[[int, int], None]) -> Iterator[ImportedRow]:
        total = self._found.rows
        for number, (line, new) in enumerate(self._found.products(), 1):
            on_row(number, total)
            if new is None:
                self._found.table.bad_rows += 1
                continue
            try:
                row = self._whole(line, new) if isinstance(new, StockProduct) else None
                row = row or self._row(line, new)
            except (ValueError, ArithmeticError) as error:
                self._found.table.refuse_row(line, str(error), new.name)
                continue
            yield row

    def _row(self, line: int, new: ProductIn) -> ImportedRow:
        """Return a row.

        Raises:
            ValueError: It cannot be a lot of its product.
        """
        product = product_from(new, self._user.id, str(uuid7()), self._now)
        details = NO_DETAILS if new.model_fields_set.isdisjoint(_DETAILS) else new.details
        if details is not NO_DETAILS:
            receive(product, details, stock.occasion(self._user, product, self._now))
        if product.expiry is not None and product.expiry.instant is not None:
            for warning in midnight_warnings("date", new.expiry_date, product.expiry, self._user):
                self._found.table.warn(line, warning, "expiryDate", new.expiry_date)
        given = frozenset(_OF_PRODUCT[name] for name in new.model_fields_set)
        given = self._sets.setdefault(given, given)
        row = ImportedRow(line, product, given, details)
        key = product_key(product)
        earlier = self._earlier.get(key)
        if earlier is None:
            first = _Earlier(product, line, given - LOT_FIELDS, product.quantity)
            first.copies[row.lot_key] = 1
            self._earlier[key] = first
            return row
        return self._further(row, earlier)

    def _further(self, row: ImportedRow, earlier: _Earlier) -> ImportedRow:
        """Return a further row of a product.

        Raises:
            ValueError: Too many rows are equal or of one product, or their quantities are too large
                together.
        """
        copy = earlier.copies.get(row.lot_key, 0)
        if copy == MOST_COPIES and self._found.table.format is not Format.GROCY:
            raise ValueError(f"stands {MOST_COPIES} times already; give its quantity")
        limits, earlier.rows = self._user.product_limits, earlier.rows + 1
        if limits is not None and earlier.rows > limits.lots:
            raise ProductFull(Quota.LOTS, limits.lots)
        earlier.quantity += row.product.quantity
        if earlier.quantity > MAX_QUANTITY:
            raise ValueError(f"the product would have more than {MAX_QUANTITY:f}")
        earlier.copies[row.lot_key] = copy + 1
        self._compare(row, earlier)
        given = row.given - earlier.given
        if new := given - LOT_FIELDS:
            earlier.product = replace(earlier.product, **values_of(row.product, new))
            earlier.given |= new
        return replace(row, given=self._sets.setdefault(given, given), copy=copy)

    def _compare(self, row: ImportedRow, earlier: _Earlier) -> None:
        """Warn of fields in which a row contradicts earlier rows of its product.

        Raises:
            ValueError: The unit is another one, so the quantity is none of the product's.
        """
        for name in sorted((row.given & earlier.given) - LOT_FIELDS):
            value, kept = getattr(row.product, name), getattr(earlier.product, name)
            if value == kept or _codes(name, value) == _codes(name, kept):
                continue
            if name == "unit":
                raise ValueError(
                    f"the unit of this product is {kept} on line {earlier.line}, and {value} here;"
                    f" give both quantities in one unit"
                )
            message = f"the product has another value on line {earlier.line}, which is kept"
            self._found.table.warn(row.line, message, to_camel(name), value)

    def _whole(self, line: int, new: StockProduct) -> ImportedRow:
        """Return a product of useby's own file.

        Raises:
            ValueError: Its lots cannot be what its movements make of them.
        """
        product, lots, movements = restored(new, self._user.id, lambda: str(uuid7()))
        zone = self._user.zone
        product = taken_together(product, lots, zone)
        try:
            again = all_recomputed(open_lots(lots), movements, product.rules, zone)
        except (ValueError, LookupError, StopIteration):
            again = [None]
        if None in again:
            raise ValueError("the movements of an open lot must be ones that leave something of it")
        earlier = self._earlier.setdefault(
            product_key(product), _Earlier(product, line, frozenset())
        )
        copy = earlier.copies.get(("", ""), 0)
        earlier.copies["", ""] = copy + 1
        own = _own_policies(product, lots) if is_for_another_member(self._user) else ()
        product = as_seen(self._user, product)
        change = Change(tuple(as_seen(self._user, lot) for lot in lots), movements)
        return ImportedRow(line, product, frozenset(), copy=copy, whole=change, own=own)


def _own_policies(product: Product, lots: Iterable[Lot]) -> list[tuple[str, StoredPolicy]]:
    """Return the policies of a product and its lots as those of a member beside the founder."""
    fields = fields_of_member(product.policy, product.lead_days)
    own = [(OF_PRODUCT, fields), *((lot.id, lot.policy.fields) for lot in lots if lot.policy)]
    return [(lot_id, StoredPolicy(each)) for lot_id, each in own if each != NOTHING_SET]


def _codes(name: str, value: Any) -> Any:
    """Return barcodes in the form in which they are compared, and other values unchanged."""
    if name == "barcode":
        return code_of(value)
    return list(map(code_of, value)) if name == "barcodes" else value
