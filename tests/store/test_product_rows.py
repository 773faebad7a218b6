"""A product field has one place each in the domain, the table, the JSON and the client.

covers: useby.store.column_mapping
"""

import dataclasses
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

import pytest
from tests.support.factories import a_kept_owner

from useby.actions import inventory, stock
from useby.client import models, params
from useby.domain.expiry import Expiry
from useby.domain.iso_duration import Duration
from useby.domain.lot import Lot
from useby.domain.policy import (
    Lead,
    LeadUnit,
    PolicyFields,
    Repeat,
    StoredPolicy,
    in_days,
)
from useby.domain.product import DateKind, Disposal, Product
from useby.schemas.lots import LotFields
from useby.schemas.products import ProductChange, ProductIn, ProductOut, changed, product_from
from useby.store import lots, products
from useby.store.bulk_write import execute
from useby.store.database import Database
from useby.store.product_rows import PRODUCT_COLUMNS, product_of, values_of

NOW: Final = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
FIELDS: Final = {field.name for field in dataclasses.fields(Product)}
OF_ITS_OWN_ROUTE: Final = {"policy"}
"""Fields that are not part of the product's JSON."""
SET_BY_THE_SERVER: Final = OF_ITS_OWN_ROUTE | {
    *("id", "user_id", "created_at", "updated_at", "closed_as", "closed_at", "lot_count"),
}
FULL: Final = Product(
    id="01a20b6e-fb6e-74c6-933a-68b096b6e89b",
    user_id="ada",
    name="Organic Milk",
    expiry=Expiry(day=date(2026, 3, 6)),
    created_at=NOW,
    updated_at=NOW.replace(minute=31),
    category="Dairy",
    barcode="4006381333931",
    quantity=Decimal("1.5"),
    unit="l",
    location="Fridge",
    notes="Opened on Monday",
    date_kind=DateKind.USE_BY,
    lead_days=(3, 1),
    external_id="fridge-17",
    closed_as=Disposal.CONSUMED,
    closed_at=NOW.replace(minute=32),
    lot_count=0,
    minimum_stock=Decimal(3),
    shelf_life=Duration.parse("P30D"),
    after_opening=Duration.parse("P5D"),
    after_freezing=Duration.parse("P12W"),
    after_thawing=Duration.parse("PT24H"),
    more_barcodes=("96385074", "PZN-1"),
    policy=StoredPolicy(
        PolicyFields(
            leads=(Lead(3), Lead(1), Lead(15, LeadUnit.PERCENT)),
            alert_time=time(7, 30),
            on_expiry=False,
            repeat=Repeat(Duration.parse("P2W"), 4),
            muted=NOW,
            unmuted_at=NOW,
        ),
        PolicyFields(in_days((3, 1))),
    ),
)
"""A product with a value of its own in each field."""
BARE: Final = Product("1", "ada", "Salt", Expiry(instant=NOW), NOW, NOW)
ENDLESS: Final = Product("1", "ada", "Honey", None, NOW, NOW)


def as_json(names: set[str]) -> set[str]:
    """The names of the fields in JSON: the date is given in one text, barcodes in one list."""
    theirs = {"expiry": "expiry_date", "more_barcodes": "barcodes"}
    return {theirs.get(name, name) for name in names}


def test_the_full_product_differs_from_the_default_in_every_field() -> None:
    for field in dataclasses.fields(Product):
        assert getattr(FULL, field.name) not in (field.default, None), field.name


@pytest.mark.parametrize("product", [FULL, BARE, ENDLESS], ids=["full", "bare", "endless"])
async def test_every_field_survives_the_table(database: Database, product: Product) -> None:
    owner = await a_kept_owner(database)
    kept = dataclasses.replace(product, user_id=owner.id)

    new = stock.new_product(kept, owner, NOW)
    await database.write(
        lambda t: execute(t.connection, products.insertions(database.dialect, [new.row]))
    )

    assert await database.read(lambda c: products.get(c, owner.id, kept.id)) == kept


def test_every_field_has_a_column() -> None:
    columns = {column.name for column in PRODUCT_COLUMNS}

    assert columns == (FIELDS - {"expiry"}) | {"expires_on", "expires_at"}
    assert len(values_of(FULL)) == len(columns)


def test_a_row_may_have_more_columns_than_the_product() -> None:
    assert product_of((*values_of(FULL), "more")) == FULL


def test_every_field_is_in_the_json_of_rest_and_in_the_clients_models() -> None:
    theirs, ours = (
        as_json(FIELDS - SET_BY_THE_SERVER),
        as_json(FIELDS - {"user_id"} - OF_ITS_OWN_ROUTE),
    )

    assert set(ProductChange.model_fields) == theirs
    assert set(ProductIn.model_fields) == theirs | set(LotFields.model_fields)
    shown = ours | {"status", "days_left", "warnings"}
    assert set(ProductOut.model_fields) == shown | {"lots"}
    in_the_client = {field.name for field in dataclasses.fields(models.Product)}
    assert in_the_client == shown | {"lots", "movements", "etag"}
    assert set(params.NewProduct.__annotations__) == theirs | set(LotFields.model_fields)
    put = (theirs | set(LotFields.model_fields)) - {"external_id"}
    assert set(params.ProductPut.__annotations__) == put
    assert set(params.ProductChange.__annotations__) == theirs


async def test_every_field_of_a_request_reaches_the_lot_of_the_product(database: Database) -> None:
    owner = await a_kept_owner(database)
    given: dict[str, Any] = {
        "printed_date": "2026-03-06",
        "received_on": "2026-03-01",
        "lot_number": "L-7",
        "serial": "S-1",
        "price": Decimal("1.29"),
    }
    assert given.keys() == LotFields.model_fields.keys() - {"expiry_date"}
    new = ProductIn(name="Milk", **given)
    product = product_from(new, owner.id, FULL.id, NOW)

    await database.write(lambda t: inventory.add(t, product, owner, NOW, new.details))

    (lot,) = await database.read(lambda c: lots.all_lots(c, (owner.id, FULL.id)))
    assert lot.printed == lot.expiry == Expiry(day=date(2026, 3, 6))
    for name in given.keys() & {field.name for field in dataclasses.fields(Lot)}:
        kept = getattr(lot, name)
        assert (kept.isoformat() if name == "received_on" else kept) == given[name], name


def test_every_field_of_a_request_reaches_the_product() -> None:
    given = {
        "name": FULL.name,
        "expiry_date": "2026-03-06",
        **{name: getattr(FULL, name) for name in FIELDS - SET_BY_THE_SERVER - {"name", "expiry"}},
    }
    del given["more_barcodes"]
    given["barcodes"] = FULL.barcodes
    opened = dataclasses.replace(
        FULL, closed_as=None, closed_at=None, lot_count=1, updated_at=NOW, policy=None
    )

    assert product_from(ProductIn(**given), FULL.user_id, FULL.id, NOW) == opened
    before = Product(FULL.id, FULL.user_id, "Salt", BARE.expiry, NOW, NOW)
    assert changed(before, ProductChange(**given), NOW) == opened
    assert changed(opened, ProductChange(), NOW) == opened
