"""``POST /api/scan``.

covers: useby.schemas.scans
"""

import json
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.rest_app import Rest, added

LONG = "]d201040123456789011727020010A1B2C3D4E5F6G7H8I9J0\x1d21Z1Y2X3W4V5U6T7S8R9Q0"
NULLS = dict.fromkeys(
    ["gtin", "lotNumber", "serial", "printedDate", "dateKind", "quantity", "unit", "product"]
)
NULLS |= {"name": None, "brand": None}


async def scanned(client: httpx.AsyncClient, data: str) -> dict[str, Any]:
    answer = await client.post("/api/scan", json={"data": data})
    assert answer.status_code == HTTPStatus.OK, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_scan_is_answered_with_all_keys_and_null_where_it_does_not_state_them(
    ada: httpx.AsyncClient,
) -> None:
    assert await scanned(ada, "lot 7/B") == NULLS | {"warnings": []}
    assert await scanned(ada, LONG) == NULLS | {
        "gtin": "04012345678901",
        "lotNumber": "A1B2C3D4E5F6G7H8I9J0",
        "serial": "Z1Y2X3W4V5U6T7S8R9Q0",
        "printedDate": "2027-02-28",
        "dateKind": "use_by",
        "warnings": [],
    }
    assert await scanned(ada, "(01)04012345678901(3103)001250") == NULLS | {
        "gtin": "04012345678901",
        "quantity": "1.25",
        "unit": "kg",
        "warnings": [],
    }


async def test_a_scan_finds_the_callers_own_product_and_never_someone_elses(rest: Rest) -> None:
    _, ada = await rest.person()
    _, bob = await rest.person()
    product = await added(ada, barcode=LONG)
    found = await scanned(ada, "4012345678901")
    assert (found["product"], found["name"]) == (product, product["name"])
    assert (await scanned(bob, "4012345678901"))["product"] is None
    assert (await scanned(bob, "4012345678901"))["name"] is None


async def test_a_gtin_with_a_wrong_check_digit_is_null_with_a_warning(
    ada: httpx.AsyncClient,
) -> None:
    found = await scanned(ada, "4006381333930")
    assert found["gtin"] is None
    assert found["warnings"] == [
        "The check digit of 4006381333930 is wrong: 4006381333931 would be right."
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": ""},
        {"data": None},
        {"data": 4012345678901},
        {"data": "x" * 513},
        {"data": "a\x00b"},
        {"data": "\ud800"},
        {"data": "1", "more": 1},
        [],
        "1",
    ],
)
async def test_a_malformed_scan_is_refused(ada: httpx.AsyncClient, body: Any) -> None:
    headers = {"content-type": "application/json"}
    answer = await ada.post("/api/scan", content=json.dumps(body).encode(), headers=headers)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


async def test_a_scan_without_a_token_is_401_and_a_large_one_413(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    answer = await rest.client().post("/api/scan", json={"data": "4012345678901"})
    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    answer = await ada.post("/api/scan", json={"data": "1" * 5000})
    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


@pytest.mark.parametrize(
    ("barcode", "words"),
    [
        ("4006381333930", ["4006381333931 would be right"]),
        ("12345678", ["no GTIN-8"]),
        ("01234562", ["no GTIN-8"]),
        ("06541238", ["stands for 065400000128"]),
        ("3,01762E+12", ["last digits are lost"]),
        ("75678164125", ["075678164125 is a GTIN"]),
        ("4012345678901", []),
        (LONG, []),
        ("lot 7/B", []),
    ],
)
async def test_a_barcode_is_kept_as_scanned_and_a_wrong_check_digit_is_a_warning(
    ada: httpx.AsyncClient, barcode: str, words: list[str]
) -> None:
    item = {"name": "Milk", "expiryDate": "2026-03-04", "barcode": barcode}
    answer = await ada.post("/api/products", json=item)
    assert answer.status_code == HTTPStatus.CREATED
    product = answer.json()
    batch = (await ada.post("/api/products/batch", json={"items": [item]})).json()
    path = f"/api/products/{product['id']}"
    change = (await ada.patch(path, json={"barcode": barcode})).json()
    for each in (product, batch["results"][0]["product"], change):
        assert each["barcode"] == barcode
        assert len(each["warnings"]) == len(words)
        assert all(part in warning for part, warning in zip(words, each["warnings"], strict=True))
    assert (await ada.patch(path, json={"name": "Oat milk"})).json()["warnings"] == []
    assert (await ada.get(path)).json()["warnings"] == []


async def test_a_list_by_barcode_finds_one_gtin_in_another_spelling(
    ada: httpx.AsyncClient,
) -> None:
    one = await added(ada, barcode="042563008123")
    await added(ada, barcode="4012345678901")

    async def listed(barcode: str) -> Any:
        answer = await ada.get("/api/products", params={"barcode": barcode})
        return answer.json()["items"]

    assert await listed("0042563008123") == await listed("042563008123") == [one]
    assert await listed("(01)00042563008123") == [one]
    assert await listed("unknown") == []
