"""Inputs that people really have, collected from bug reports of programs that do the same job.

The comment of each test names the reports. More dates and barcodes are in ``test_6_dates.py`` and
``test_7_barcodes.py``.
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.alert_times import send_now
from tests.support.factories import NOON
from tests.support.lots_over_rest import lots_of, undone
from tests.support.rest_app import MILK, Rest, added, messages

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def import_(client: httpx.AsyncClient, data: bytes) -> dict[str, Any]:
    answer = await client.post("/api/import", content=data)
    assert answer.status_code == HTTPStatus.OK, answer.text
    report: dict[str, Any] = answer.json()
    assert report["bad"] == []
    return report


async def stock(client: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/api/products", params=query)).json()["items"]
    return found


async def named(client: httpx.AsyncClient, **query: str) -> list[str]:
    return [each["name"] for each in await stock(client, **query)]


# 2: RatLoopz/sahidawa-india#807, msupply-foundation/open-msupply#1611
async def test_a_date_that_is_a_month_is_its_last_day(ada: httpx.AsyncClient) -> None:
    assert (await added(ada, expiryDate="2026-05"))["expiryDate"] == "2026-05-31"
    for typed in ("05/2026", "EXP 05/26"):
        answer = await ada.get("/api/dates", params={"text": typed, "today": "2026-03-02"})
        assert answer.json()["date"] == "2026-05-31"


FILES = {
    "semicolons": (
        (
            b"\xef\xbb\xbfName;Expiry date;Quantity;Unit;\r\nQuark;04.03.2027;0,5;kg;\r\n"
            b"Mehl;31.12.2027;1,25;kg;\r\n;;;;\r\n\r\n"
        ),
        [("Quark", "2027-03-04", "0.5"), ("Mehl", "2027-12-31", "1.25")],
    ),
    "a sep line": (
        b"sep=;\r\nname;expiryDate\r\nSalami;2027-03-20\r\n",
        [("Salami", "2027-03-20", "1")],
    ),
    "blanks": (
        b"name , expiryDate\n Milk , 2027-03-04 \nBread,\xc2\xa02027-03-05\n",
        [("Milk", "2027-03-04", "1"), ("Bread", "2027-03-05", "1")],
    ),
    "midnight": (
        b"name,expiryDate\nMilk,2027-03-04 00:00:00\n",
        [("Milk", "2027-03-04", "1")],
    ),
    "English words": (
        b"product name,best before,price\nMilk,2027-01-01,1.29\n",
        [("Milk", "2027-01-01", "1")],
    ),
    "German words": (
        b"Artikel;MHD;Menge\nMilch;01.01.2027;1\n",
        [("Milch", "2027-01-01", "1")],
    ),
    "CP1252": (
        b"name;expiryDate\r\nK\xe4se;2027-03-04\r\nCr\xe8me br\xfbl\xe9e;2027-03-05\r\n",
        [("Käse", "2027-03-04", "1"), ("Crème brûlée", "2027-03-05", "1")],
    ),
}


# 4: hay-kot/homebox#106, #154, molgenis/molgenis#6492; 5: grokability/snipe-it#16518;
# 6: sassanix/Warracker#41
@pytest.mark.parametrize(("data", "wanted"), FILES.values(), ids=FILES)
async def test_a_file_of_a_spreadsheet_is_read(
    ada: httpx.AsyncClient, data: bytes, wanted: list[tuple[str, str, str]]
) -> None:
    report = await import_(ada, data)
    assert report["added"] == len(wanted)
    found = [(each["name"], each["expiryDate"], each["quantity"]) for each in await stock(ada)]
    assert found == wanted
    if b"\xe4" in data:
        assert report["encoding"] == "cp1252"
    if b"price" in data:
        (lot,) = await lots_of(ada, (await stock(ada))[0]["id"])
        assert lot["price"] == "1.29"


# 7: grocy/grocy#4, #1317, #2136, enricofrigo/dispensa#64
async def test_products_that_never_expire_are_listed_last_and_without_alerts(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    await import_(ada, b"name,expiryDate\nSalt,2999-12-31\nRice,9999-12-31\nToilet paper,\n")
    await added(ada, name="Sugar", expiryDate=None)
    await added(ada, name="Honey", expiryDate="2126-01-01")
    before = await messages(ada)
    first, *others = await stock(ada)
    assert first["name"] == "Honey"
    assert [each["expiryDate"] for each in others] == [None] * 4
    rest.now = NOON + timedelta(days=400)
    await send_now(rest)
    rest.now = NOON
    assert await messages(ada) == before


# 8: hay-kot/homebox#106
async def test_a_product_that_is_bought_again_gets_a_new_lot_that_is_watched(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    await import_(ada, b"externalId,name,expiryDate\nmilk,Milk,2026-12-04\n")
    (milk,) = await stock(ada)
    await ada.post(f"/api/products/{milk['id']}/consume")
    report = await import_(ada, b"externalId,name,expiryDate\nmilk,Milk,2026-12-18\n")
    assert (report["added"], report["changed"]) == (1, 0)
    (again,) = await stock(ada)
    assert (again["id"], again["expiryDate"]) == (milk["id"], "2026-12-18")
    alerts = (await ada.get(f"/api/products/{milk['id']}/alerts")).json()
    assert "2026-12" in str(alerts)
    states = [each["closedAs"] for each in await lots_of(ada, milk["id"])]
    assert sorted(states, key=str) == [None, "consumed"]


# 9: zxing/zxing#1016, openfoodfacts/open-prices#1044
async def test_two_spellings_of_a_gtin_are_the_same(ada: httpx.AsyncClient) -> None:
    await added(ada, name="short", barcode="042563008123")
    assert await named(ada, barcode="0042563008123") == ["short"]
    await added(ada, name="long", barcode="0042563008123")
    for spelling in ("042563008123", "0042563008123"):
        assert await named(ada, barcode=spelling, sort="name") == ["long", "short"]


# 10: grocy/grocy#2638, Forceu/barcodebuddy#236
async def test_eight_digits_that_are_no_gtin_8_are_kept_with_a_warning_and_upc_e_is_found(
    ada: httpx.AsyncClient,
) -> None:
    for code in ("01234562", "06541238", "12345678"):
        product = await added(ada, name=code, barcode=code)
        assert (product["barcode"], len(product["warnings"])) == (code, 1)
    assert await named(ada, barcode="065400000128") == ["06541238"]
    file = b"name,mhd,barcode\na,nie,01234562\nb,nie,06541238\nc,nie,12345678\n"
    assert (await import_(ada, file))["added"] == 3


# 11: grocy/grocy#2638
async def test_a_long_scan_is_kept_and_found_by_its_number(ada: httpx.AsyncClient) -> None:
    code = "]d201040123456789011727020010A1B2C3D4E5F6G7H8I9J0\x1d21Z1Y2X3W4V5U6T7S8R9Q0"
    assert (await added(ada, barcode=code))["barcode"] == code
    assert await named(ada, barcode="4012345678901") == ["Organic Milk"]
    states = (await ada.post("/api/scan", json={"data": code})).json()
    assert (states["printedDate"], states["dateKind"]) == ("2027-02-28", "use_by")
    assert states["lotNumber"] == "A1B2C3D4E5F6G7H8I9J0"
    assert states["serial"] == "Z1Y2X3W4V5U6T7S8R9Q0"


# 12: openfoodfacts/openfoodfacts-server#6782
async def test_mangled_codes_are_warned_of_offered_or_repaired(ada: httpx.AsyncClient) -> None:
    report = await import_(
        ada,
        b"name;expiryDate;barcode\nNutella;2027-09-01;3,01762E+12\nBeans;2027-09-01;75678164125\n"
        b"Tea;2027-09-01;'0123456789012\nPea;2027-09-01;3017620422003.0\n",
    )
    first, second, third, fourth = (each["message"] for each in report["warnings"])
    assert "lost" in first
    assert "075678164125" in second
    assert ("0123456789012" in third, "3017620422003" in fourth) == (True, True)
    kept = {each["name"]: each["barcode"] for each in await stock(ada)}
    assert kept == {
        "Nutella": "3,01762E+12",
        "Beans": "75678164125",
        "Tea": "0123456789012",
        "Pea": "3017620422003",
    }


# 14: openboxes/openboxes PR 5155, hay-kot/homebox#106
async def test_the_day_that_a_picker_sends_is_kept_with_a_warning(ada: httpx.AsyncClient) -> None:
    items = [MILK | {"expiryDate": "2026-12-03T23:00:00.000Z"}]
    batch = (await ada.post("/api/products/batch", json={"items": items})).json()
    product = batch["results"][0]["product"]
    assert product["expiryDate"] == "2026-12-04T00:00:00+01:00"
    assert "Send 2026-12-04 if" in product["warnings"][0]


# 15: grocy/grocy#1191, #1659
async def test_a_consumption_of_one_of_three_is_taken_back(ada: httpx.AsyncClient) -> None:
    product = await added(ada, quantity="3")
    done = await ada.post(f"/api/products/{product['id']}/consume", json={"quantity": "1"})
    assert done.json()["quantity"] == "2"
    assert (await undone(ada, done.json()["movements"][0]["id"]))["quantity"] == "3"


# 16: grocy/grocy#2930
async def test_a_name_has_a_visible_character_and_no_line_break(ada: httpx.AsyncClient) -> None:
    answer = await ada.post("/api/products", json=MILK | {"name": "\u200b"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert (await added(ada, name="a\nb"))["name"] == "a b"
    file = 'name,mhd\n"\u200b",nie\n"c\nd",nie\n'.encode()
    report = (await ada.post("/api/import", params={"skipBad": True}, content=file)).json()
    assert [(each["line"], each["column"]) for each in report["bad"]] == [(2, "name")]
    assert sorted(await named(ada)) == ["a b", "c d"]


# 20: grocy's changelog
async def test_a_category_and_a_search_ignore_case_and_accents(ada: httpx.AsyncClient) -> None:
    await added(ada, name="Käse", category="milchprodukte")
    for category in ("Milchprodukte", "MILCHPRODUKTE", "milchprodukté"):
        assert await named(ada, category=category) == ["Käse"]
    for text in ("kase", "KÄSE", "ka\u0308s", "äse"):
        assert await named(ada, q=text) == ["Käse"]
