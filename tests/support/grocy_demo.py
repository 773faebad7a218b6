"""Sixty products in the shape of Grocy's demo, as objects of its API and as tables of its file.

Names of objects, tables and columns are Grocy's; what stands in them is made up.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

Objects = Mapping[str, Sequence[Mapping[str, Any]]]

NEVER: Final = "2999-12-31"
"""Grocy's date of what never expires."""
TODAY: Final = date(2026, 3, 2)
FREEZER: Final = 6
LOCATIONS: Final = ("Pantry", "Candy cupboard", "Tinned food cupboard", "Fridge", "Cellar")
UNITS: Final = ("Piece", "Pack", "Glass", "Tin", "Bunch", "Gram", "Liter")
GROUPS: Final[Mapping[str, tuple[int, int, str]]] = {
    "01 Sweets": (2, 2, "Gummy bears|Chocolate|Biscuits|Wafers|Liquorice|Toffees|Nougat|Popcorn"),
    "02 Bakery products": (1, 1, "Rolls|Toast|Crispbread|Flour|Yeast|Breadcrumbs|Pretzels"),
    "03 Tinned food": (3, 4, "Tomatoes|Lentils|Chickpeas|Sweetcorn|Tuna|Pineapple|Beans|Pears"),
    "04 Butchery products": (4, 2, "Ham|Salami|Minced meat|Sausages|Bacon|Chicken breast"),
    "05 Vegetables and fruits": (4, 5, "Carrots|Lettuce|Radishes|Apples|Lemons|Onions|Leeks"),
    "06 Refrigerated products": (4, 2, "Milk|Butter|Yoghurt|Cream|Gouda|Mozzarella|Eggs|Quark"),
    "07 Frozen food": (FREEZER, 2, "Peas|Spinach|Pizza|Ice cream|Fish fingers|Berries"),
    "08 Dry goods": (1, 6, "Rice|Noodles|Sugar|Salt|Oats|Raisins|Coffee"),
    "09 Drinks": (5, 7, "Apple juice|Water|Lemonade"),
}
"""Location, unit and products of each group."""


def _products() -> Iterator[dict[str, Any]]:
    number = 0
    for group, (location, unit, names) in enumerate(GROUPS.values(), 1):
        for name in names.split("|"):
            number += 1
            yield {
                "id": number,
                "name": name,
                "description": None,
                "product_group_id": group,
                "active": 1,
                "location_id": location,
                "shopping_location_id": None,
                "qu_id_purchase": unit,
                "qu_id_stock": unit,
                "min_stock_amount": number % 4,
                "default_best_before_days": -1 if name in ("Sugar", "Salt") else 14,
                "default_best_before_days_after_open": 5 if location == 4 else 0,
                "default_best_before_days_after_freezing": 180 if group == 4 else 0,
                "default_best_before_days_after_thawing": 2 if group == 4 else 0,
                "due_type": 2 if group == 4 else 1,
                "row_created_timestamp": "2026-01-01 10:00:00",
            }


PRODUCTS: Final = tuple(_products())


def _stock() -> Iterator[dict[str, Any]]:
    number = 0
    for product in PRODUCTS:
        product_id, never = product["id"], product["default_best_before_days"] == -1
        for lot in range(1 + product_id % 3):
            number += 1
            days = product_id * 3 % 40 + lot * 20 - 5
            is_opened = lot == 0 and product_id % 7 == 0
            # One entry of each meat is frozen; some of those were due before today.
            is_frozen = product["due_type"] == 2 and lot == 0
            yield {
                "id": number,
                "product_id": product_id,
                "amount": 0.30000000000000004 if product_id % 10 == 0 else 1 + lot,
                "best_before_date": NEVER if never else str(TODAY + timedelta(days=days)),
                "purchased_date": "2026-02-01",
                "stock_id": f"60f1{number:09x}",
                "price": None if product_id % 5 == 0 else 1.29 + lot,
                "open": int(is_opened),
                "opened_date": "2026-02-20" if is_opened else None,
                "row_created_timestamp": "2026-02-01 10:00:00",
                "location_id": FREEZER if is_frozen else product["location_id"],
                "shopping_location_id": None,
                "note": "opened for breakfast" if is_opened else None,
            }


def _named(names: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number, name in enumerate(names, 1):
        yield {"id": number, "name": name, "description": None}


def _barcodes() -> Iterator[dict[str, Any]]:
    for number, product in enumerate(PRODUCTS[::2], 1):
        body = f"40123450{product['id']:04}"
        weights = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(body))
        yield {
            "id": number,
            "product_id": product["id"],
            "barcode": f"{body}{-weights % 10}",
            "qu_id": None,
            "amount": None,
            "note": None,
        }


DEMO: Final[Objects] = {
    "products": PRODUCTS,
    "stock": tuple(_stock()),
    "locations": tuple(
        {**each, "is_freezer": int(each["id"] == FREEZER)}
        for each in _named((*LOCATIONS, "Freezer"))
    ),
    "quantity_units": tuple(_named(UNITS)),
    "product_groups": tuple(_named(list(GROUPS))),
    "product_barcodes": tuple(_barcodes()),
}


def demo_json(*, as_texts: bool = False) -> bytes:
    """The answers of the API in one file; older versions of Grocy send all values as texts."""
    objects = {
        name: [
            {key: str(value) if as_texts and value is not None else value for key, value in row}
            for row in map(dict.items, map(dict, rows))
        ]
        for name, rows in DEMO.items()
    }
    return json.dumps(objects).encode()


def demo_overview() -> bytes:
    """The answer of ``/api/stock``: one entry a product, with its earliest date and amounts."""
    entries = []
    for product in PRODUCTS:
        theirs = [each for each in DEMO["stock"] if each["product_id"] == product["id"]]
        entries.append(
            {
                "product_id": product["id"],
                "amount": sum(each["amount"] for each in theirs),
                "amount_aggregated": sum(each["amount"] for each in theirs),
                "amount_opened": sum(each["amount"] for each in theirs if each["open"]),
                "best_before_date": min(each["best_before_date"] for each in theirs),
                "value": 0,
                "is_aggregated_amount": 0,
                "product": product,
            }
        )
    return json.dumps(entries).encode()


_TYPES: Final = {int: "INTEGER", float: "DECIMAL(15, 2)", str: "TEXT", type(None): "TEXT"}


def demo_sqlite() -> bytes:
    """``grocy.db``: the same tables, with types and keys, beside one of Grocy's views."""
    connection = sqlite3.connect(":memory:")
    for name, rows in DEMO.items():
        columns = [f"{key} {_TYPES[type(value)]}" for key, value in rows[0].items()]
        columns[0] += " NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE"
        connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
        connection.executemany(
            f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})",
            [list(row.values()) for row in rows],
        )
    connection.execute(
        "CREATE VIEW stock_current AS SELECT product_id, SUM(amount) AS amount,"
        " MIN(best_before_date) AS best_before_date FROM stock GROUP BY product_id"
    )
    connection.commit()
    data = connection.serialize()
    connection.close()
    return data
