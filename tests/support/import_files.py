"""Files of products as other programs write them, made up for the tests."""

import io
import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import Cell

from useby.domain.dates import DateOrder
from useby.imports.reading import Reading, read
from useby.imports.tables import Format, Options
from useby.schemas.products import ProductIn

TODAY = date(2026, 3, 2)


def read_file(
    data: str | bytes,
    *,
    format_: Format = Format.AUTO,
    columns: Mapping[str, str] | None = None,
    order: DateOrder | None = None,
) -> tuple[Reading, list[ProductIn]]:
    """Read a file; return what was found out, and the valid products."""
    raw = data.encode() if isinstance(data, str) else data
    found = read(raw, Options(TODAY, format_, columns or {}, order))
    return found, [product for _, product in found.products() if product is not None]


def a_workbook(rows: Sequence[Sequence[Any]], *, number_format: str = "yyyy-mm-dd") -> bytes:
    """An XLSX file with one sheet, whose dates are shown in a format."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    for cell in (cell for row in sheet.iter_rows() for cell in row):
        if isinstance(cell, Cell) and cell.is_date:
            cell.number_format = number_format
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


GROCY: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "products": [
        {
            "id": 1,
            "name": "Cookies",
            "product_group_id": 1,
            "location_id": 4,
            "qu_id_stock": 3,
            "due_type": 1,
            "min_stock_amount": 8,
            "default_best_before_days_after_open": 0,
        },
        {
            "id": 2,
            "name": "Gulash soup",
            "product_group_id": 3,
            "location_id": 5,
            "qu_id_stock": 5,
            "due_type": 2,
            "min_stock_amount": 0,
            "default_best_before_days_after_open": 3,
        },
        {
            "id": 3,
            "name": "Salt",
            "product_group_id": None,
            "location_id": 5,
            "qu_id_stock": 3,
            "due_type": 1,
            "min_stock_amount": 0,
            "default_best_before_days_after_open": 0,
        },
    ],
    "stock": [
        {
            "id": 11,
            "product_id": 1,
            "amount": 0.30000000000000004,
            "best_before_date": "2027-03-04",
            "purchased_date": "2026-02-01",
            "stock_id": "60f1",
            "price": 1.29,
            "open": 0,
            "location_id": 4,
            "note": "the good ones",
        },
        {
            "id": 12,
            "product_id": 2,
            "amount": 2,
            "best_before_date": "2027-05-01",
            "purchased_date": "2026-02-01",
            "stock_id": "60f2",
            "price": None,
            "open": 1,
            "location_id": None,
            "note": None,
        },
        {
            "id": 13,
            "product_id": 3,
            "amount": 0,
            "best_before_date": "2027-05-01",
            "purchased_date": "2026-02-01",
            "stock_id": "60f3",
            "price": None,
            "open": 0,
            "location_id": 5,
            "note": None,
        },
    ],
    "locations": [{"id": 4, "name": "Candy cupboard"}, {"id": 5, "name": "Tinned food cupboard"}],
    "quantity_units": [{"id": 3, "name": "Pack"}, {"id": 5, "name": "Tin"}],
    "product_groups": [
        {"id": 1, "name": "01 Sweets"},
        {"id": 3, "name": "03 Tinned food"},
    ],
    "product_barcodes": [
        {"id": 1, "product_id": 2, "barcode": "4006381333931"},
        {"id": 2, "product_id": 2, "barcode": "0042563008123"},
    ],
}
"""Stock in the shape of Grocy's demo."""


def grocy_json() -> bytes:
    """The answers of Grocy's API in one file."""
    return json.dumps(GROCY, indent=1).encode()


def grocy_sqlite(*statements: str) -> bytes:
    """Grocy's SQLite file; the statements are run on it before it is returned."""
    connection = sqlite3.connect(":memory:")
    for name, rows in GROCY.items():
        columns = list(rows[0])
        connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
        places = ", ".join("?" * len(columns))
        connection.executemany(
            f"INSERT INTO {name} VALUES ({places})",
            [[row[each] for each in columns] for row in rows],
        )
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    data = connection.serialize()
    connection.close()
    return data
