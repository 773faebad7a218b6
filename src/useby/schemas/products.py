"""JSON models of products, for requests and answers."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any, Final, Self, cast

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from useby.domain import alerts
from useby.domain.account import User
from useby.domain.barcodes import MAX_BARCODES, distinct, on_one_line, with_first
from useby.domain.dates import EXAMPLE_DAY
from useby.domain.expiry import Expiry
from useby.domain.gs1 import check_digit_warning, upc_e_note
from useby.domain.household import as_seen
from useby.domain.lot import Lot
from useby.domain.lot_changes import GivenFields
from useby.domain.mangled import repair
from useby.domain.movement import Movement
from useby.domain.product import DateKind, Disposal, Product, Status
from useby.schemas.fields import (
    BATCH_LIMIT,
    ApiModel,
    Characters,
    DaysSpan,
    Form,
    LeadDays,
    Moment,
    Name,
    RequestModel,
    ShortName,
    Span,
    example,
)
from useby.schemas.lots import LotFields, LotOut, MovementOut
from useby.schemas.problems import Errors
from useby.schemas.stock import ExpiryText, Place, Quantity, Stock, expiry_json, midnight_warnings

MAX_BARCODE: Final = 128
"""Maximum length of a barcode, with its separators and its symbology identifier."""
Barcode = Annotated[
    str,
    Characters(0, MAX_BARCODE, "4012345678901"),
    AfterValidator(on_one_line),
    Field(
        description="A barcode as it was scanned or typed: a GTIN, a GS1 element string or Digital"
        " Link, or free text. A wrong check digit gives a warning. Line breaks become blanks."
    ),
]
Barcodes = Annotated[
    tuple[Barcode, ...],
    Field(
        max_length=MAX_BARCODES,
        description="All barcodes; `barcode` is the first of them. Empty ones and further"
        " spellings of the same GTIN are removed.",
    ),
    Form(
        f"must be a list of at most {MAX_BARCODES} barcodes of at most {MAX_BARCODE} characters,"
        ' e.g. ["4012345678901"]'
    ),
]
Unit = Annotated[str, Characters(0, 32, "kg", is_name=True)]
Notes = Annotated[str, Characters(0, 2000, "Opened on Monday", strip=False)]
ExternalId = Annotated[str, Characters(1, 128, "fridge-17", strip=False)]


MILK: Final = {
    "name": "Organic Milk",
    "expiryDate": EXAMPLE_DAY,
    "category": "Dairy",
    "quantity": "2",
    "location": "Fridge",
}
"""Example of a product. It has no ``externalId``, which a second product could not have."""


class ProductFields(RequestModel):
    """Fields of a product in requests; date, quantity and location are those of its only lot."""

    name: Name = ""
    expiry_date: ExpiryText | None = None
    category: ShortName = ""
    barcode: Annotated[
        Barcode, Field(description="The first of `barcodes`; sent alone, it replaces that one.")
    ] = ""
    barcodes: Barcodes = ()
    quantity: Quantity = Decimal(1)
    unit: Unit = ""
    location: Place = ""
    notes: Notes = ""
    date_kind: DateKind = DateKind.BEST_BEFORE
    lead_days: LeadDays | None = None
    external_id: ExternalId | None = None
    minimum_stock: Stock | None = None
    shelf_life: DaysSpan | None = None
    after_opening: Span | None = None
    after_freezing: Span | None = None
    after_thawing: Span | None = None

    @model_validator(mode="after")
    def _one_first_barcode(self) -> Self:
        if {"barcode", "barcodes"} <= self.model_fields_set:
            first = next(iter(distinct(self.barcodes)), "")
            if self.barcode != first:
                raise ValueError(
                    "must not have a barcode that is not the first of its barcodes; send one of"
                    ' both, e.g. barcodes ["4012345678901"]'
                )
        return self


class ProductIn(LotFields, ProductFields):
    """A product to store, with its first lot.

    Without them, `expiryDate` is null (never, or by `shelfLife`), `quantity` is 1, `dateKind` is
    `best_before`, `receivedOn` is today, and the other fields are empty. `printedDate` is another
    name of `expiryDate`.
    """

    model_config = example(**MILK)

    name: Name


class ProductChange(ProductFields):
    """Changes of a product; a field that is left out stays as it is."""

    model_config = example(location="Freezer")


class ProductPut(LotFields, ProductFields):
    """Fields of the product with the `externalId` of the path; those left out stay as they are.

    `name` is needed if there is no such product yet.
    """

    model_config = example(name="Organic Milk", expiryDate=EXAMPLE_DAY, quantity="2")

    def of_product(self, before: Product, now: datetime) -> Product:
        """Return a product with the given fields."""
        given = {name: getattr(self, name) for name in _OF_PRODUCT if name in self.model_fields_set}
        given.pop("external_id", None)
        if {"expiry_date", "printed_date"} & self.model_fields_set:
            given["expiry"] = self.printed
        return replace(before, **given, updated_at=now)

    @property
    def of_lot(self) -> GivenFields:
        """The given fields of the lot that a product does not have."""
        names = ("lot_number", "serial", "price")
        given: dict[str, Any] = {
            name: getattr(self, name) for name in names if name in self.model_fields_set
        }
        if self.details.received_on is not None:
            given["received_on"] = self.details.received_on
        return cast("GivenFields", given)


class QuantityIn(RequestModel):
    """A quantity of a product; left out or null, all of it."""

    model_config = example(quantity="0.5")

    quantity: Quantity | None = None


class ProductOut(ApiModel):
    """A product as its owner sees it now."""

    id: str
    name: str
    category: str
    barcode: Annotated[str, Field(description="The first of `barcodes`, or empty.")]
    barcodes: list[str]
    quantity: Annotated[
        Stock,
        Field(description="Quantity of all open lots; of a closed product, its last one."),
    ]
    unit: str
    location: str
    notes: str
    expiry_date: Annotated[
        str | None,
        Field(description="Date of the lot that is taken next. Null means never."),
    ]
    date_kind: DateKind
    lead_days: tuple[int, ...] | None
    external_id: str | None
    minimum_stock: Stock | None
    shelf_life: DaysSpan | None
    after_opening: Span | None
    after_freezing: Span | None
    after_thawing: Span | None
    lot_count: Annotated[int, Field(description="Number of open lots.")]
    status: Status
    days_left: Annotated[
        int | None,
        Field(description="Calendar days in the owner's zone; null without a date."),
    ]
    closed_as: Disposal | None
    closed_at: Moment | None
    created_at: Moment
    updated_at: Moment
    warnings: Annotated[
        list[str],
        Field(
            description="Sentences about sent fields that were accepted and may be mistakes; empty"
            " in answers to requests that sent none."
        ),
    ]

    lots: Annotated[
        list[LotOut] | None,
        Field(
            exclude_if=lambda lots: lots is None,
            description="With `include=lots`, the open lots in the order in which they are taken;"
            " of a product without any, those closed last.",
        ),
    ] = None

    @classmethod
    def of(
        cls,
        product: Product,
        user: User,
        now: datetime,
        sent: ProductFields | None = None,
        *,
        lots: Iterable[Lot] | None = None,
    ) -> Self:
        """Return a product as ``user`` sees it at ``now``, with warnings about ``sent`` fields."""
        return cls.unchecked(fields_of(product, user, now, sent, lots=lots))


class ProductDone(ProductOut):
    """A product after an action on its lots, with what was recorded."""

    movements: Annotated[
        list[MovementOut], Field(description="New movements, in the order of recording.")
    ]

    @classmethod
    def after(
        cls,
        product: Product,
        movements: Iterable[Movement],
        user: User,
        now: datetime,
        *,
        lots: Iterable[Lot] | None = None,
    ) -> Self:
        """Return a product after an action as ``user`` sees it at ``now``."""
        recorded = [MovementOut.of(each) for each in movements]
        return cls.unchecked(fields_of(product, user, now, lots=lots) | {"movements": recorded})


class ProductStored(ProductOut):
    """A product that was stored by its `externalId`."""

    created: Annotated[
        bool, Field(description="True if it is new (201), false if it was there (200).")
    ]


def fields_of(
    product: Product,
    user: User,
    now: datetime,
    sent: ProductFields | None = None,
    *,
    lots: Iterable[Lot] | None = None,
) -> dict[str, Any]:
    """Return the fields of ``ProductOut``."""
    return dict(zip(_SAME, _same_of(as_seen(user, product)), strict=True)) | {
        "barcode": next(iter(product.barcodes), ""),
        "barcodes": list(product.barcodes),
        "expiry_date": expiry_json(product.expiry, user.zone),
        "status": alerts.status(product, user, now),
        "days_left": alerts.days_left(product, user.zone, now),
        "warnings": [] if sent is None else warnings_of(sent, product, user),
        "lots": None if lots is None else [LotOut.of(each, product, user, now) for each in lots],
    }


_SAME: Final = [field.name for field in fields(Product) if field.name in ProductOut.model_fields]
"""Fields that a product and its JSON have in common."""
_same_of: Final = attrgetter(*_SAME)


def warnings_of(sent: ProductFields, product: Product, owner: User) -> list[str]:
    """Return a sentence for each sent field of a stored product that may be a mistake."""
    warnings: list[str] = []
    if "expiry_date" in sent.model_fields_set:
        warnings += midnight_warnings("expiryDate", sent.expiry_date, product.expiry, owner)
    elif isinstance(sent, LotFields) and sent.printed_date is not None:
        warnings += midnight_warnings("printedDate", sent.printed_date, product.expiry, owner)
    for barcode in distinct((sent.barcode, *sent.barcodes)):
        repaired = repair(barcode)
        found = [check_digit_warning(barcode), upc_e_note(barcode)]
        found = [repaired.warning] if repaired.is_lost else [*found, repaired.warning]
        warnings += [each for each in found if each is not None]
    return warnings


_OF_PRODUCT: Final = tuple(
    name
    for name in ProductFields.model_fields
    if name not in ("expiry_date", "barcode", "barcodes")
)
"""Fields of a request that are fields of a product by the same name."""


def product_json(
    product: Product, owner: User, now: datetime, *, lots: Iterable[Lot] | None = None
) -> str:
    """Return the JSON of a product, and of lots of it, as its owner sees it at ``now``."""
    return ProductOut.of(product, owner, now, lots=lots).model_dump_json(by_alias=True)


class ProductPage(ApiModel):
    """A page of products, and the cursor of the next page if there is one."""

    items: list[ProductOut]
    next_cursor: str | None


_ANY_PRODUCT = {
    "anyOf": [{"$ref": "#/components/schemas/ProductIn"}, {}],
    "description": "A `ProductIn`. Anything else gets status 422 in its own result.",
}


class BatchIn(RequestModel):
    """Products to store, each as `ProductIn`."""

    model_config = example(items=[MILK])

    items: Annotated[
        list[Annotated[Any, WithJsonSchema(_ANY_PRODUCT)]],
        Field(min_length=1, max_length=BATCH_LIMIT),
    ]


class BatchResult(ApiModel):
    """Result of one product of a batch."""

    index: int
    status: Annotated[int, Field(description="201, 409 (externalId is taken) or 422.")]
    product: ProductOut | None = None
    errors: Errors = Field(default_factory=list)


class BatchOut(ApiModel):
    """Results of a batch, one for each product, in their order."""

    results: list[BatchResult]


def product_from(new: ProductIn, user_id: str, product_id: str, now: datetime) -> Product:
    """Return the product that ``new`` describes; ``new.details`` are those of its lot."""
    values = vars(new)
    given = {name: values[name] for name in _OF_PRODUCT}
    barcode, more = _first_and_more(distinct((new.barcode, *new.barcodes)))
    return Product(
        id=product_id,
        user_id=user_id,
        expiry=new.printed,
        barcode=barcode,
        more_barcodes=more,
        created_at=now,
        updated_at=now,
        **given,
    )


def changed(before: Product, change: ProductChange, now: datetime) -> Product:
    """Return a copy of the product with the fields that ``change`` contains."""
    given = {name: getattr(change, name) for name in change.model_fields_set}
    barcodes = given.pop("barcodes", None)
    if barcodes is None and "barcode" in given:
        barcodes = with_first(before.barcodes, given["barcode"])
    if barcodes is not None:
        given["barcode"], given["more_barcodes"] = _first_and_more(distinct(barcodes))
    return replace(before, **_of_domain(given), updated_at=now)


def _first_and_more(barcodes: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    return next(iter(barcodes), ""), barcodes[1:]


def _of_domain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of a request with the names and types of ``Product``."""
    given = dict(values)
    if "expiry_date" in given:
        given["expiry"] = Expiry.parse_or_never(given.pop("expiry_date"))
    return given
