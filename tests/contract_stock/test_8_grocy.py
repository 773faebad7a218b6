"""Section 8: what a household of Grocy or Tandoor becomes, with what stands in its freezer."""

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
from tests.contract_stock.test_8_in_and_out import import_
from tests.support.grocy_demo import (
    DEMO,
    FREEZER,
    GROUPS,
    PRODUCTS,
    demo_json,
    demo_overview,
    demo_sqlite,
)
from tests.support.lots_over_rest import acted
from tests.support.rest_app import Rest

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOTS = len(DEMO["stock"])
NAMES = {each["id"]: each["name"] for each in PRODUCTS}
OWN = {"id", "productId", "etag", "lots", "createdAt", "updatedAt", "stateSince"}
"""Fields that differ between two imports of the same stock."""


async def products(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    params: dict[str, str | int] = {"include": "lots", "sort": "name", "limit": 100}
    answer = await client.get("/api/products", params=params)
    return {each["name"]: each for each in answer.json()["items"]}


def plain(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Products with their lots, without what differs between two accounts."""
    return {
        name: (
            {key: value for key, value in each.items() if key not in OWN},
            [{key: value for key, value in lot.items() if key not in OWN} for lot in each["lots"]],
        )
        for name, each in found.items()
    }


async def test_the_api_the_texts_of_older_versions_and_the_file_of_grocy_give_the_same_stock(
    rest: Rest,
) -> None:
    found = []
    for file in (demo_json(), demo_json(as_texts=True), demo_sqlite()):
        _, client = await rest.person()
        report = await import_(client, file)
        assert (report["format"], report["bad"], report["added"]) == ("grocy", [], LOTS)
        assert [each["value"] for each in report["warnings"]] == GROUPS["07 Frozen food"][2].split(
            "|"
        )
        found.append(plain(await products(client)))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("file", [demo_json(), demo_sqlite()], ids=["api", "file"])
async def test_sixty_products_of_grocy_come_with_all_of_their_stock_and_twice_changes_nothing(
    ada: httpx.AsyncClient, file: bytes
) -> None:
    assert (await import_(ada, file, dryRun=True))["added"] == LOTS
    await import_(ada, file)
    found = await products(ada)
    assert set(found) == {each["name"] for each in PRODUCTS}
    for product in PRODUCTS:
        theirs = [each for each in DEMO["stock"] if each["product_id"] == product["id"]]
        ours = found[product["name"]]
        quantity = sum(Decimal(str(round(each["amount"], 6))) for each in theirs)
        assert Decimal(ours["quantity"]) == quantity
        assert ours["category"] == list(GROUPS)[product["product_group_id"] - 1]
        assert ours["dateKind"] == ("use_by" if product["due_type"] == 2 else "best_before")
        assert len(ours["barcodes"]) == product["id"] % 2
        assert {each["receivedOn"] for each in ours["lots"]} == {"2026-02-01"}
    again = await import_(ada, file)
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, LOTS)


async def test_a_due_date_of_2999_12_31_is_never(ada: httpx.AsyncClient) -> None:
    await import_(ada, demo_json())
    found = await products(ada)
    never = [name for name, each in found.items() if each["expiryDate"] is None]
    assert sorted(never) == ["Salt", "Sugar"]


async def test_an_opened_entry_of_grocy_is_a_lot_opened_on_its_day(ada: httpx.AsyncClient) -> None:
    await import_(ada, demo_json())
    opened = [
        (name, lot["stateSince"][:10])
        for name, each in (await products(ada)).items()
        for lot in each["lots"]
        if lot["state"] == "opened"
    ]
    assert opened == sorted(
        (NAMES[each["product_id"]], "2026-02-20")
        for each in DEMO["stock"]
        if each["open"] and each["location_id"] != FREEZER
    )


async def test_an_entry_in_a_freezer_of_grocy_is_frozen_with_the_date_that_it_has_there(
    ada: httpx.AsyncClient,
) -> None:
    await import_(ada, demo_sqlite())
    found = await products(ada)
    frozen = {
        (name, lot["expiryDate"], lot["location"])
        for name, each in found.items()
        for lot in each["lots"]
        if lot["state"] == "frozen"
    }
    assert frozen == {
        (NAMES[each["product_id"]], each["best_before_date"], "Freezer")
        for each in DEMO["stock"]
        if each["location_id"] == FREEZER
    }
    ham, peas = (
        next(each for each in found[name]["lots"] if each["state"] == "frozen")
        for name in ("Ham", "Peas")
    )
    assert (ham["printedDate"], peas["printedDate"]) == (None, None)
    thawed = await acted(ada, ham["id"], "thaw")
    assert (thawed["expiryDate"], thawed["dateSource"]) == ("2026-03-04", "thawed")
    thawed = await acted(ada, peas["id"], "thaw")
    assert thawed["expiryDate"] is None, "the date of a freezer does not count outside of it"


async def test_the_overview_of_grocys_stock_alone_gives_a_lot_a_product(
    ada: httpx.AsyncClient,
) -> None:
    report = await import_(ada, demo_overview())
    assert (report["bad"], len(await products(ada))) == ([], len(PRODUCTS))


async def test_a_frozen_entry_of_tandoor_counts_its_frozen_date_until_it_is_thawed(
    ada: httpx.AsyncClient,
) -> None:
    entry = {
        "inventory_location": {"id": 2, "name": "Freezer", "is_freezer": True},
        "food": {"id": 8, "name": "Peas"},
        "amount": 2,
        "expires": "2026-03-20",
        "expires_frozen": "2026-09-01",
    }
    for frozen, counts in (("2026-09-01", (1, 0, 0)), ("2026-09-01", (0, 0, 1))):
        report = await import_(ada, json.dumps([entry | {"expires_frozen": frozen}]))
        assert (report["added"], report["changed"], report["unchanged"]) == counts
    changed = await import_(ada, json.dumps([entry | {"expires_frozen": "2026-10-01"}]))
    assert (changed["added"], changed["changed"]) == (0, 1)
    (lot,) = (await products(ada))["Peas"]["lots"]
    assert (lot["state"], lot["expiryDate"], lot["dateSource"]) == ("frozen", "2026-10-01", "typed")

    thawed = await acted(ada, lot["id"], "thaw")

    assert (thawed["printedDate"], thawed["expiryDate"]) == ("2026-03-20", "2026-03-20")
