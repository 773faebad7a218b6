"""Finding products: filters, orders, pages by key."""

import base64
import contextlib
import itertools
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest
import sqlalchemy as sa
from tests.support.databases import on_sqlite
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.query_plans import plans_of

from useby.actions import inventory
from useby.domain import alerts
from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.policy import Policy
from useby.domain.product import Disposal, Product, Status
from useby.store import product_search
from useby.store.cursor import BadCursor
from useby.store.database import Database, Transaction
from useby.store.product_search import FOLD_BATCH, NotFolded, Order, ProductQuery
from useby.store.schema import products as table


async def keep(database: Database, owner: User, *wanted: Product) -> None:
    await database.write(lambda t: inventory.add_many(t, wanted, owner, NOON))


async def found(
    database: Database, owner: User, query: ProductQuery, now: datetime = NOON
) -> list[Product]:
    page = await database.read(lambda c: product_search.list_(c, owner, query, now))
    return list(page.items)


async def paged(
    database: Database, owner: User, order: Order, limit: int
) -> list[tuple[Product, ...]]:
    pages: list[tuple[Product, ...]] = []
    cursor: str | None = None
    while True:
        query = ProductQuery(order=order, limit=limit, cursor=cursor)
        page = await database.read(partial(product_search.list_, user=owner, query=query, now=NOON))
        pages.append(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return pages


NAMES = ("Milk", "Äpfel", "milk", "👨‍👩‍👧 pack", 'a "b"\\', "A", "漢" * 200)


async def test_pages_give_every_product_once_and_in_order_ties_included(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    wanted = [
        a_product(
            owner,
            f"2026-06-{1 + number % 3:02}" + ("T10:00:00.5+02:00" if number % 2 else ""),
            name=NAMES[number % len(NAMES)],
            created_at=NOON + timedelta(microseconds=number // 4),
        )
        for number in range(14)
    ]
    await keep(database, owner, *wanted)

    def key(product: Product, order: Order) -> tuple[object, str]:
        first: object = product.expiry and product.expiry.ends_at(owner.zone)
        if order in (Order.NAME, Order.NAME_LAST):
            first = product.name
        elif order in (Order.CREATED, Order.CREATED_LAST):
            first = product.created_at
        return first, product.id

    for order in Order:
        expected = sorted(
            wanted, key=partial(key, order=order), reverse=order.value.startswith("-")
        )
        for limit in (1, 3, 7, 50):
            pages = await paged(database, owner, order, limit)
            assert all(len(page) == limit for page in pages[:-1])
            assert 1 <= len(pages[-1]) <= limit
            assert [product for page in pages for product in page] == expected, (order, limit)


async def test_a_product_added_behind_the_cursor_disturbs_no_page(database: Database) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, *(a_product(owner, name=name) for name in "bdf"))
    query = ProductQuery(order=Order.NAME, limit=2)
    page = await database.read(lambda c: product_search.list_(c, owner, query, NOON))
    await keep(database, owner, *(a_product(owner, name=name) for name in "ae"))
    rest = await found(database, owner, ProductQuery(order=Order.NAME, cursor=page.next_cursor))
    assert [product.name for product in (*page.items, *rest)] == ["b", "d", "e", "f"]


async def test_an_empty_list_is_one_empty_page(database: Database) -> None:
    owner = await a_kept_owner(database)
    assert await paged(database, owner, Order.EXPIRY, 10) == [()]


async def test_a_list_holds_no_other_users_products(database: Database) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    await keep(database, ada, a_product(ada))
    assert await found(database, bob, ProductQuery()) == []
    assert await found(database, bob, ProductQuery(text="milk")) == []


def a_shelf(owner: User) -> list[Product]:
    """Products on both sides of every edge there is around noon."""
    days = [NOON.date() + timedelta(days=number) for number in range(-2, 12)]
    moments = [NOON + timedelta(seconds=number) for number in (-1, 0, 1, 86_400 * 7)]
    return [
        *(a_product(owner, each.isoformat()) for each in days),
        *(a_product(owner, each.isoformat()) for each in moments),
        *(a_product(owner, each.isoformat(), lead_days=()) for each in days[:4]),
        *(a_product(owner, each.isoformat(), lead_days=(1,)) for each in days[:5]),
        *(a_product(owner, each.isoformat(), category="Medicine") for each in days),
        *(a_product(owner, days[0].isoformat(), closed_as=how, closed_at=NOON) for how in Disposal),
    ]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Niue"])
async def test_the_status_filters_agree_with_the_rules(database: Database, zone: str) -> None:
    owner = await a_kept_owner(database, time_zone=zone, categories={"medicine": Policy((9,))})
    shelf = a_shelf(owner)
    await keep(database, owner, *shelf)
    for now in (NOON, NOON + timedelta(hours=11), NOON - timedelta(hours=1), NOON.replace(hour=0)):
        for status in Status:
            listed = await found(database, owner, ProductQuery(status=status, limit=500), now)
            expected = [each for each in shelf if alerts.status(each, owner, now) is status]
            assert {each.id for each in listed} == {each.id for each in expected}
            assert expected or status is Status.EXPIRING


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Niue"])
async def test_expiring_within_counts_days_in_the_owners_zone(
    database: Database, zone: str
) -> None:
    owner = await a_kept_owner(database, time_zone=zone)
    shelf = a_shelf(owner)
    await keep(database, owner, *shelf)
    for within in (0, 1, 7):
        query = ProductQuery(expiring_within=within, limit=500)
        listed = await found(database, owner, query)
        assert {each.id for each in listed} == {
            each.id
            for each in shelf
            if each.closed_as is None
            and each.expiry is not None
            and alerts.days_until(each.expiry, owner.zone, NOON) <= within
        }, within


async def test_a_category_is_found_by_its_name(database: Database) -> None:
    owner = await a_kept_owner(database)
    milk, pills = a_product(owner, category="Dairy"), a_product(owner, category="Medicine")
    await keep(database, owner, milk, pills, a_product(owner))
    assert await found(database, owner, ProductQuery(category="Dairy")) == [milk]
    assert await found(database, owner, ProductQuery(category="Dai")) == []


async def test_a_category_ignores_case_and_accents_and_no_other_field_is_meant(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    others = [
        a_product(owner, name="Käse", location="Käse", notes="Käse", barcode="Käse"),
        a_product(owner, name="Käse", category="Käse Auf Vorrat"),
        a_product(owner, name="kase\x1fkase", category="100%"),
    ]
    mine = [a_product(owner, category=each) for each in ("Käse", "KÄSE", "kase", "Ka\u0308se")]
    await keep(database, owner, *mine, *others)
    for text in ("Käse", "KASE", "käse"):
        query = ProductQuery(category=text, order=Order.CREATED)
        assert {each.id for each in await found(database, owner, query)} == {p.id for p in mine}
    assert await found(database, owner, ProductQuery(category="100%")) == [others[2]]
    assert await found(database, owner, ProductQuery(category="")) == [others[0]]
    for text in ("kase\x1f", "%", "kase\x1fkase"):
        assert await found(database, owner, ProductQuery(category=text)) == [], text


@pytest.mark.parametrize("field", ["name", "category", "barcode", "location", "notes"])
async def test_a_search_ignores_case_and_accents_in_every_field(
    database: Database, field: str
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, **{field: "Bio-ÄPFEL 100%_fresh /top\\shelf"})
    await keep(database, owner, product, a_product(owner, name="Pears", notes="100x fresh"))
    for text in ("äpfel", "BIO-ä", "APFEL", "100%_FRESH", "/top\\", "%", "_", "\\", "/"):
        assert await found(database, owner, ProductQuery(text=text)) == [product], text
    for text in ("a_pfel", "B%o", "appel", "' OR 1=1 --"):
        assert await found(database, owner, ProductQuery(text=text)) == [], text


async def test_a_search_finds_no_text_that_crosses_two_fields(database: Database) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner, name="Milk", category="Dairy"))
    for text in ("milk\x1fdairy", "milk dairy", "milkdairy"):
        assert await found(database, owner, ProductQuery(text=text)) == [], text


async def test_a_product_that_a_node_of_the_version_before_wrote_is_folded_and_found(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    kept = [a_product(owner, name=f"Käse {number}") for number in range(FOLD_BATCH + 2)]
    await keep(database, owner, *kept)
    as_new = sa.update(table).where(table.c.user_id == owner.id)
    # That version writes neither column: rows it has made lack both, rows it has changed are older.
    await database.write(lambda t: t.connection.execute(as_new.values(folded=None, folded_at=None)))
    query = ProductQuery(text="KASE", limit=500, order=Order.NAME)
    for either in (query, ProductQuery(category="Medicine")):
        with pytest.raises(NotFolded):
            await found(database, owner, either)
    assert await database.write(lambda t: product_search.fold_some(t, owner.id))
    assert not await database.write(lambda t: product_search.fold_some(t, owner.id))
    assert len(await found(database, owner, query)) == 500
    changed = as_new.where(table.c.id == kept[0].id).values(
        name="Milch", updated_at=NOON + timedelta(seconds=1)
    )
    await database.write(lambda t: t.connection.execute(changed))
    with pytest.raises(NotFolded):
        await found(database, owner, ProductQuery(text="milch"))
    await database.write(lambda t: product_search.fold_some(t, owner.id))
    (product,) = await found(database, owner, ProductQuery(text="milch"))
    assert product.id == kept[0].id


async def test_filters_hold_together_and_on_every_page(database: Database) -> None:
    owner = await a_kept_owner(database)
    await keep(
        database,
        owner,
        *(a_product(owner, "2026-03-03", name=f"Milk {number}") for number in range(5)),
        *(a_product(owner, "2026-07-03", name=f"Milk {number}") for number in range(5)),
        *(a_product(owner, "2026-03-03", name=f"Pear {number}") for number in range(5)),
    )
    names: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        query = ProductQuery(Status.EXPIRING, text="milk", order=Order.NAME, cursor=cursor, limit=2)
        page = await database.read(partial(product_search.list_, user=owner, query=query, now=NOON))
        names += [product.name for product in page.items]
        cursor = page.next_cursor
    assert names == [f"Milk {number}" for number in range(5)]
    assert cursor is None


def forged(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


HOSTILE = {
    "empty": "",
    "no base64": "%%%",
    "no letters of ours": "ключ",
    "no text": base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    "no JSON": base64.urlsafe_b64encode(b"{").decode(),
    "deep": base64.urlsafe_b64encode(b"[" * 3000).decode(),
    "an object": forged({"order": "name"}),
    "too short": forged(["name", "x"]),
    "too long": forged(["name", "x", "y", "z"]),
    "another order": forged(["-name", "x", "y"]),
    "numbers": forged(["name", 1, 2]),
    "lists": forged(["name", ["x"], ["y"]]),
    "null": forged(["name", None, "y"]),
    "true": forged(["name", True, "y"]),
    "huge": forged(["name", 10**30, "y"]),
    "a NUL": forged(["name", "x\0", "y"]),
    "a NUL in the id": forged(["name", "x", "\0"]),
    "a lone surrogate": forged(["name", "\ud800", "y"]),
    "a lone surrogate in the id": forged(["name", "x", "\udfff"]),
}


async def test_a_cursor_that_is_none_of_ours_is_refused(database: Database) -> None:
    owner = await a_kept_owner(database)
    accepted = []
    for name, cursor in HOSTILE.items():
        with contextlib.suppress(BadCursor):
            await found(database, owner, ProductQuery(order=Order.NAME, cursor=cursor))
            accepted.append(name)
    assert accepted == []


@pytest.mark.parametrize(
    "moment",
    ["", "yesterday", "2026-03-04T10:30:00.0000000", "2026-13-01T00:00:00.000000Z", "9" * 400],
)
async def test_a_cursor_with_no_moment_in_it_is_refused(database: Database, moment: str) -> None:
    owner = await a_kept_owner(database)
    for order in (Order.EXPIRY, Order.CREATED_LAST):
        with pytest.raises(BadCursor):
            await found(
                database, owner, ProductQuery(order=order, cursor=forged([order.value, moment, ""]))
            )


async def test_a_forged_cursor_leads_to_no_other_users_products(database: Database) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    await keep(database, ada, a_product(ada))
    start = forged(["name", "", ""])
    assert await found(database, bob, ProductQuery(order=Order.NAME, cursor=start)) == []
    assert len(await found(database, ada, ProductQuery(order=Order.NAME, cursor=start))) == 1


async def test_products_of_the_last_year_there_is_are_listed(database: Database) -> None:
    owner = await a_kept_owner(database, time_zone="Pacific/Niue")
    first, last = a_product(owner, "1970-01-01"), a_product(owner, "9998-12-31")
    await keep(database, owner, first, last)
    assert await paged(database, owner, Order.EXPIRY_LAST, 1) == [(last,), (first,)]
    assert first.expiry == Expiry(day=datetime(1970, 1, 1, tzinfo=UTC).date())


@on_sqlite
@pytest.mark.parametrize("order", list(Order))
async def test_a_page_is_read_from_an_index_of_the_users_own(
    database: Database, order: Order
) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner), a_product(owner))
    page = await database.read(
        lambda c: product_search.list_(c, owner, ProductQuery(order=order, limit=1), NOON)
    )

    def listed(transaction: Transaction, query: ProductQuery) -> None:
        product_search.list_(transaction.connection, owner, query, NOON)

    cursors = None, page.next_cursor
    for cursor, status, within in itertools.product(cursors, (None, *Status), (None, 30)):
        query = ProductQuery(status, within, "Dairy", "milk", order, cursor, 10)
        (planned,) = await plans_of(database, partial(listed, query=query))
        assert planned.lines[0].startswith("SEARCH products USING INDEX"), planned
        assert "(user_id=?" in planned.lines[0], planned
        if "ends_at" not in planned.lines[0]:
            # By the date only what lies in its bounds is read, and that may need sorting.
            assert not planned.scans, planned


@on_sqlite
@pytest.mark.parametrize("order", list(Order))
async def test_a_further_page_begins_where_the_last_one_ended(
    database: Database, order: Order
) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner), a_product(owner))
    page = await database.read(
        lambda c: product_search.list_(c, owner, ProductQuery(order=order, limit=1), NOON)
    )
    query = ProductQuery(order=order, cursor=page.next_cursor)
    (planned,) = await plans_of(
        database, lambda t: product_search.list_(t.connection, owner, query, NOON)
    )
    sign = "<" if order.value.startswith("-") else ">"
    assert len(planned.lines) == 1, planned
    assert f",id){sign}(?,?))" in planned.lines[0], planned


def test_orders_come_in_pairs() -> None:
    for rising, falling in list(pairwise(Order))[::2]:
        assert falling.value == f"-{rising.value}"
