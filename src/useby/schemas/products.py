"""JSON models of products, for requests and answers."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from useby.domain import alerts, barcode
from useby.domain.account import User
from useby.domain.product import DateKind, Disposal, Expiry, Product, Status
from useby.schemas.fields import BATCH_LIMIT, ApiModel, LeadDays, Moment, Name, ShortText, Text
from useby.schemas.problems import Errors


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _expiry(text: str) -> str:
    Expiry.parse(text)  # pydantic reports its ValueError
    return text


ExpiryText = Annotated[
    str,
    StringConstraints(max_length=40),
    AfterValidator(_expiry),
    Field(
        description="A date, good through its end in the owner's zone, or a date-time with offset.",
        examples=["2026-03-04", "2026-03-04T10:30:00+01:00"],
    ),
]
Quantity = Annotated[
    Decimal,
    Field(gt=0, max_digits=18, decimal_places=6, allow_inf_nan=False),
    PlainSerializer(_plain, return_type=str, when_used="json"),
]
Barcode = Annotated[
    Text,
    StringConstraints(max_length=64, strip_whitespace=True),
    AfterValidator(barcode.checked),
    Field(description="A GTIN, whose check digit is verified, or free text."),
]
Unit = Annotated[Text, StringConstraints(max_length=32, strip_whitespace=True)]
Notes = Annotated[Text, StringConstraints(max_length=2000)]
ExternalId = Annotated[Text, StringConstraints(min_length=1, max_length=128)]


class ProductIn(ApiModel):
    """A product to store."""

    name: Name
    expiry_date: ExpiryText
    category: ShortText = ""
    barcode: Barcode = ""
    quantity: Quantity = Decimal(1)
    unit: Unit = ""
    location: ShortText = ""
    notes: Notes = ""
    date_kind: DateKind = DateKind.BEST_BEFORE
    lead_days: LeadDays | None = None
    external_id: ExternalId | None = None


class ProductChange(ApiModel):
    """Changes of a product; a field that is left out stays as it is."""

    name: Name = ""
    expiry_date: ExpiryText = ""
    category: ShortText = ""
    barcode: Barcode = ""
    quantity: Quantity = Decimal(1)
    unit: Unit = ""
    location: ShortText = ""
    notes: Notes = ""
    date_kind: DateKind = DateKind.BEST_BEFORE
    lead_days: LeadDays | None = None
    external_id: ExternalId | None = None


class QuantityIn(ApiModel):
    """A quantity of a product; left out or null, all of it."""

    quantity: Quantity | None = None


class ProductOut(ApiModel):
    """A product as its owner sees it now."""

    id: str
    name: str
    category: str
    barcode: str
    quantity: Quantity
    unit: str
    location: str
    notes: str
    expiry_date: str
    date_kind: DateKind
    lead_days: list[int] | None
    external_id: str | None
    status: Status
    days_left: Annotated[int, Field(description="Calendar days in the owner's zone.")]
    closed_as: Disposal | None
    closed_at: Moment | None
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, product: Product, user: User, now: datetime) -> Self:
        """Return a product as ``user`` sees it at ``now``."""
        instant = product.expiry.instant
        return cls(
            id=product.id,
            name=product.name,
            category=product.category,
            barcode=product.barcode,
            quantity=product.quantity,
            unit=product.unit,
            location=product.location,
            notes=product.notes,
            expiry_date=(
                product.expiry.key
                if instant is None
                else instant.astimezone(user.zone).isoformat(timespec="seconds")
            ),
            date_kind=product.date_kind,
            lead_days=None if product.lead_days is None else list(product.lead_days),
            external_id=product.external_id,
            status=alerts.status(product, user, now),
            days_left=alerts.days_left(product, user.zone, now),
            closed_as=product.closed_as,
            closed_at=product.closed_at,
            created_at=product.created_at,
            updated_at=product.updated_at,
        )


def product_json(product: Product, owner: User, now: datetime) -> str:
    """Return the JSON of a product as its owner sees it at ``now``."""
    return ProductOut.of(product, owner, now).model_dump_json(by_alias=True)


class ProductPage(ApiModel):
    """A page of products, and the cursor of the next page if there is one."""

    items: list[ProductOut]
    next_cursor: str | None


_ANY_PRODUCT = {
    "anyOf": [{"$ref": "#/components/schemas/ProductIn"}, {}],
    "description": "A `ProductIn`. Anything else gets status 422 in its own result.",
}


class BatchIn(ApiModel):
    """Products to store, each as `ProductIn`."""

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
    """Return the product that ``new`` describes."""
    return Product(
        id=product_id,
        user_id=user_id,
        name=new.name,
        expiry=Expiry.parse(new.expiry_date),
        created_at=now,
        updated_at=now,
        category=new.category,
        barcode=new.barcode,
        quantity=new.quantity,
        unit=new.unit,
        location=new.location,
        notes=new.notes,
        date_kind=new.date_kind,
        lead_days=None if new.lead_days is None else tuple(new.lead_days),
        external_id=new.external_id,
    )


def changed(before: Product, change: ProductChange, now: datetime) -> Product:
    """Return a copy of the product with the fields that ``change`` contains."""
    values: dict[str, Any] = {name: getattr(change, name) for name in change.model_fields_set}
    if "expiry_date" in values:
        values["expiry"] = Expiry.parse(values.pop("expiry_date"))
    if values.get("lead_days") is not None:
        values["lead_days"] = tuple(values["lead_days"])
    return replace(before, **values, updated_at=now)
