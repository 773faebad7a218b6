"""Section 8: what an import found out, and what its report says of it."""

import json
from datetime import date
from typing import Any

import httpx
import pytest
from tests.contract_stock.test_8_in_and_out import dates, import_, products, refused
from tests.support.import_files import a_workbook

pytestmark = pytest.mark.asyncio(loop_scope="session")


def notes(report: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(each["line"], each["column"], each["value"]) for each in report["warnings"]]


async def test_decimal_commas_spreadsheet_days_and_midnights_are_reported_once_a_column(
    ada: httpx.AsyncClient,
) -> None:
    report = await import_(
        ada,
        "name;mhd;gekauft am;menge\na;2027-03-04;;1\nb;46450;2026-01-02 00:00;0,5\n"
        "c;46451;2026-01-03 00:00;1,5\nd;2027-03-04T00:00:00;;2\n",
    )
    assert notes(report) == [
        (3, "expiryDate", "46450"),
        (3, "receivedOn", "2026-01-02 00:00"),
        (3, "quantity", "0,5"),
        (5, "expiryDate", "2027-03-04T00:00:00"),
    ]
    day, midnight, comma, _ = (each["message"] for each in report["warnings"])
    assert "days of a spreadsheet: 46450 is 2027-03-04" in day
    assert "midnights beside dates in this column are left out" in midnight
    assert "decimal: 0,5 is 0.5" in comma


@pytest.mark.parametrize(
    ("file", "quantity", "other"),
    [
        ('name,exp,qty\nRice,never,"1,500"\n', "1500", "1.500"),
        ("name,exp,qty\nRice,never,1.500\n", "1.5", "1500"),
        ("name;mhd;menge\nRice;nie;1.500\n", "1500", "1.500"),
        ("name;mhd;menge\nRice;nie;1,500\n", "1.5", "1500"),
        ("artikel\tmhd\tmenge\nRice\tnie\t1.500\n", "1500", "1.500"),
        ("name\texp\tqty\nRice\tnever\t1.500\n", "1.5", "1500"),
    ],
)
async def test_a_number_that_can_be_read_in_two_ways_is_read_as_its_file_suggests_with_a_warning(
    ada: httpx.AsyncClient, file: str, quantity: str, other: str
) -> None:
    (warning,) = (await import_(ada, file))["warnings"]
    assert (warning["line"], warning["column"]) == (2, "quantity")
    assert f"it could be {other}" in warning["message"]
    assert (await products(ada))["Rice"]["quantity"] == quantity


async def test_other_numbers_of_the_file_decide_before_its_separator_does(
    ada: httpx.AsyncClient,
) -> None:
    report = await import_(ada, "name;mhd;menge\nRice;nie;1.500\nOats;nie;0.5\n")
    assert (await products(ada))["Rice"]["quantity"] == "1.5"
    assert notes(report) == [(2, "quantity", "1.500")]


async def test_a_number_of_a_workbook_has_a_point_beside_texts_with_commas(
    ada: httpx.AsyncClient,
) -> None:
    sheet: list[list[Any]] = [
        ["artikel", "mhd", "menge"],
        ["Rice", date(2027, 3, 4), 1.125],
        ["Oats", "nie", "0,5"],
    ]
    report = await import_(ada, a_workbook(sheet))
    assert notes(report) == [(3, "quantity", "0,5")]
    found = await products(ada)
    assert [found[name]["quantity"] for name in ("Rice", "Oats")] == ["1.125", "0.5"]


async def test_an_export_is_imported_again_without_a_warning(ada: httpx.AsyncClient) -> None:
    await import_(ada, json.dumps([{"name": "Rice", "expiryDate": None, "quantity": "1.125"}]))
    for format_ in ("csv", "xlsx"):
        file = (await ada.get("/api/export", params={"format": format_})).content
        report = await import_(ada, file)
        assert (report["unchanged"], report["warnings"]) == (1, [])


async def test_dates_of_both_orders_in_a_column_are_bad_and_none_is_read_by_its_own(
    ada: httpx.AsyncClient,
) -> None:
    file = "name,exp\na,13/04/2027\nb,04/13/2027\nc,2027-03-04\n"
    report = await refused(ada, file)
    assert [each["line"] for each in report["bad"]] == [2, 3]
    assert "dates in both orders" in report["bad"][0]["message"]
    assert report["dateOrder"] is None
    report = await import_(ada, file, order="mdy", skipBad=True)
    (bad,) = report["bad"]
    assert (bad["line"], bad["value"]) == (2, "13/04/2027")
    assert "the month before the day" in bad["message"]
    assert await dates(ada) == {"b": "2027-04-13", "c": "2027-03-04"}


async def test_two_spellings_of_a_gtin_in_two_rows_are_no_contradiction(
    ada: httpx.AsyncClient,
) -> None:
    rows = "Milk,96385074,2027-03-04\nMilk,0000096385074,2027-04-04\n"
    assert (await import_(ada, f"name,ean,mhd\n{rows}"))["warnings"] == []
    (milk,) = (await products(ada)).values()
    assert (len(milk["lots"]), milk["barcodes"]) == (2, ["96385074"])


async def test_a_bad_value_of_a_json_file_is_repeated_as_json(ada: httpx.AsyncClient) -> None:
    product = {"name": {"a": [None, True, 1.5, "ä"]}, "lots": [], "movements": []}
    file = {"format": "useby", "version": 1, "products": [product]}
    bad = (await refused(ada, json.dumps(file)))["bad"]
    values = {each["column"]: each["value"] for each in bad}
    assert values["name"] == '{"a": [null, true, 1.5, "ä"]}'


MOST = "999999999999.999999"


async def a_full_product(ada: httpx.AsyncClient) -> None:
    """A product to which nothing can be added."""
    await import_(ada, f"name,mhd,qty\nMilk,2027-05-05,{MOST}\n")


@pytest.mark.parametrize("params", [{}, {"dryRun": True}])
async def test_a_file_with_a_row_that_the_stored_products_do_not_allow_is_kept_not_even_in_part(
    ada: httpx.AsyncClient, params: dict[str, Any]
) -> None:
    await a_full_product(ada)
    report = await refused(ada, "name,mhd,qty\nTea,2027-03-04,1\nMilk,2027-03-04,1\n", **params)
    (bad,) = report["bad"]
    assert (bad["line"], bad["value"]) == (3, "Milk")
    assert f"more than {MOST}" in bad["message"]
    assert set(await products(ada)) == {"Milk"}


async def test_skip_bad_leaves_out_all_rows_of_a_product_that_is_not_possible(
    ada: httpx.AsyncClient,
) -> None:
    await a_full_product(ada)
    file = "name,mhd,qty\nTea,2027-03-04,1\nMilk,2027-03-04,1\nMilk,2027-04-04,1\n"
    report = await import_(ada, file, skipBad=True)
    assert (report["added"], report["changed"], report["unchanged"]) == (1, 0, 0)
    assert [each["line"] for each in report["bad"]] == [4]
    found = await products(ada)
    assert (set(found), len(found["Milk"]["lots"])) == ({"Milk", "Tea"}, 1)


async def test_a_large_file_with_a_row_that_is_not_possible_leaves_nothing_of_its_first_part(
    ada: httpx.AsyncClient,
) -> None:
    await a_full_product(ada)
    rows = "".join(f"Tea {number},2027-03-04,1\n" for number in range(450))
    report = await refused(ada, f"name,mhd,qty\n{rows}Milk,2027-03-04,1\n")
    assert [each["line"] for each in report["bad"]] == [452]
    assert set(await products(ada)) == {"Milk"}


async def test_a_day_of_receipt_that_a_picker_sent_is_the_one_in_the_owners_zone(
    ada: httpx.AsyncClient,
) -> None:
    await import_(ada, "name,mhd,bought\nMilk,nie,2026-02-27T23:00:00.000Z\n")
    ((lot,),) = (each["lots"] for each in (await products(ada)).values())
    assert lot["receivedOn"] == "2026-02-28", "in Berlin"
