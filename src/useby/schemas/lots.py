"""JSON models of lots and movements, for requests and answers."""

from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any, Final, Self, cast

from pydantic import Field, model_validator

from useby.domain.account import User
from useby.domain.dates import EXAMPLE_DAY
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, LotState
from useby.domain.lot_changes import GivenFields, LotDetails
from useby.domain.lot_dates import DateSource
from useby.domain.movement import DiscardReason, Movement, MovementKind
from useby.domain.policy_scopes import policy_for
from useby.domain.product import DateKind, Disposal, Product, Status
from useby.domain.stock import lot_days_left, lot_status
from useby.schemas.fields import ApiModel, Moment, RequestModel, example
from useby.schemas.stock import (
    DayText,
    ExpiryText,
    LotNumber,
    PastText,
    Place,
    Price,
    Quantity,
    Serial,
    expiry_json,
    midnight_warnings,
)


class LotFields(RequestModel):
    """Fields of a lot that its package, its receipt or a person states."""

    expiry_date: ExpiryText | None = None
    printed_date: Annotated[
        ExpiryText | None,
        Field(description="The date on the package; of a sealed lot, the same as `expiryDate`."),
    ] = None
    received_on: Annotated[
        DayText | None,
        Field(description="Day of receipt, in the household's zone; null means today."),
    ] = None
    lot_number: LotNumber = ""
    serial: Serial = ""
    price: Price | None = None

    @property
    def printed(self) -> Expiry | None:
        """The date on the package, by either name."""
        has_printed = "printed_date" in self.model_fields_set
        return Expiry.parse_or_never(self.printed_date if has_printed else self.expiry_date)

    @property
    def details(self) -> LotDetails:
        """The lot's own fields, for a new lot."""
        return LotDetails(
            lot_number=self.lot_number,
            serial=self.serial,
            price=self.price,
            received_on=day_of(self.received_on),
        )

    @model_validator(mode="after")
    def _one_date(self) -> Self:
        if {"expiry_date", "printed_date"} <= self.model_fields_set:
            one = Expiry.parse_or_never(self.expiry_date)
            if one != Expiry.parse_or_never(self.printed_date):
                raise ValueError(
                    "must not have an expiryDate that differs from its printedDate; send one,"
                    f" e.g. the printedDate {EXAMPLE_DAY}"
                )
        return self


class NewLot(LotFields):
    """A lot to add to a product.

    Without them, the date is null (never, or by the product's `shelfLife`), `quantity` is 1,
    `receivedOn` is today, `dateKind` is the product's, and the other fields are empty.
    """

    model_config = example(printedDate=EXAMPLE_DAY, quantity="2", location="Fridge")

    quantity: Quantity = Decimal(1)
    date_kind: DateKind | None = None
    location: Place = ""


class LotChange(RequestModel):
    """Changes of a lot; a field that is left out stays as it is.

    `quantity` is the quantity that was counted, and `location` moves the whole lot. On a sealed
    lot `expiryDate` and `printedDate` are one field. On another lot, `expiryDate` counts until the
    next opening, freezing or thawing.
    """

    model_config = example(location="Freezer")

    quantity: Quantity = Decimal(1)
    expiry_date: ExpiryText | None = None
    printed_date: ExpiryText | None = None
    date_kind: DateKind = DateKind.BEST_BEFORE
    received_on: DayText = ""
    lot_number: LotNumber = ""
    serial: Serial = ""
    location: Place = ""
    price: Price | None = None

    @property
    def given(self) -> GivenFields:
        """The fields that are changed, with the names and types of ``Lot``."""
        given: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        for name, field in (("expiry_date", "expiry"), ("printed_date", "printed")):
            if name in given:
                given[field] = Expiry.parse_or_never(given.pop(name))
        if "received_on" in given:
            given["received_on"] = day_of(given["received_on"])
        return cast("GivenFields", given)


class ConsumeIn(RequestModel):
    """A quantity to consume; left out or null, all that is left."""

    model_config = example(quantity="0.5")

    quantity: Quantity | None = None
    at: PastText | None = None


class DiscardIn(ConsumeIn):
    """A quantity to discard; left out or null, all that is left."""

    model_config = example(quantity="0.5", reason="spoiled")

    reason: DiscardReason | None = None


class StateIn(RequestModel):
    """A quantity to open, freeze or thaw; left out or null, all. Less than all splits the lot."""

    model_config = example(quantity="0.5")

    quantity: Quantity | None = None
    at: PastText | None = None


class MoveIn(StateIn):
    """The new location, and the quantity to move; less than all splits the lot."""

    model_config = example(location="Freezer")

    location: Place


class MovementOut(ApiModel):
    """One thing that happened to a lot."""

    id: str
    product_id: str
    lot_id: str
    kind: MovementKind
    quantity: Annotated[Quantity, Field(description="Always greater than 0.")]
    at: Annotated[Moment, Field(description="Time at which it happened.")]
    recorded_at: Moment
    reason: DiscardReason | None
    undoes: Annotated[str | None, Field(description="Id of the movement that this one undoes.")]
    by_user: Annotated[
        str | None,
        Field(
            description="The member who recorded it; null if nobody shared the household then, and"
            " after the member has left."
        ),
    ]

    @classmethod
    def of(cls, movement: Movement) -> Self:
        """Return a stored movement in its JSON form."""
        return cls.unchecked(dict(zip(_MOVEMENT, _movement_of(movement), strict=True)))


class MovementPage(ApiModel):
    """A page of movements, and the cursor of the next page if there is one."""

    items: list[MovementOut]
    next_cursor: str | None


class LotOut(ApiModel):
    """A lot as its owner sees it now."""

    id: str
    product_id: str
    quantity: Annotated[
        Quantity, Field(description="Quantity left; of a closed lot, its last one.")
    ]
    printed_date: Annotated[
        str | None, Field(description="The date on the package. Null means never.")
    ]
    expiry_date: Annotated[
        str | None,
        Field(description="The date that counts now. Null means never, or not while frozen."),
    ]
    date_source: DateSource | None
    date_kind: DateKind
    received_on: date
    lot_number: str
    serial: str
    location: str
    price: Price | None
    state: LotState
    state_since: Moment
    status: Status
    days_left: Annotated[
        int | None,
        Field(description="Calendar days in the owner's zone; null without a date."),
    ]
    closed_as: Disposal | None
    closed_at: Moment | None
    warnings: Annotated[
        list[str],
        Field(
            description="Sentences about sent fields that were accepted and may be mistakes; empty"
            " in answers to requests that sent none."
        ),
    ]

    @classmethod
    def of(
        cls,
        lot: Lot,
        product: Product,
        user: User,
        now: datetime,
        sent: "LotFields | LotChange | None" = None,
    ) -> Self:
        """Return a lot of a product as ``user`` sees it at ``now``."""
        return cls.unchecked(fields_of(lot, product, user, now, sent))


class LotDone(LotOut):
    """A lot after an action, with what was recorded."""

    movements: Annotated[
        list[MovementOut], Field(description="New movements, in the order of recording.")
    ]
    part: Annotated[
        LotOut | None,
        Field(description="The new lot, if the action split this one; this one is the rest."),
    ]


class LotPage(ApiModel):
    """A page of a product's lots, and the cursor of the next page if there is one."""

    items: list[LotOut]
    next_cursor: str | None


def day_of(text: str | None) -> date | None:
    """Return the day that a ``DayText`` names."""
    return None if text is None else date.fromisoformat(text)


def past_of(text: str | None) -> Expiry | None:
    """Return the time that a ``PastText`` names; ``None`` means now."""
    return None if text is None else Expiry.parse(text)


def fields_of(
    lot: Lot, product: Product, user: User, now: datetime, sent: LotFields | LotChange | None = None
) -> dict[str, Any]:
    """Return the fields of ``LotOut``."""
    zone = user.zone
    found = dict(zip(_SAME, _same_of(lot), strict=True))
    found |= {
        "printed_date": expiry_json(lot.printed, zone),
        "expiry_date": expiry_json(lot.expiry, zone),
        "status": lot_status(lot, policy_for(product, user, lot), zone, now),
        "days_left": lot_days_left(lot, zone, now),
        "warnings": [] if sent is None else _warnings_of(sent, user),
    }
    return found


def _warnings_of(sent: LotFields | LotChange, owner: User) -> list[str]:
    return [
        warning
        for field, text in (("expiryDate", sent.expiry_date), ("printedDate", sent.printed_date))
        if text is not None
        for warning in midnight_warnings(field, text, Expiry.parse_or_never(text), owner)
    ]


_SAME: Final = tuple(each.name for each in fields(Lot) if each.name in LotOut.model_fields)
"""Fields that a lot and its JSON have in common."""
_same_of: Final = attrgetter(*_SAME)
_MOVEMENT: Final = tuple(MovementOut.model_fields)
_movement_of: Final = attrgetter(*_MOVEMENT)
