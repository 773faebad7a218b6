"""Section 8: what an import found out, and what its report says of it."""

import json

import httpx
import pytest
from tests.contract_stock.test_8_in_and_out import import_, products, refused

pytestmark = pytest.mark.asyncio(loop_scope="session")


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
