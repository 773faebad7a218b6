"""Section 7, and what section 11 settles about scans."""

from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.rest_app import Rest, added

from useby.store import catalogue
from useby.store.catalogue import Entry

pytestmark = pytest.mark.asyncio(loop_scope="session")

GTIN, GTIN_14 = "4012345678901", "04012345678901"
LONG = f"]d201{GTIN_14}1727020010A1B2C3D4E5F6G7H8I9J0\x1d21Z1Y2X3W4V5U6T7S8R9Q0"
KEYS = {
    *("gtin", "lotNumber", "serial", "printedDate", "dateKind", "quantity", "unit", "product"),
    *("name", "brand", "warnings"),
}


async def found(client: httpx.AsyncClient, barcode: str) -> list[str]:
    answer = await client.get("/api/products", params={"barcode": barcode, "sort": "name"})
    assert answer.status_code == HTTPStatus.OK, answer.text
    return [each["name"] for each in answer.json()["items"]]


async def scan(client: httpx.AsyncClient, data: str) -> dict[str, Any]:
    """Scan a barcode; return what it states."""
    answer = await client.post("/api/scan", json={"data": data})
    assert answer.status_code == HTTPStatus.OK, answer.text
    states: dict[str, Any] = answer.json()
    assert states.keys() == KEYS
    return {key: value for key, value in states.items() if value not in (None, [])}


async def test_a_barcode_is_kept_as_scanned(ada: httpx.AsyncClient) -> None:
    for barcode in (LONG, "(01)04012345678901(10)a b", "lot 7/B", f"]E0{GTIN}", "0" * 128, "ß\x1d"):
        product = await added(ada, barcode=barcode)
        assert (product["barcode"], product["barcodes"]) == (barcode, [barcode])
        path = f"/api/products/{product['id']}"
        assert (await ada.get(path)).json()["barcode"] == barcode


async def test_a_line_break_in_a_barcode_becomes_a_blank_as_in_a_name(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, barcodes=["shelf\r\n7\tB", "10A\x1d21S"])
    assert product["barcodes"] == ["shelf 7 B", "10A\x1d21S"]
    report = await ada.post("/api/import", content=b'name,mhd,ean\nRice,nie,"PZN\n12"\n')
    assert report.json()["added"] == 1
    found = (await ada.get("/api/products", params={"q": "rice"})).json()["items"]
    assert [each["barcode"] for each in found] == ["PZN 12"]


SPELLINGS = {
    "UPC-A and EAN-13": ("042563008123", "0042563008123", "00042563008123", "]E00042563008123"),
    "EAN-8": ("96385074", "0000096385074", "00000096385074", "]E496385074"),
    "UPC-E and its UPC-A": ("06541238", "065400000128", "0065400000128", "00065400000128"),
    "element strings": (GTIN, f"(01){GTIN_14}(10)A", f"]C101{GTIN_14}", LONG),
    "as it is printed": ("9783161484100", "978-3-16-148410-0", "9 783161 484100"),
    "GS1 Digital Link": (GTIN_14, f"https://id.gs1.org/01/{GTIN_14}/10/A", f"http://a/gtin/{GTIN}"),
}


@pytest.mark.parametrize("spellings", SPELLINGS.values(), ids=SPELLINGS)
async def test_upc_a_ean_13_ean_8_padded_ones_and_upc_e_meet_in_one_gtin(
    ada: httpx.AsyncClient, spellings: tuple[str, ...]
) -> None:
    names = [f"spelling {number}" for number, _ in enumerate(spellings)]
    for name, spelling in zip(names, spellings, strict=True):
        await added(ada, name=name, barcode=spelling)
    for spelling in spellings:
        assert await found(ada, spelling) == names
    gtins = {(await scan(ada, spelling))["gtin"] for spelling in spellings}
    assert [len(gtin) for gtin in gtins] == [14]


async def test_a_barcode_has_at_most_128_characters_separators_and_prefix_included(
    ada: httpx.AsyncClient,
) -> None:
    longest = f"]d201{GTIN_14}\x1d21{'S' * 20}\x1d10".ljust(128, "A")
    assert (await added(ada, barcode=longest))["barcode"] == longest
    for answer in (
        await ada.post("/api/products", json={"name": "Milk", "barcode": longest + "A"}),
        await ada.post("/api/products", json={"name": "Milk", "barcodes": [longest + "A"]}),
    ):
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert "at most 128" in answer.json()["errors"][0]["message"]


async def test_a_wrong_check_digit_is_a_warning_and_never_a_refusal(
    ada: httpx.AsyncClient,
) -> None:
    for barcode in ("4006381333930", "042563008124", "01234562", "12345678", "(01)04006381333930"):
        product = await added(ada, barcode=barcode)
        (warning,) = product["warnings"]
        assert "would be" in warning
        assert await found(ada, barcode) == [product["name"]]
    file = b"name,mhd,barcode\nA,never,4006381333930\nB,never,01234562\nC,never,12345678\n"
    report = (await ada.post("/api/import", content=file)).json()
    assert (report["added"], report["bad"]) == (3, [])
    assert [each["column"] for each in report["warnings"]] == ["barcode"] * 3


@pytest.mark.parametrize("code", ["2012345000018", "0212345000014", "212345000014", "20000004"])
async def test_numbers_for_use_within_a_company_are_kept_and_never_looked_up(
    rest: Rest, ada: httpx.AsyncClient, code: str
) -> None:
    gtin = (await scan(ada, code))["gtin"]
    await rest.database.write(lambda t: catalogue.put(t, [Entry(gtin, "Of another", "", "")]))
    assert await scan(ada, code) == {"gtin": gtin}
    await added(ada, name="Ham", barcode=code)
    assert (await scan(ada, code))["name"] == "Ham"


# POST /api/scan


@pytest.mark.parametrize(
    ("data", "gtin"),
    [
        ("96385074", "00000096385074"),
        ("042563008123", "00042563008123"),
        (GTIN, GTIN_14),
        ("14012345678908", "14012345678908"),
        ("06541238", "00065400000128"),
    ],
    ids=["GTIN-8", "GTIN-12", "GTIN-13", "GTIN-14", "UPC-E"],
)
async def test_a_scan_of_a_number_is_answered_with_14_digits(
    ada: httpx.AsyncClient, data: str, gtin: str
) -> None:
    assert await scan(ada, data) == {"gtin": gtin}


NOTATIONS = {
    "parentheses": f"(01){GTIN_14}(17)270200(10)A1(21)S1",
    "parentheses and blanks": f"(01) {GTIN_14} (17) 270200 (10) A1 (21) S1",
    "FNC1": f"\x1d01{GTIN_14}1727020010A1\x1d21S1",
    "GS1-128": f"]C101{GTIN_14}1727020010A1\x1d21S1",
    "DataMatrix": f"]d201{GTIN_14}1727020010A1\x1d21S1",
    "DataBar": f"]e001{GTIN_14}1727020010A1\x1d21S1",
    "QR code": f"]Q301{GTIN_14}1727020010A1\x1d21S1",
    "bare": f"01{GTIN_14}1727020010A1\x1d21S1",
    "another order": f"]d221S1\x1d10A1\x1d1727020001{GTIN_14}",
    "Digital Link": f"https://id.gs1.org/01/{GTIN_14}/10/A1/21/S1?17=270200",
    "Digital Link of a shop": f"https://shop.example/p/01/{GTIN}/10/A1/21/S1?utm=x&17=270200#top",
    "old Digital Link": f"http://a.example/gtin/{GTIN_14}/lot/A1/ser/S1?exp=270200",
}


@pytest.mark.parametrize("data", NOTATIONS.values(), ids=NOTATIONS)
async def test_a_scan_in_each_notation_states_the_same(ada: httpx.AsyncClient, data: str) -> None:
    assert await scan(ada, data) == {
        "gtin": GTIN_14,
        "lotNumber": "A1",
        "serial": "S1",
        "printedDate": "2027-02-28",
        "dateKind": "use_by",
    }


async def test_the_long_scan_gives_date_lot_and_serial_and_is_found_by_its_gtin(
    ada: httpx.AsyncClient,
) -> None:
    await added(ada, name="Cheese", barcode=LONG)
    states = await scan(ada, LONG)
    assert (states["printedDate"], states["lotNumber"]) == ("2027-02-28", "A1B2C3D4E5F6G7H8I9J0")
    assert (states["serial"], states["product"]["name"]) == ("Z1Y2X3W4V5U6T7S8R9Q0", "Cheese")
    assert await found(ada, GTIN) == ["Cheese"]


@pytest.mark.parametrize(
    ("elements", "date", "kind"),
    [
        ("(17)270304", "2027-03-04", "use_by"),
        ("(7003)2703041530", "2027-03-04", "use_by"),
        ("(15)270304", "2027-03-04", "best_before"),
        ("(15)270301(17)270304", "2027-03-04", "use_by"),
        ("(17)270200", "2027-02-28", "use_by"),
        ("(15)280200", "2028-02-29", "best_before"),
        ("(11)260304(12)270304(13)260305(16)270306", None, None),
    ],
)
async def test_17_and_7003_are_use_by_and_15_is_best_before_and_11_12_13_16_are_no_expiry(
    ada: httpx.AsyncClient, elements: str, date: str | None, kind: str | None
) -> None:
    states = await scan(ada, f"(01){GTIN_14}{elements}")
    assert (states.get("printedDate"), states.get("dateKind")) == (date, kind)
    assert "warnings" not in states


@pytest.mark.parametrize(
    ("elements", "quantity", "unit"),
    [
        ("(30)12", "12", None),
        ("(37)6", "6", None),
        ("(3103)000195", "0.195", "kg"),
        ("(3105)100000", "1", "kg"),
        ("(3152)000150", "1.5", "l"),
        ("(30)3(3103)001250", "1.25", "kg"),
        ("(3922)000500", None, None),
    ],
)
async def test_30_37_310n_and_315n_give_the_quantity_and_a_weight_wins_over_a_count(
    ada: httpx.AsyncClient, elements: str, quantity: str | None, unit: str | None
) -> None:
    states = await scan(ada, f"(01){GTIN_14}{elements}")
    assert (states.get("quantity"), states.get("unit")) == (quantity, unit)


async def test_a_gtin_with_a_wrong_check_digit_is_null_with_a_warning_and_the_rest_is_read(
    ada: httpx.AsyncClient,
) -> None:
    states = await scan(ada, "(01)04006381333930(17)270304(10)A1")
    assert (states["printedDate"], states["lotNumber"]) == ("2027-03-04", "A1")
    assert "gtin" not in states
    assert "04006381333931 would be right" in states["warnings"][0]


@pytest.mark.parametrize(
    "data", ["(17)270230", "(17)271301", "(15)000000", "(10)", "(7003)270304", "(3109)1", "(10)é"]
)
async def test_an_element_that_is_not_as_its_identifier_requires_states_nothing(
    ada: httpx.AsyncClient, data: str
) -> None:
    states = await scan(ada, f"(01){GTIN_14}{data}")
    assert {key: states[key] for key in states if key != "warnings"} == {"gtin": GTIN_14}


async def test_the_name_of_an_unknown_gtin_is_of_the_households_past_then_of_the_catalogue(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    code, gtin = "4006381333931", "04006381333931"
    assert await scan(ada, code) == {"gtin": gtin}
    entry = Entry(gtin, "Pen", "Brand", "1 pc")
    await rest.database.write(lambda t: catalogue.put(t, [entry]))
    assert await scan(ada, code) == {"gtin": gtin, "name": "Pen", "brand": "Brand"}
    product = await added(ada, name="My pen", barcode=code)
    await ada.post(f"/api/products/{product['id']}/consume")
    states = await scan(ada, code)
    assert (states["name"], states["product"]["closedAs"]) == ("My pen", "consumed")
    _, bob = await rest.person()
    assert (await scan(bob, code)).keys() == {"gtin", "name", "brand"}
