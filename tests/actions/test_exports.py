"""An export holds all stock, and an import of it gives the same state again.

covers: useby.store.exports, useby.schemas.stock_file, useby.imports.useby_file
covers: useby.exports.rows, useby.exports.writing, useby.exports.xlsx_file
covers: useby.schemas.policy_file
"""

import csv
import io
import json
import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.actions.test_stock import added_by_an_old_node, lots_of, receive
from tests.support.export_lives import lead_a_life
from tests.support.factories import NOON, a_kept_owner, a_product, an_owner
from tests.support.import_files import TODAY
from tests.support.stored_products import keep, taking, unread

from useby.actions import floods, import_rows, imports
from useby.actions import lots as lot_actions
from useby.actions.alerts import send_due
from useby.actions.exports import export
from useby.actions.import_comparison import Upserted
from useby.actions.policies import put
from useby.domain.account import User
from useby.domain.lot import Lot, open_lots
from useby.domain.movement import Movement
from useby.domain.policy import Lead, PolicyFields, Scope
from useby.domain.policy_scopes import kept_policies
from useby.domain.product import Product
from useby.exports.rows import HEADER
from useby.exports.writing import ExportFormat
from useby.imports.tables import Format, Options, UnreadableFile
from useby.store import accounts, exports, slices
from useby.store.database import Database
from useby.store.exports import Kept

LATER = NOON + timedelta(days=40)
once_a_database = settings(
    max_examples=10,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
"""Each example has an account of its own, so that examples can share a database."""


async def exported(
    database: Database, owner: User, format_: ExportFormat = ExportFormat.JSON
) -> bytes:
    owner = await as_stored(database, owner)
    return b"".join([piece async for piece in export(database, owner, format_)])


async def as_stored(database: Database, owner: User) -> User:
    """The account with its policies as they are now."""
    found = await database.read(lambda c: accounts.user(c, owner.id))
    assert found is not None
    return found


async def imported(database: Database, owner: User, data: bytes) -> tuple[Upserted, list[str]]:
    """Import a file; return the counts and the faults."""
    owner = await as_stored(database, owner)
    found, rows = import_rows.read(data, Options(TODAY), owner, LATER)
    plan = await imports.plan(database, found.table, rows, owner, LATER)
    given = found.table.policies
    done = await imports.store_all(database, plan.rows, owner, LATER, given=given)
    assert plan.counts == done, "what a dry run reports is what is done"
    return done, [each.message for each in found.table.bad]


async def stock_of(database: Database, owner: User) -> list[Kept]:
    return await database.read(lambda c: exports.page(c, owner.id, ""))


def without_ids(kept: Kept) -> tuple[Product, list[Lot], list[Movement]]:
    """A product with its lots and movements, whose ids are replaced by their places."""
    lot_ids = {lot.id: str(number) for number, lot in enumerate(kept.lots)}
    for each in kept.movements:
        for lot_id in (each.lot_id, each.part_id or each.lot_id):
            lot_ids.setdefault(lot_id, str(len(lot_ids)))
    moves = {each.id: str(number) for number, each in enumerate(kept.movements)}
    return (
        replace(kept.product, id="", user_id=""),
        [replace(lot, id=lot_ids[lot.id], product_id="") for lot in kept.lots],
        [
            replace(
                each,
                id=moves[each.id],
                product_id="",
                lot_id=lot_ids[each.lot_id],
                part_id=each.part_id and lot_ids[each.part_id],
                undoes=each.undoes and moves[each.undoes],
            )
            for each in kept.movements
        ],
    )


@once_a_database
@given(chance=st.randoms(use_true_random=False))
async def test_an_export_imported_into_an_empty_account_gives_the_same_state_again(
    database: Database, chance: random.Random
) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    before = await lead_a_life(database, ada, chance)
    file = await exported(database, ada)
    done, faults = await imported(database, bob, file)
    assert faults == []
    policies = kept_policies(await as_stored(database, ada))
    assert done == Upserted(len(before), products=len(before), policies=len(policies))
    assert kept_policies(await as_stored(database, bob)) == policies
    after = await stock_of(database, bob)
    assert list(map(without_ids, after)) == list(map(without_ids, before))
    assert await exported(database, bob) == file
    again, _ = await imported(database, bob, file)
    assert again == Upserted(same=len(before))
    assert await exported(database, bob) == file


async def test_policies_of_the_file_leave_those_of_the_account_as_they_are(
    database: Database,
) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    hers, his = PolicyFields(leads=(Lead(9),)), PolicyFields(leads=(Lead(3),))
    for owner, key, fields in ((ada, "dairy", hers), (ada, "meat", hers), (bob, "dairy", his)):
        await database.write(
            partial(put, user_id=owner.id, scope=Scope.CATEGORY, key=key, fields=fields, now=NOON)
        )
    done, faults = await imported(database, bob, await exported(database, ada))
    assert (done, faults) == (Upserted(policies=1), [])
    assert kept_policies(await as_stored(database, bob)) == [
        (Scope.CATEGORY, "dairy", his),
        (Scope.CATEGORY, "meat", hers),
    ]


async def test_imported_products_are_scheduled_by_the_policies_of_the_file(
    database: Database,
) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    never = PolicyFields(leads=(), on_expiry=False)
    await database.write(lambda t: put(t, ada.id, Scope.LOCATION, "Fridge", never, NOON))
    for place in ("Fridge", "Cellar"):
        await keep(database, ada, a_product(ada, "2026-04-12", name=place, location=place))
    await imported(database, bob, await exported(database, ada))
    while await database.write(lambda t: slices.do_slice(t, LATER)):
        pass
    await database.write(lambda t: send_due(t, LATER))
    await database.write(lambda t: floods.release(t, LATER))
    assert "Cellar expires tomorrow" in await unread(database, bob)
    assert not [each for each in await unread(database, bob) if "Fridge expires" in each]


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"scope": "lot", "key": "1"}, "must be"),
        ({"scope": "account", "key": "x"}, "must have a key unless it is of the account"),
        ({"scope": "category"}, "must have a key unless it is of the account"),
        ({"scope": "dateKind", "key": "sell_by"}, "must be use_by or best_before"),
        ({"scope": "account", "leads": ["7 days"]}, "must be a list of at most 16 leads"),
        ({"scope": "account", "user": "ada"}, "is not a field"),
        (["account"], "must be an object"),
    ],
)
async def test_a_bad_policy_of_the_file_is_refused_with_its_line(
    database: Database, policy: object, message: str
) -> None:
    file = {"format": "useby", "version": 1, "policies": [policy], "products": []}
    found, rows = import_rows.read(
        json.dumps(file, indent=0).encode(), Options(TODAY), an_owner(), NOON
    )
    assert (rows, found.table.bad_rows, found.table.policies) == ([], 1, {})
    assert found.table.bad[0].line == 5
    assert message in found.table.bad[0].message


async def test_a_policy_that_stands_twice_in_the_file_is_refused(database: Database) -> None:
    twice: list[dict[str, object]] = [
        {"scope": "category", "key": each, "leads": []} for each in ("Dairy", "dairy")
    ]
    file = {"format": "useby", "version": 1, "policies": twice, "products": []}
    found, _ = import_rows.read(json.dumps(file).encode(), Options(TODAY), an_owner(), NOON)
    assert [each.message for each in found.table.bad] == [
        "the policy of category/dairy stands in the file already"
    ]


def what_a_table_keeps(stock: list[Kept]) -> list[tuple[object, ...]]:
    return sorted(
        (
            *(kept.product.name, kept.product.barcodes, kept.product.external_id or ""),
            *(kept.product.rules, kept.product.lead_days, kept.product.minimum_stock),
            *(lot.quantity, lot.location, lot.lot_number, lot.serial, lot.price, lot.state.value),
            *(lot.printed, lot.received_on),
        )
        for kept in stock
        for lot in open_lots(kept.lots)
    )


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("seed", range(3))
async def test_a_table_changes_nothing_in_its_own_account_and_gives_another_the_same_lots(
    database: Database, seed: int, form: str
) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    before = await lead_a_life(database, ada, random.Random(seed), alike=False)
    table = await exported(database, ada, ExportFormat(form))
    left = sum(each.product.lot_count for each in before)
    assert await imported(database, ada, table) == (Upserted(same=left), [])
    assert await stock_of(database, ada) == before
    done, _ = await imported(database, bob, table)
    assert (done.added, left > 0) == (left, True)
    theirs = what_a_table_keeps(await stock_of(database, bob))
    assert theirs == what_a_table_keeps(before)


async def test_an_export_has_no_account_and_no_id(database: Database) -> None:
    owner = await a_kept_owner(database)
    before = await lead_a_life(database, owner, random.Random(1))
    ids = {each.product.id for each in before}
    ids |= {lot.id for each in before for lot in each.lots}
    ids |= {move.id for each in before for move in each.movements}
    for form in (ExportFormat.JSON, ExportFormat.CSV):
        text = (await exported(database, owner, form)).decode()
        assert not [each for each in (owner.id, owner.email, owner.name, *ids) if str(each) in text]


async def test_the_file_has_its_version_and_links_lots_by_numbers(database: Database) -> None:
    owner = await a_kept_owner(database)
    milk = a_product(owner, "2026-06-01", quantity=Decimal(3))
    await keep(database, owner, milk)
    await database.write(taking(owner, milk, "1"))
    file = json.loads(await exported(database, owner))
    assert (file["format"], file["version"]) == ("useby", 1)
    (product,) = file["products"]
    assert (product["name"], product["lots"][0]["quantity"]) == ("Organic Milk", "2")
    moved = [(each["number"], each["lot"], each["kind"]) for each in product["movements"]]
    assert moved == [(1, 1, "received"), (2, 1, "consumed")]


async def test_an_empty_household_has_an_empty_file_that_can_be_imported(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    file = await exported(database, owner)
    assert json.loads(file) == {"format": "useby", "version": 1, "products": []}
    assert await imported(database, owner, file) == (Upserted(), [])
    table = (await exported(database, owner, ExportFormat.CSV)).decode()
    assert list(csv.reader(io.StringIO(table))) == [list(HEADER)]


async def test_pages_follow_each_other_without_gap_or_repeat(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, other = await a_kept_owner(database), await a_kept_owner(database)
    names = [f"Milk {number:03}" for number in range(2 * exports.PAGE + 1)]
    await keep(database, owner, *(a_product(owner, name=name) for name in names))
    await keep(database, other, a_product(other, name="private"))
    file = json.loads(await exported(database, owner))
    assert [each["name"] for each in file["products"]] == names


async def test_a_page_is_bounded_by_the_movements_of_its_products(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await a_kept_owner(database)
    names = [f"Milk {number}" for number in range(6)]
    for name in names:
        milk = a_product(owner, name=name, quantity=Decimal(9))
        await keep(database, owner, milk)
        for _ in range(3 if name == "Milk 4" else 1):
            await database.write(taking(owner, milk, "1"))
    whole = await exported(database, owner)
    monkeypatch.setattr(exports, "MOST_MOVEMENTS", 3)
    page = await database.read(lambda c: exports.page(c, owner.id, ""))
    assert [each.product.name for each in page] == names[:1]
    assert await exported(database, owner) == whole


async def test_a_product_of_an_old_node_is_exported_with_its_lot(database: Database) -> None:
    owner = await a_kept_owner(database)
    milk = a_product(owner, "2026-06-08", quantity=Decimal(2))
    await added_by_an_old_node(database, milk, owner)
    (product,) = json.loads(await exported(database, owner))["products"]
    assert [each["quantity"] for each in product["lots"]] == ["2"]
    assert len(await lots_of(database, milk)) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lots": []}, None),
        ({"movements": []}, "must follow from its movements"),
        ({"quantity": "7"}, None),
        ({"email": "ada@useby.example"}, "is not a field"),
        ({"lots": [{"number": 1, "quantity": "3"}]}, "is missing"),
    ],
)
async def test_a_product_that_does_not_hang_together_is_refused(
    database: Database, change: dict[str, object], message: str | None
) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner, quantity=Decimal(3)))
    file = json.loads(await exported(database, owner))
    file["products"][0] |= change
    other = await a_kept_owner(database)
    _, faults = await imported(database, other, json.dumps(file).encode())
    assert bool(faults) == (message is not None)
    assert all(message in each for each in faults[:1] if message)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ({"format": "useby", "version": 2}, "later"),
        ({"format": "useby"}, "version"),
        ({"format": "useby", "version": "1"}, "whole number"),
        ({"format": "useby", "version": 1, "other": 1}, "looks like"),
    ],
)
def test_a_file_of_another_form_is_refused(head: dict[str, object], message: str) -> None:
    data = json.dumps(head | {"products": [{}]}).encode()
    with pytest.raises(UnreadableFile, match=message):
        import_rows.read(data, Options(TODAY, Format.USEBY), an_owner(), NOON)


async def test_an_alert_of_imported_stock_is_sent_as_of_a_new_product(database: Database) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    await keep(database, ada, a_product(ada, "2026-04-12"))
    await imported(database, bob, await exported(database, ada))
    await database.write(lambda t: send_due(t, LATER))
    assert "Organic Milk expires tomorrow" in await unread(database, bob)


async def test_a_product_without_its_mistaken_lot_is_what_the_lot_closed_last_was(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    milk = a_product(owner, "2026-06-01", quantity=Decimal(3))
    await keep(database, owner, milk)
    await database.write(taking(owner, milk, None))
    (used_up,) = await stock_of(database, owner)
    mistake = await receive(database, owner, milk, "2026-07-01")
    await database.write(lambda t: lot_actions.delete(t, owner, mistake.id, NOON))
    (after,) = await stock_of(database, owner)
    assert (after.product, after.lots) == (used_up.product, used_up.lots)
