"""The barcodes of a product over REST: its list, its first one, and finding it by each of them."""

from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.rest_app import Rest, added

EAN, OTHER_EAN, EAN_8, UPC = "4012345678901", "4006381333931", "96385074", "042563008123"


async def changed(client: httpx.AsyncClient, product: dict[str, Any], **values: Any) -> Any:
    answer = await client.patch(f"/api/products/{product['id']}", json=values)
    assert answer.status_code == HTTPStatus.OK, answer.text
    got = (await client.get(f"/api/products/{product['id']}")).json()
    assert got | {"warnings": []} == answer.json() | {"warnings": []}
    return answer.json()


async def found(client: httpx.AsyncClient, barcode: str) -> list[str]:
    answer = await client.get("/api/products", params={"barcode": barcode, "sort": "name"})
    return [each["name"] for each in answer.json()["items"]]


async def test_a_product_has_the_barcodes_that_were_sent_and_barcode_is_the_first(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, barcodes=[EAN, EAN_8, "PZN-1"])
    assert (product["barcode"], product["barcodes"]) == (EAN, [EAN, EAN_8, "PZN-1"])
    one = await added(ada, barcode=EAN)
    assert (one["barcode"], one["barcodes"]) == (EAN, [EAN])
    none = await added(ada)
    assert (none["barcode"], none["barcodes"]) == ("", [])
    both = await added(ada, barcode=EAN_8, barcodes=[EAN_8, EAN])
    assert both["barcodes"] == [EAN_8, EAN]


async def test_a_change_of_barcode_replaces_the_first_and_one_of_barcodes_the_list(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, barcodes=[EAN, EAN_8])
    assert (await changed(ada, product, barcode=OTHER_EAN))["barcodes"] == [OTHER_EAN, EAN_8]
    assert (await changed(ada, product, name="Oat milk"))["barcodes"] == [OTHER_EAN, EAN_8]
    assert (await changed(ada, product, barcode=""))["barcodes"] == [EAN_8]
    assert (await changed(ada, product, barcodes=[UPC, EAN]))["barcode"] == UPC
    assert (await changed(ada, product, barcodes=[]))["barcode"] == ""
    assert await found(ada, EAN_8) == []


async def test_empty_barcodes_and_further_spellings_of_a_gtin_are_removed(
    ada: httpx.AsyncClient,
) -> None:
    sent = ["", UPC, f"0{UPC}", EAN, f"(01)0{EAN}(10)A1", "PZN-1", "PZN-1"]
    assert (await added(ada, barcodes=sent))["barcodes"] == [UPC, EAN, "PZN-1"]


async def test_each_barcode_has_its_own_warning(ada: httpx.AsyncClient) -> None:
    product = await added(ada, barcodes=[EAN, "4006381333930", "12345678"])
    first, second = product["warnings"]
    assert "4006381333931" in first
    assert "12345678" in second
    assert (await changed(ada, product, name="Milk"))["warnings"] == []


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        ({"barcodes": [str(number) for number in range(21)]}, "barcodes"),
        ({"barcodes": ["x" * 129]}, "barcodes"),
        ({"barcodes": "4012345678901"}, "barcodes"),
        ({"barcodes": None}, "barcodes"),
        ({"barcodes": [7]}, "barcodes"),
        ({"barcodes": [EAN, EAN_8], "barcode": EAN_8}, ""),
    ],
)
async def test_barcodes_that_are_not_a_list_of_20_short_texts_are_refused_with_an_example(
    ada: httpx.AsyncClient, sent: dict[str, Any], at: str
) -> None:
    product = await added(ada, barcodes=[EAN])
    for answer in (
        await ada.post("/api/products", json={"name": "Milk", "expiryDate": None} | sent),
        await ada.patch(f"/api/products/{product['id']}", json=sent),
    ):
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        (error,) = answer.json()["errors"]
        assert at in error["at"]
        assert "e.g." in error["message"]


async def test_twenty_barcodes_of_128_characters_are_kept(ada: httpx.AsyncClient) -> None:
    sent = [f"{number:02}" + "ü" * 126 for number in range(20)]
    assert (await added(ada, barcodes=sent))["barcodes"] == sent
    assert len(await found(ada, sent[-1])) == 1


async def test_a_search_and_a_scan_find_a_product_by_any_of_its_barcodes(rest: Rest) -> None:
    _, ada = await rest.person()
    _, bob = await rest.person()
    await added(ada, name="Milk", barcodes=["PZN-1", UPC])
    await added(ada, name="Oats", barcode=f"0{UPC}")
    assert await found(ada, UPC) == ["Milk", "Oats"]
    assert await found(ada, "PZN-1") == ["Milk"]
    await added(ada, name="Salt", barcodes=[EAN_8, EAN])
    for data in (EAN, f"(01)0{EAN}(17)270200(10)A1B2", EAN_8):
        scanned = (await ada.post("/api/scan", json={"data": data})).json()
        assert scanned["product"]["name"] == "Salt"
        assert (await bob.post("/api/scan", json={"data": data})).json()["product"] is None
    assert await found(bob, UPC) == []


async def test_an_import_finds_a_product_by_any_of_its_barcodes_and_keeps_them(
    ada: httpx.AsyncClient,
) -> None:
    day = "2026-03-04"
    product = await added(ada, name="Milk", expiryDate=day, barcodes=[EAN, UPC])
    file = f"name,expiryDate,barcode,notes\nMilk,{day},0{UPC},cold\n".encode()
    for counts in ((0, 1), (0, 0)):
        report = (await ada.post("/api/import", content=file)).json()
        assert (report["added"], report["changed"]) == counts
    got = (await ada.get(f"/api/products/{product['id']}")).json()
    assert (got["barcodes"], got["notes"]) == ([EAN, UPC], "cold")


async def test_an_import_by_external_id_replaces_the_first_barcode(ada: httpx.AsyncClient) -> None:
    product = await added(ada, externalId="m", barcodes=[EAN, EAN_8])
    path = f"/api/products/{product['id']}"
    for sent, kept in ((OTHER_EAN, [OTHER_EAN, EAN_8]), (EAN_8, [OTHER_EAN, EAN_8])):
        file = f"externalId,name,expiryDate,barcode\nm,Milk,2026-03-04,{sent}\n".encode()
        assert (await ada.post("/api/import", content=file)).status_code == HTTPStatus.OK
        assert (await ada.get(path)).json()["barcodes"] == kept


async def test_an_import_without_barcodes_keeps_those_of_the_product(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, externalId="m", barcodes=[EAN, EAN_8])
    file = b"externalId,name,expiryDate\nm,Oat milk,2026-03-04\n"
    assert (await ada.post("/api/import", content=file)).json()["changed"] == 1
    got = (await ada.get(f"/api/products/{product['id']}")).json()
    assert (got["name"], got["barcodes"]) == ("Oat milk", [EAN, EAN_8])


async def test_an_export_keeps_all_barcodes(rest: Rest) -> None:
    _, ada = await rest.person()
    _, bob = await rest.person()
    await added(ada, name="Milk", barcodes=[EAN, EAN_8, "PZN-1"])
    file = (await ada.get("/api/export", params={"format": "json"})).content
    assert (await bob.post("/api/import", content=file)).status_code == HTTPStatus.OK
    (milk,) = (await bob.get("/api/products")).json()["items"]
    assert milk["barcodes"] == [EAN, EAN_8, "PZN-1"]
