"""Section 8, what comes in: imports, and what section 11 settles about them.

The options, the report of a refusal and the limits are in ``tests/api/test_imports.py``.
"""

import json
from typing import Any

import httpx
import pytest
from tests.support.import_files import a_workbook, grocy_json, grocy_sqlite

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def import_(client: httpx.AsyncClient, data: str | bytes, **query: Any) -> dict[str, Any]:
    raw = data.encode() if isinstance(data, str) else data
    answer = await client.post("/api/import", params=query, content=raw)
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


async def refused(client: httpx.AsyncClient, data: str | bytes, **query: Any) -> dict[str, Any]:
    raw = data.encode() if isinstance(data, str) else data
    answer = await client.post("/api/import", params=query, content=raw)
    assert answer.status_code == 422, answer.text
    report: dict[str, Any] = answer.json()
    return report


async def products(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    answer = await client.get("/api/products", params={"include": "lots", "sort": "name"})
    return {each["name"]: each for each in answer.json()["items"]}


async def dates(client: httpx.AsyncClient) -> dict[str, str | None]:
    return {name: each["expiryDate"] for name, each in (await products(client)).items()}


# What is found out, and said


@pytest.mark.parametrize(
    ("codec", "said"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16"),
        ("utf-16-be", "utf-16"),
        ("cp1252", "cp1252"),
    ],
)
async def test_the_encoding_is_found_out_and_reported(
    ada: httpx.AsyncClient, codec: str, said: str
) -> None:
    report = await import_(ada, "name;mhd\nKäse für 3 €;04.03.2027\n".encode(codec))
    assert (report["encoding"], list(await products(ada))) == (said, ["Käse für 3 €"])


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("name,mhd\nMilk,2027-03-04\n", ","),
        ("name;mhd\r\nMilk;2027-03-04\r\n", ";"),
        ("name\tmhd\rMilk\t2027-03-04\r", "\t"),
        ("sep=;\nname;mhd\nMilk;2027-03-04\n", ";"),
        ("sep=|\r\nname|mhd\r\nMilk|2027-03-04\r\n", "|"),
        ('"sep=,"\nname,mhd\nMilk,2027-03-04\n', ","),
    ],
)
async def test_the_separator_is_found_out_and_reported(
    ada: httpx.AsyncClient, text: str, separator: str
) -> None:
    assert (await import_(ada, text))["separator"] == separator
    assert await dates(ada) == {"Milk": "2027-03-04"}


async def test_decimal_commas_are_found_out_and_points_group_thousands_beside_them(
    ada: httpx.AsyncClient,
) -> None:
    await import_(
        ada,
        "artikel;mhd;menge;preis\nMehl;nie;1.000;1.299,00 €\nQuark;nie;0,5;0,99\n"
        "Reis;nie;12.500,25;EUR 3,5\n",
    )
    found = await products(ada)
    assert {name: each["quantity"] for name, each in found.items()} == {
        "Mehl": "1000",
        "Quark": "0.5",
        "Reis": "12500.25",
    }
    assert [each["lots"][0]["price"] for each in found.values()] == ["1299", "0.99", "3.5"]


async def test_decimal_points_stay_where_no_comma_is_decimal(ada: httpx.AsyncClient) -> None:
    await import_(ada, 'item,exp,qty\nRice,never,1.000\nOats,never,"2,500.5"\n')
    found = await products(ada)
    assert (found["Rice"]["quantity"], found["Oats"]["quantity"]) == ("1", "2500.5")


async def test_numbers_of_a_formula_are_rounded_to_six_places(ada: httpx.AsyncClient) -> None:
    await import_(ada, a_workbook([["name", "mhd", "menge"], ["a", "nie", 0.1 + 0.2]]))
    await import_(ada, "name;mhd;menge\nb;nie;0,333333333333333\n")
    await import_(ada, json.dumps([{"name": "c", "expiryDate": None, "quantity": 0.1 + 0.2}]))
    await import_(ada, json.dumps([TANDOOR | {"amount": 1 / 3}]))
    amounts = [each["quantity"] for each in (await products(ada)).values()]
    assert amounts == ["0.333333", "0.3", "0.333333", "0.3"]


HOSTILE = {
    "a million columns": b"name,mhd" + b",x" * 1_000_000 + b"\nMilk,nie\n",
    "a deep JSON": b"[" * 100_000,
    "a deep member": b'{"products":' * 100_000,
    "an endless number": b'[{"name":"a","expiryDate":null,"quantity":' + b"9" * 100_000 + b"}]",
    "a cell without an end": b'name,mhd\n"Milk,nie\n' * 1000,
    "control characters": b"name,mhd\nMi\x1b[31mlk,nie\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100,
    "a damaged workbook": b"PK\x03\x04" + b"x" * 1000,
    "a damaged database": b"SQLite format 3\x00" + b"x" * 5000,
    "nothing": b"",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_file_is_refused_in_our_words_and_keeps_nothing(
    ada: httpx.AsyncClient, data: bytes
) -> None:
    report = await refused(ada, data)
    assert report["bad"]
    assert not [
        word for word in ("Error", "Traceback", "pydantic", "openpyxl") if word in str(report)
    ]
    assert await products(ada) == {}


@pytest.mark.parametrize(
    ("column", "order", "line", "read"),
    [
        (["03/04/2027", "31/12/2027"], "dmy", 3, "2027-04-03"),
        (["03/04/2027", "12/31/2027"], "mdy", 3, "2027-03-04"),
        (["03.04.2027", "05.06.2027"], "dmy", 2, "2027-04-03"),
        (["03/04/27", "1/2/27", "30/1/27"], "dmy", 4, "2027-04-03"),
    ],
)
async def test_the_order_of_dates_is_decided_by_the_whole_column_and_the_row_is_named(
    ada: httpx.AsyncClient, column: list[str], order: str, line: int, read: str
) -> None:
    rows = "".join(f"P{number},{date}\n" for number, date in enumerate(column))
    report = await import_(ada, f"name,exp\n{rows}")
    assert (report["dateOrder"], report["dateOrderLine"]) == (order, line)
    assert (await dates(ada))["P0"] == read


async def test_a_date_that_nothing_decides_is_refused_with_both_readings(
    ada: httpx.AsyncClient,
) -> None:
    (bad,) = (await refused(ada, "name,exp\nMilk,03/04/2027\n"))["bad"]
    assert "2027-03-04 or 2027-04-03" in bad["message"]
    assert (await import_(ada, "name,exp\nMilk,03/04/2027\n", order="mdy"))["dateOrder"] == "mdy"


HEADERS = [
    *("product name,best before", "Item,Expiry Date", "TITLE,USE BY", "food,expires on"),
    *("Artikel;MHD", "Produkt;Ablaufdatum", "Bezeichnung;Haltbar bis", "Name;Verfallsdatum"),
    *("Artikelname;Mindesthaltbarkeitsdatum", "Lebensmittel;zu verbrauchen bis"),
    *("external_name;MHD", "HB.name,HB.field.Best before"),
]


async def test_header_words_are_read_in_english_and_german_and_of_homebox(
    ada: httpx.AsyncClient,
) -> None:
    for number, header in enumerate(HEADERS):
        separator = ";" if ";" in header else ","
        query = {"map": "external_name:name"} if header.startswith("external") else {}
        report = await import_(ada, f"{header}\nP{number}{separator}2027-03-04\n", **query)
        assert sorted(filter(None, report["columns"].values())) == ["expiryDate", "name"], header
    assert set((await dates(ada)).values()) == {"2027-03-04"}


async def test_spreadsheet_days_and_midnights_beside_dates_are_days(
    ada: httpx.AsyncClient,
) -> None:
    await import_(
        ada,
        "name,exp\na,46085\nb,46085.0\nc,2026-03-04 00:00:00\nd,2026-03-04T00:00:00.000\n"
        "e,04.03.2026 0:00\nf,4 Mar 2026 12:00:00 AM\n",
    )
    assert await dates(ada) == dict.fromkeys("abcdef", "2026-03-04")
    workbook = a_workbook([["name", "exp"], ["g", 46085], ["h", "46085"]])
    await import_(ada, workbook)
    assert set((await dates(ada)).values()) == {"2026-03-04"}


async def test_a_midnight_of_the_owners_zone_in_a_file_is_kept_with_a_warning(
    ada: httpx.AsyncClient,
) -> None:
    report = await import_(
        ada, "name,exp\na,2026-12-03T23:00:00.000Z\nb,2026-12-04\nc,2026-12-04T10:00:00Z\n"
    )
    (warning,) = report["warnings"]
    assert (warning["line"], warning["column"]) == (2, "expiryDate")
    assert "Send 2026-12-04 if" in warning["message"]
    assert (await dates(ada))["a"] == "2026-12-04T00:00:00+01:00"


# Passed over, left out, warned of


async def test_empty_lines_trailing_columns_and_blanks_are_passed_over_in_silence(
    ada: httpx.AsyncClient,
) -> None:
    report = await import_(
        ada, "name ;\u00a0mhd;;\n\n;;;\n \u00a0Milk\u202f;2027-03-04\u00a0;;\n   ;\u00a0;;\n\n"
    )
    assert (report["added"], report["warnings"], report["bad"]) == (1, [], [])
    assert await dates(ada) == {"Milk": "2027-03-04"}


async def test_columns_that_nobody_knows_are_named_and_left_out(ada: httpx.AsyncClient) -> None:
    report = await import_(ada, "name,mhd,colour,Größe\nMilk,nie,white,xl\n")
    assert report["columns"] == {
        "name": "name",
        "mhd": "expiryDate",
        "colour": None,
        "Größe": None,
    }
    assert [each["value"] for each in report["warnings"]] == ["colour", "Größe"]
    report = await import_(ada, "name,mhd,colour\nMilk,nie,white\n", map="colour:-")
    assert (report["columns"]["colour"], report["warnings"]) == (None, [])


async def test_lines_before_the_header_are_passed_over_and_named(ada: httpx.AsyncClient) -> None:
    report = await import_(ada, "My fridge\nof today\nname,mhd\nMilk,nie\n")
    assert [(each["line"], each["value"]) for each in report["warnings"]] == [
        (1, "My fridge"),
        (2, "of today"),
    ]


async def test_barcodes_that_a_spreadsheet_has_mangled_are_warned_of(
    ada: httpx.AsyncClient,
) -> None:
    report = await import_(
        ada,
        "name;mhd;ean\na;nie;3,01762E+12\nb;nie;75678164125\nc;nie;'0123456789012\n"
        'd;nie;3017620422003.0\ne;nie;4012345678901\nf;nie;"=""96385074"""\n',
    )
    assert [each["line"] for each in report["warnings"]] == [2, 3, 4, 5, 7]
    assert "075678164125" in report["warnings"][1]["message"]
    assert [each["barcode"] for each in (await products(ada)).values()] == [
        *("3,01762E+12", "75678164125", "0123456789012", "3017620422003", "4012345678901"),
        "96385074",
    ]


# Rows


async def test_a_bad_row_is_refused_with_line_column_value_and_what_is_wanted(
    ada: httpx.AsyncClient,
) -> None:
    report = await refused(
        ada, 'name,mhd,qty\nMilk,nie,1\n"Two\nlines",someday,1\n,nie,1\nEggs,nie,-2\n'
    )
    assert [(each["line"], each["column"], each["value"]) for each in report["bad"]] == [
        (3, "expiryDate", "someday"),
        (5, "name", None),
        (6, "quantity", "-2"),
    ]
    assert all("e.g." in each["message"] or "missing" in each["message"] for each in report["bad"])
    assert await products(ada) == {}


async def test_rows_are_in_by_external_id_or_by_name_barcode_printed_date_and_lot_number(
    ada: httpx.AsyncClient,
) -> None:
    rows = [
        *("Milk,2027-03-04,1,L1", "Milk,2027-03-04,1,L2", "Milk,2027-03-05,1,L1"),
        *("Milk,2027-03-04,2,L1", "Oats,2027-03-04,1,L1"),
    ]
    file = "name,mhd,ean,lot\n" + "\n".join(rows)
    assert (await import_(ada, file))["added"] == 5
    report = await import_(ada, file)
    assert (report["added"], report["changed"], report["unchanged"]) == (0, 0, 5)
    ids = "externalId,name,mhd\nx1,Milk,2027-03-04\n"
    assert (await import_(ada, ids))["added"] == 1
    assert (await import_(ada, ids.replace("Milk", "Oat milk")))["changed"] == 1
    assert (await import_(ada, ids.replace("Milk", "Oat milk")))["unchanged"] == 1


async def test_rows_that_agree_in_name_and_barcode_are_lots_of_one_product(
    ada: httpx.AsyncClient,
) -> None:
    await import_(ada, "name,ean,mhd\nMilk,96385074,2027-03-04\nMilk,0000096385074,2027-04-04\n")
    (milk,) = (await products(ada)).values()
    assert [each["printedDate"] for each in milk["lots"]] == ["2027-03-04", "2027-04-04"]


async def test_the_report_has_the_keys_of_the_contract(ada: httpx.AsyncClient) -> None:
    report = await import_(ada, "name;mhd\nMilk;31.12.2027\nEggs;someday\n", skipBad=True)
    assert (report["format"], report["separator"], report["dateOrder"]) == ("csv", ";", "dmy")
    assert (report["added"], report["changed"], report["unchanged"]) == (1, 0, 0)
    assert report["bad"][0].keys() == {"line", "column", "value", "message"}
    fault = await refused(ada, "a;b\n1;2\n")
    assert (fault["bad"][0]["line"], fault["dateOrder"]) == (None, None)


# Files of other programs


@pytest.mark.parametrize("is_api", [False, True], ids=["its database", "its API"])
async def test_grocys_stock_becomes_lots_and_rules(ada: httpx.AsyncClient, is_api: bool) -> None:
    report = await import_(ada, grocy_json() if is_api else grocy_sqlite())
    assert (report["format"], report["added"]) == ("grocy", 2)
    assert "amount 0" in report["warnings"][-1]["message"]
    found = await products(ada)
    soup, cookies = found["Gulash soup"], found["Cookies"]
    assert (soup["dateKind"], soup["afterOpening"]) == ("use_by", "P3D")
    assert soup["barcodes"] == ["4006381333931", "0042563008123"]
    assert (soup["lots"][0]["state"], soup["category"]) == ("opened", "03 Tinned food")
    assert (cookies["dateKind"], cookies["minimumStock"]) == ("best_before", "8")
    (lot,) = cookies["lots"]
    assert (lot["quantity"], lot["price"], lot["receivedOn"]) == ("0.3", "1.29", "2026-02-01")
    assert (lot["state"], lot["location"]) == ("sealed", "Candy cupboard")


HOMEBOX = {
    "HB.import_ref": "h1",
    "HB.location": "Home / Kitchen",
    "HB.tags": "Food",
    "HB.name": "Beans",
    "HB.quantity": "3",
    "HB.notes": "the red ones",
    "HB.purchase_price": "0.89",
    "HB.purchase_date": "2026-02-01",
    "HB.serial_number": "S1",
    "HB.low_stock_threshold": "2",
    "HB.warranty_expires": "2030-01-01",
    "HB.archived": "false",
    "HB.field.Best before": "2027-03-04",
}


async def test_each_column_of_homebox_has_its_field(ada: httpx.AsyncClient) -> None:
    file = f"{','.join(HOMEBOX)}\n{','.join(HOMEBOX.values())}\n"
    report = await import_(ada, file)
    assert (report["format"], report["bad"]) == ("homebox", [])
    (beans,) = (await products(ada)).values()
    assert (beans["name"], beans["externalId"], beans["category"]) == ("Beans", "h1", "Food")
    assert (beans["notes"], beans["minimumStock"]) == ("the red ones", "2")
    (lot,) = beans["lots"]
    assert {
        "quantity": "3",
        "printedDate": "2027-03-04",
        "receivedOn": "2026-02-01",
        "price": "0.89",
        "serial": "S1",
        "location": "Home / Kitchen",
    }.items() <= lot.items()


TANDOOR = {
    "id": 1,
    "inventory_location": {"id": 1, "name": "Fridge"},
    "sub_location": "Top",
    "code": "A1",
    "food": {"id": 7, "name": "Milk", "supermarket_category": {"id": 1, "name": "Dairy"}},
    "unit": {"id": 2, "name": "l"},
    "amount": 1.5,
    "expires": "2027-03-04",
    "note": "open",
}


@pytest.mark.parametrize("is_page", [False, True], ids=["a list", "a page"])
async def test_tandoors_inventory_is_read_as_a_list_or_a_page(
    ada: httpx.AsyncClient, is_page: bool
) -> None:
    page = {"count": 1, "next": None, "previous": None, "results": [TANDOOR]}
    report = await import_(ada, json.dumps(page if is_page else [TANDOOR]))
    assert (report["format"], report["added"]) == ("tandoor", 1)
    (milk,) = (await products(ada)).values()
    assert (milk["unit"], milk["category"], milk["notes"]) == ("l", "Dairy", "open")
    (lot,) = milk["lots"]
    assert (lot["quantity"], lot["printedDate"]) == ("1.5", "2027-03-04")
    assert (lot["lotNumber"], lot["location"]) == ("A1", "Fridge / Top")
