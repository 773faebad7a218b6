"""JSON models of useby's own file: a product with its lots and movements, without ids.

Within a product, lots and movements have numbers, by which they refer to each other. A number that
only movements name is that of a lot which is gone, because its receipt was undone or because it was
deleted. Fields that have their default are left out of the file.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Final, Self

from pydantic import Field, PlainSerializer, model_validator

from useby.domain.dates import EARLIEST_YEAR, LATEST_YEAR
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, LotState
from useby.domain.lot_dates import DateSource
from useby.domain.movement import DiscardReason, Movement, MovementKind
from useby.domain.policy import PolicyFields, whole_days_of
from useby.domain.policy_scopes import (
    product_fields,
    stored_policy,
    with_policy,
    with_policy_beside,
)
from useby.domain.product import DateKind, Disposal, Product
from useby.domain.quota import MOST_MOVEMENTS
from useby.schemas.fields import Form, Instant, RequestModel
from useby.schemas.policy_file import FilePolicy
from useby.schemas.products import ProductIn, product_from
from useby.schemas.stock import ExpiryText, LotNumber, Place, Quantity, Serial, Stock

FORMAT: Final = "useby"
"""Value of the file's member ``format``."""
VERSION: Final = 1
"""Version of the form. A file of a later version is refused."""


Day = Annotated[
    date,
    Field(ge=date(EARLIEST_YEAR, 1, 1), le=date(LATEST_YEAR, 12, 31)),
    Form("must be a day, e.g. 2026-03-04"),
]
Number = Annotated[
    int, Field(ge=1, le=10**9, strict=True), Form("must be a whole number from 1, e.g. 1")
]
Change = Annotated[
    Decimal,
    Field(max_digits=18, decimal_places=6, allow_inf_nan=False),
    Form("must be a number of at most 18 digits, 6 of them after the point, e.g. -1.5"),
    PlainSerializer(lambda value: f"{value:f}", return_type=str, when_used="json"),
]


class StockLot(RequestModel):
    """A lot of the file."""

    number: Number
    quantity: Quantity
    printed_date: ExpiryText | None = None
    expiry_date: ExpiryText | None = None
    date_source: DateSource | None = None
    date_before_freezing: ExpiryText | None = None
    date_kind: DateKind = DateKind.BEST_BEFORE
    received_on: Day
    lot_number: LotNumber = ""
    serial: Serial = ""
    price: Stock | None = None
    location: Place = ""
    state: LotState = LotState.SEALED
    state_since: Instant
    closed_as: Disposal | None = None
    closed_at: Instant | None = None
    policy: FilePolicy | None = None


class StockMovement(RequestModel):
    """A movement of the file."""

    number: Number
    lot: Number
    kind: MovementKind
    quantity: Quantity
    change: Change = Decimal(0)
    at: Instant
    recorded_at: Instant
    reason: DiscardReason | None = None
    undoes: Number | None = None
    location: Place | None = None
    part: Number | None = None
    typed_date: ExpiryText | None = None


class StockProduct(ProductIn):
    """A product of the file; its date and quantity are those of its lots."""

    created_at: Instant
    updated_at: Instant
    policy: FilePolicy | None = None
    lots: Annotated[tuple[StockLot, ...], Field(max_length=MOST_MOVEMENTS)] = ()
    # Each movement may have been undone.
    movements: Annotated[tuple[StockMovement, ...], Field(max_length=2 * MOST_MOVEMENTS)] = ()

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        """Check that numbers refer to something, and that quantities follow from movements."""
        known = [movement.number for movement in self.movements]
        if any(first >= second for first, second in pairwise(known)):
            raise ValueError("the numbers of the movements must rise, e.g. 1, 2, 3")
        sums: dict[int, Decimal] = {}
        before: set[int] = set()
        for each in self.movements:
            if (each.kind is MovementKind.UNDONE) != (each.undoes is not None) or (
                each.undoes is not None and each.undoes not in before
            ):
                raise ValueError(f"movement {each.number} must undo an earlier one, or none")
            if (each.kind is MovementKind.SPLIT) != (each.part is not None):
                raise ValueError(f"movement {each.number} must name a part if it is a split")
            before.add(each.number)
            sums[each.lot] = sums.get(each.lot, Decimal(0)) + each.change
        if len({lot.number for lot in self.lots}) < len(self.lots):
            raise ValueError("each lot must have a number of its own")
        for lot in self.lots:
            if (lot.closed_as is None) != (lot.closed_at is None):
                raise ValueError(f"lot {lot.number} must have closedAs and closedAt, or neither")
            left = lot.quantity if lot.closed_as is None else Decimal(0)
            if sums.get(lot.number) != left:
                raise ValueError(f"the quantity of lot {lot.number} must follow from its movements")
        return self


_OF_LOTS: Final = {"expiry_date", "quantity"}
"""Fields of a product that the file leaves out."""
_PRODUCT_FIELDS: Final = [
    name for name in StockProduct.model_fields if name in Product.__dataclass_fields__
]


def exported(product: Product, lots: Sequence[Lot], movements: Sequence[Movement]) -> str:
    """Return a product with all of its lots and movements as one line of JSON.

    Args:
        product: The product.
        lots: Its lots in the order of their ids.
        movements: Its movements in the order in which they were recorded.
    """
    numbers = {lot.id: number for number, lot in enumerate(lots, 1)}
    for each in movements:
        numbers.setdefault(each.lot_id, len(numbers) + 1)
        if each.part_id is not None:
            numbers.setdefault(each.part_id, len(numbers) + 1)
    moves = {each.id: number for number, each in enumerate(movements, 1)}
    values = {name: getattr(product, name) for name in _PRODUCT_FIELDS if name not in _OF_LOTS}
    values |= {"barcode": next(iter(product.barcodes), ""), "barcodes": product.barcodes}
    values["policy"] = None if product.policy is None else FilePolicy.of(product_fields(product))
    return StockProduct.model_construct(
        **values,
        lots=tuple(_lot(lot, numbers) for lot in lots),
        movements=tuple(_movement(each, numbers, moves) for each in movements),
    ).model_dump_json(by_alias=True, exclude_defaults=True, exclude=_OF_LOTS)


def _text(expiry: Expiry | None) -> str | None:
    return None if expiry is None else expiry.key


def _lot(lot: Lot, numbers: dict[str, int]) -> StockLot:
    return StockLot.model_construct(
        number=numbers[lot.id],
        quantity=lot.quantity,
        printed_date=_text(lot.printed),
        expiry_date=_text(lot.expiry),
        date_source=lot.date_source,
        date_before_freezing=_text(lot.expiry_before_freezing),
        date_kind=lot.date_kind,
        received_on=lot.received_on,
        lot_number=lot.lot_number,
        serial=lot.serial,
        price=lot.price,
        location=lot.location,
        state=lot.state,
        state_since=lot.state_since,
        closed_as=lot.closed_as,
        closed_at=lot.closed_at,
        policy=None if lot.policy is None else FilePolicy.of(lot.policy.fields),
    )


def _movement(each: Movement, numbers: dict[str, int], moves: dict[str, int]) -> StockMovement:
    return StockMovement.model_construct(
        number=moves[each.id],
        lot=numbers[each.lot_id],
        kind=each.kind,
        quantity=each.quantity,
        change=each.change,
        at=each.at,
        recorded_at=each.recorded_at,
        reason=each.reason,
        undoes=None if each.undoes is None else moves[each.undoes],
        location=each.location,
        part=None if each.part_id is None else numbers[each.part_id],
        typed_date=_text(each.expiry),
    )


def restored(
    stored: StockProduct, user_id: str, new_id: Callable[[], str]
) -> tuple[Product, tuple[Lot, ...], tuple[Movement, ...]]:
    """Return a product of the file with its lots and movements, under new ids.

    Args:
        stored: The product as the file has it.
        user_id: Its owner.
        new_id: Maker of ids, each greater than the one before; lots keep their order.
    """
    values = {name: getattr(stored, name) for name in ProductIn.model_fields}
    plain = ProductIn.model_construct(**values)
    product = product_from(plain, user_id, new_id(), stored.created_at)
    product = replace(product, updated_at=stored.updated_at)
    if stored.policy is not None:
        product = _with_policy(product, stored.policy.fields)
    lot_ids = {lot.number: new_id() for lot in stored.lots}
    moves = {each.number: new_id() for each in stored.movements}
    for each in stored.movements:
        for number in (each.lot, each.part):
            if number is not None and number not in lot_ids:
                lot_ids[number] = new_id()
    lots = tuple(_stored_lot(lot, product.id, lot_ids) for lot in stored.lots)
    movements = tuple(
        _stored_movement(each, product.id, lot_ids, moves) for each in stored.movements
    )
    return product, lots, movements


def _with_policy(product: Product, fields: PolicyFields) -> Product:
    """Return a product with a policy; its ``leadDays`` stay if they are not its short form."""
    is_short = fields.leads is not None and product.lead_days == whole_days_of(fields.leads)
    if product.lead_days is None or is_short:
        return with_policy(product, fields)
    return with_policy_beside(product, fields)


def _stored_lot(lot: StockLot, product_id: str, lot_ids: Mapping[int, str]) -> Lot:
    return Lot(
        id=lot_ids[lot.number],
        product_id=product_id,
        quantity=lot.quantity,
        received_on=lot.received_on,
        state_since=lot.state_since,
        printed=Expiry.parse_or_never(lot.printed_date),
        date_kind=lot.date_kind,
        lot_number=lot.lot_number,
        serial=lot.serial,
        price=lot.price,
        location=lot.location,
        state=lot.state,
        expiry=Expiry.parse_or_never(lot.expiry_date),
        date_source=lot.date_source,
        expiry_before_freezing=Expiry.parse_or_never(lot.date_before_freezing),
        closed_as=lot.closed_as,
        closed_at=lot.closed_at,
        policy=None if lot.policy is None else stored_policy(lot.policy.fields),
    )


def _stored_movement(
    each: StockMovement, product_id: str, lot_ids: Mapping[int, str], moves: Mapping[int, str]
) -> Movement:
    return Movement(
        id=moves[each.number],
        product_id=product_id,
        lot_id=lot_ids[each.lot],
        kind=each.kind,
        quantity=each.quantity,
        change=each.change,
        at=each.at,
        recorded_at=each.recorded_at,
        reason=each.reason,
        undoes=None if each.undoes is None else moves[each.undoes],
        location=each.location,
        part_id=None if each.part is None else lot_ids[each.part],
        expiry=Expiry.parse_or_never(each.typed_date),
    )
