"""Rows of a file that agree in name and barcode are lots of one product.

covers: useby.actions.import_comparison, useby.actions.import_rows, useby.actions.imported_lots
covers: useby.domain.received_lot, useby.schemas.imported
"""

import json
from decimal import Decimal

import pytest
from tests.actions.test_imports import import_
from tests.actions.test_stock import receive
from tests.support.factories import NOON, a_kept_owner, day
from tests.support.import_files import TODAY
from tests.support.stored_products import taking

from useby.actions import import_rows, imports
from useby.actions import lots as lot_actions
from useby.actions.import_comparison import Upserted
from useby.domain import lot_actions as actions_of_lots
from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, open_lots
from useby.imports.tables import Options
from useby.store import exports
from useby.store.database import Database
from useby.store.exports import Kept


async def stock_of(database: Database, owner: User) -> list[Kept]:
    return await database.read(lambda c: exports.page(c, owner.id, ""))


LOTS = "name,barcode,expiryDate,quantity,lotNumber,receivedOn,price,afterOpening,notes"


async def test_rows_that_agree_in_name_and_barcode_are_lots_of_one_product(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "SLICE", 2)
    owner = await a_kept_owner(database)
    rows = [
        "Milk,96385074,2027-03-04,1,L1,2026-02-01,1.29,P5D,good",
        "Milk,96385074,2027-03-04,2,L2,,,,",
        "Milk,0000096385074,2027-04-04,3,,,,,",
        "Milk,,2027-03-04,4,,,,,",
    ]
    done = await import_(database, owner, rows, header=LOTS)
    assert done == Upserted(added=4, products=2)
    milk, other = await stock_of(database, owner)
    assert (milk.product.quantity, milk.product.lot_count) == (Decimal(6), 3)
    assert (str(milk.product.after_opening), milk.product.notes) == ("P5D", "good")
    assert sorted((lot.lot_number, lot.quantity, lot.price) for lot in milk.lots) == [
        ("", Decimal(3), None),
        ("L1", Decimal(1), Decimal("1.29")),
        ("L2", Decimal(2), None),
    ]
    assert min(lot.received_on for lot in milk.lots) == day("2026-02-01")
    assert [lot.quantity for lot in other.lots] == [Decimal(4)]
    assert await import_(database, owner, rows, header=LOTS) == Upserted(same=4)
    assert await stock_of(database, owner) == [milk, other]


async def test_a_row_changes_its_own_lot_and_leaves_the_others(database: Database) -> None:
    owner = await a_kept_owner(database)
    rows = ["Milk,,2027-03-04,1,L1,,,,", "Milk,,2027-03-04,2,L2,,,,"]
    await import_(database, owner, rows, header=LOTS)
    rows[1] = "Milk,,2027-03-04,5,L2,2026-01-05,2,P3D,"
    done = await import_(database, owner, rows, header=LOTS)
    assert done == Upserted(changed=1, same=1)
    (milk,) = await stock_of(database, owner)
    assert [(lot.lot_number, lot.quantity, lot.price) for lot in milk.lots] == [
        ("L1", Decimal(1), None),
        ("L2", Decimal(5), Decimal(2)),
    ]
    assert (milk.lots[1].received_on, str(milk.product.after_opening)) == (day("2026-01-05"), "P3D")


async def test_a_lot_that_was_used_up_stays_so_and_another_date_is_a_new_lot(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    rows = ["Milk,,2027-03-04,1,,,,,"]
    await import_(database, owner, rows, header=LOTS)
    (milk,) = await stock_of(database, owner)
    await database.write(taking(owner, milk.product, None))
    assert await import_(database, owner, rows, header=LOTS) == Upserted(same=1)
    rows.append("Milk,,2027-05-04,2,,,,,")
    assert await import_(database, owner, rows, header=LOTS) == Upserted(added=1, same=1)
    (milk,) = await stock_of(database, owner)
    assert (milk.product.quantity, milk.product.closed_as, len(milk.lots)) == (Decimal(2), None, 2)


async def test_the_fields_of_a_product_are_those_of_the_first_row_that_has_them(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    rows = ["Milk,,2027-03-04,1,,,,,first", "Milk,,2027-04-04,1,,,,P5D,second"]
    data = "\n".join([LOTS, *rows]).encode()
    found, valid = import_rows.read(data, Options(TODAY), owner, NOON)
    await imports.store_all(database, valid, owner, NOON)
    (milk,) = await stock_of(database, owner)
    assert (milk.product.notes, str(milk.product.after_opening)) == ("first", "P5D")
    (warning,) = found.table.warnings
    assert (warning.line, warning.column, warning.value) == (3, "notes", "second")
    assert "line 2" in warning.message
    assert await import_(database, owner, rows, header=LOTS) == Upserted(same=2)


async def test_quantities_of_a_product_in_two_units_are_refused(database: Database) -> None:
    owner = await a_kept_owner(database)
    data = b"name,expiryDate,unit,quantity\nRice,2027-03-04,kg,1\nRice,2027-04-04,g,500\n"
    found, rows = import_rows.read(data, Options(TODAY), owner, NOON)
    assert (len(rows), [each.line for each in found.table.bad]) == (1, [3])
    assert "one unit" in found.table.bad[0].message


async def test_a_lot_comes_in_the_state_in_which_it_is(database: Database) -> None:
    owner = await a_kept_owner(database)
    header = "name,expiryDate,afterOpening,state,stateSince"
    rows = ["Milk,2027-03-04,P5D,geöffnet,2026-03-01", "Peas,2027-03-04,,frozen,2026-02-01"]
    assert (await import_(database, owner, rows, header=header)).added == 2
    milk, peas = await stock_of(database, owner)
    (opened,), (frozen,) = milk.lots, peas.lots
    assert (opened.state.value, opened.expiry) == ("opened", Expiry.parse("2026-03-06"))
    assert opened.received_on == day("2026-03-01")
    assert (frozen.state.value, frozen.expiry) == ("frozen", None)
    assert await import_(database, owner, rows, header=header) == Upserted(same=2)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Milk,2027-03-04,2026-03-03,,", "must not be in the future"),
        ("Milk,2027-03-04,2026-03-01,opened,2026-02-01", "before the lot was received"),
        ("Milk,2027-03-04,,melted,", "must be"),
    ],
)
async def test_a_lot_that_cannot_be_so_is_a_bad_row(
    database: Database, row: str, message: str
) -> None:
    owner = await a_kept_owner(database)
    data = f"name,expiryDate,receivedOn,state,stateSince\n{row}\n".encode()
    found, rows = import_rows.read(data, Options(TODAY), owner, NOON)
    assert rows == []
    assert message in found.table.bad[0].message


async def test_a_product_with_an_external_id_and_several_lots_keeps_them(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    await import_(database, owner, ["7,Milk,2027-03-04,1"])
    (milk,) = await stock_of(database, owner)
    await receive(database, owner, milk.product, "2027-05-01", "2")
    assert await import_(database, owner, ["7,Milk,2027-03-04,1"]) == Upserted(same=1)
    assert await import_(database, owner, ["7,Milk,2027-06-01,4"]) == Upserted(added=1)
    (milk,) = await stock_of(database, owner)
    assert sorted(lot.quantity for lot in milk.lots) == [Decimal(1), Decimal(2), Decimal(4)]


async def opened(database: Database, owner: User, lot: Lot, quantity: str | None = None) -> None:
    part = None if quantity is None else Decimal(quantity)
    await database.write(
        lambda t: lot_actions.act(
            t, owner, lot.id, lambda one, at: actions_of_lots.open_(one, part, at), NOON
        )
    )


@pytest.mark.parametrize(
    ("expires", "counts", "source"),
    [("2026-12-24", "2026-03-07", "opened"), ("2026-03-05", "2026-03-05", "printed")],
)
async def test_a_new_date_of_an_opened_lot_is_that_of_its_package_and_the_lot_keeps_its_opening(
    database: Database, expires: str, counts: str, source: str
) -> None:
    owner = await a_kept_owner(database)
    header = "externalId,name,expiryDate,afterOpening"
    await import_(database, owner, ["7,Milk,2026-06-01,P5D"], header=header)
    (milk,) = await stock_of(database, owner)
    await opened(database, owner, milk.lots[0])
    rows = [f"7,Milk,{expires},P5D"]
    assert await import_(database, owner, rows, header=header) == Upserted(changed=1)
    (milk,) = await stock_of(database, owner)
    (lot,) = milk.lots
    assert (lot.state.value, lot.printed) == ("opened", Expiry.parse(expires))
    assert (lot.expiry, str(lot.date_source)) == (Expiry.parse(counts), source)
    assert await import_(database, owner, rows, header=header) == Upserted(same=1)


@pytest.mark.parametrize("external_id", ["", "7"])
@pytest.mark.parametrize(
    ("quantity", "left"), [("3", ["2", "1"]), ("4", ["3", "1"]), ("2", ["1", "1"]), ("1", ["1"])]
)
async def test_a_row_means_its_lot_with_what_was_opened_of_it_and_only_a_difference_is_corrected(
    database: Database, external_id: str, quantity: str, left: list[str]
) -> None:
    owner = await a_kept_owner(database)
    await import_(database, owner, [f"{external_id},Milk,2026-06-01,3"])
    (milk,) = await stock_of(database, owner)
    await opened(database, owner, milk.lots[0], "1")
    done = await import_(database, owner, [f"{external_id},Milk,2026-06-01,{quantity}"])
    assert done == (Upserted(same=1) if quantity == "3" else Upserted(changed=1))
    (milk,) = await stock_of(database, owner)
    assert [str(lot.quantity.normalize()) for lot in open_lots(milk.lots)] == left


async def test_equal_rows_and_what_was_opened_of_their_lots_are_kept_apart(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    rows = ["Milk,2026-06-01,3"] * 2
    header = "name,expiryDate,quantity"
    await import_(database, owner, rows, header=header)
    (milk,) = await stock_of(database, owner)
    await opened(database, owner, milk.lots[0], "1")
    await receive(database, owner, milk.product, "2026-06-01", "5")
    assert await import_(database, owner, rows, header=header) == Upserted(same=2)
    more = [*rows, "Milk,2026-06-01,5", "Milk,2026-06-01,9"]
    assert await import_(database, owner, more, header=header) == Upserted(added=1, same=3)
    (milk,) = await stock_of(database, owner)
    assert milk.product.quantity == Decimal(20)


async def test_more_entries_of_grocy_than_equal_rows_are_allowed_are_read(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    count = import_rows.MOST_COPIES + 10
    salt = {"id": 1, "name": "Salt"}
    stock = [
        {"product_id": 1, "amount": 1, "best_before_date": "2999-12-31", "price": 1 + n % 2}
        for n in range(count)
    ] + [
        {"product_id": 1, "amount": 1, "best_before_date": "2999-12-31", "price": 10 + n}
        for n in range(count)
    ]
    data = json.dumps({"products": [salt], "stock": stock}).encode()
    found, rows = import_rows.read(data, Options(TODAY), owner, NOON)
    assert found.table.bad == []
    assert (len(rows), rows[0].product.quantity) == (count + 2, Decimal(count // 2))
    first = await imports.store_all(database, rows, owner, NOON)
    assert first == Upserted(added=count + 2, products=1)
    assert await imports.store_all(database, rows, owner, NOON) == Upserted(same=count + 2)
