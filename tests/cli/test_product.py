"""Importing products."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy.engine import Connection
from tests.support.cli_result import Useby

from useby.actions import inventory
from useby.cli import product
from useby.domain.account import User
from useby.domain.notification import Notification
from useby.domain.product import Product
from useby.store import accounts, notifications, product_search
from useby.store.database import StoreUnavailable, Transaction
from useby.store.notifications import NotificationQuery
from useby.store.open import open_database
from useby.store.product_search import ProductQuery

T = TypeVar("T")
EMAIL = "ada@example.org"
GOOD = """name,expiryDate,externalId,quantity,category
Organic Milk,2126-03-04,m1,1.5,dairy
Butter,2126-03-05,b1,,dairy
Ibuprofen,2126-03-06T10:00:00+01:00,i1,20,medicine
"""
BAD = GOOD + "Cheese,2126-02-30,c1,0,dairy\nMilk again,2126-03-04,m1,,\n"


@pytest.fixture(autouse=True)
def ada(useby: Useby) -> None:
    useby("user", "add", EMAIL)


def _read(work: Callable[[Connection, User], T]) -> T:
    def as_ada(connection: Connection) -> T:
        user = accounts.user_by_email(connection, EMAIL)
        assert user is not None
        return work(connection, user)

    async def run() -> T:
        database = open_database("sqlite:///useby.db")
        found = await database.read(as_ada)
        await database.close()
        return found

    return asyncio.run(run())


def _products() -> dict[str, Product]:
    page = _read(
        lambda c, user: product_search.list_(c, user, ProductQuery(limit=500), datetime.now(UTC))
    )
    return {product.name: product for product in page.items}


def _notifications() -> list[Notification]:
    page = _read(lambda c, user: notifications.list_(c, user.id, NotificationQuery()))
    return list(page.items)


def test_a_file_is_imported_with_one_summary_for_the_devices(useby: Useby, folder: Path) -> None:
    (folder / "fridge.csv").write_text(GOOD)
    result = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert (result.status, result.err) == (0, "")
    assert result.out == "3 products added, 0 changed, 0 unchanged\n"
    assert set(_products()) == {"Organic Milk", "Butter", "Ibuprofen"}
    assert [each.message for each in _notifications()] == ["3 products were added"]


def test_the_same_file_again_changes_nothing_and_sends_nothing(useby: Useby, folder: Path) -> None:
    (folder / "fridge.csv").write_text(GOOD)
    useby("product", "import", "fridge.csv", "--user", EMAIL)
    before = _products()
    result = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert result.out == "0 products added, 0 changed, 3 unchanged\n"
    assert _products() == before
    assert len(_notifications()) == 1


def test_a_changed_row_changes_its_product(useby: Useby, folder: Path) -> None:
    (folder / "fridge.csv").write_text(GOOD)
    useby("product", "import", "fridge.csv", "--user", EMAIL)
    before = _products()["Butter"]
    (folder / "fridge.csv").write_text(GOOD.replace("Butter", "Salted Butter"))
    result = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert result.out == "0 products added, 1 changed, 2 unchanged\n"
    assert _products()["Salted Butter"].id == before.id


def test_a_bad_row_stops_all_and_each_fault_has_its_line(useby: Useby, folder: Path) -> None:
    (folder / "fridge.csv").write_text(BAD)
    result = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert (result.status, result.out) == (1, "")
    lines = result.err.splitlines()
    assert lines[0].startswith("fridge.csv:5: expiryDate: ")
    assert lines[1].startswith("fridge.csv:5: quantity: ")
    assert lines[2] == "fridge.csv:6: externalId: 'm1' stands on line 2 already"
    assert lines[3].startswith("useby: 2 of 5 rows are bad: nothing was imported")
    assert _products() == {}


@pytest.mark.parametrize("date", ["2126-W51-3", "2126-350", "21261216", "04.03.2126"])
def test_a_date_of_another_form_is_refused_with_all_forms(
    useby: Useby, folder: Path, date: str
) -> None:
    (folder / "fridge.csv").write_text(f"name,expiryDate\nMilk,{date}\n")
    result = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert result.err.splitlines()[0] == (
        "fridge.csv:2: expiryDate: must be a date, e.g. 2099-03-04, a month, e.g. 2099-03, or a"
        " date-time with its offset, e.g. 2099-03-04T10:30:00+01:00"
    )
    assert _products() == {}


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("30.06.2031", "2031-06-30"),
        ("EXP 06/31", "2031-06-30"),
        ("2031-06", "2031-06-30"),
        ("30 Jun 2031", "2031-06-30"),
        ("never", None),
        ("MHD 31.12.2999", None),
    ],
)
def test_a_date_to_add_is_read_as_people_write_it(
    useby: Useby, typed: str, day: str | None
) -> None:
    result = useby("product", "add", "Jam", typed, "--user", EMAIL, "--json")
    assert (result.status, result.err) == (0, "")
    assert json.loads(result.out)["expiryDate"] == day


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        (
            "someday",
            "must be a date, e.g. 2099-03-04, 4 Mar 2099, 03/2099, in 5 days or never",
        ),
        (
            "03/04/2031",
            "can be 2031-03-04 or 2031-04-03: write the one that is meant, e.g. 2031-03-04",
        ),
        ("2031-06-30T10:00", "must be a day without a time of day, e.g. 2099-03-04"),
    ],
)
def test_a_date_to_add_that_is_none_or_one_of_two_is_refused_with_an_example(
    useby: Useby, typed: str, error: str
) -> None:
    result = useby("product", "add", "Jam", typed, "--user", EMAIL)
    assert (result.status, result.out, result.err) == (2, "", f"useby: DATE {error}\n")
    assert _products() == {}


def test_a_midnight_to_add_is_kept_with_a_warning(useby: Useby) -> None:
    result = useby("product", "add", "Jam", "2031-06-30T00:00:00Z", "--user", EMAIL)
    assert result.status == 0
    assert result.err.endswith("Send 2031-06-30 if it is good through that day.\n")


def test_skip_bad_is_not_offered_if_every_row_is_bad(useby: Useby, folder: Path) -> None:
    (folder / "fridge.csv").write_text("name,expiryDate\nMilk,someday\n")
    result = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert result.err.endswith("useby: 1 of 1 rows are bad: nothing was imported\n")


def test_skip_bad_imports_the_others(useby: Useby, folder: Path) -> None:
    (folder / "fridge.csv").write_text(BAD)
    result = useby("product", "import", "fridge.csv", "--user", EMAIL, "--skip-bad")
    assert result.status == 0
    assert result.out == "3 products added, 0 changed, 0 unchanged, 2 bad ones left out\n"
    assert "fridge.csv:6: " in result.err
    assert len(_products()) == 3


def test_a_dry_run_prints_the_result_and_stores_nothing(useby: Useby, folder: Path) -> None:
    (folder / "fridge.csv").write_text(GOOD)
    result = useby("product", "import", "fridge.csv", "--user", EMAIL, "--dry-run")
    assert result.out == "3 products would be added, 0 changed, 0 unchanged\n"
    assert _products() == {}
    assert _notifications() == []


def test_the_report_is_json_on_request(useby: Useby, folder: Path) -> None:
    (folder / "fridge.json").write_text(
        '[{"name": "Milk", "expiryDate": "2126-03-04"},\n {"name": "", "expiryDate": "2126-03-04"}]'
    )
    result = useby("product", "import", "fridge.json", "--user", EMAIL, "--json")
    assert result.status == 1
    report = json.loads(result.out)
    assert (report["added"], report["dryRun"]) == (0, False)
    assert [error["line"] for error in report["errors"]] == [2]
    result = useby("product", "import", "fridge.json", "--user", EMAIL, "--json", "--skip-bad")
    assert json.loads(result.out)["added"] == 1


def test_an_unknown_user_is_refused(useby: Useby, folder: Path) -> None:
    (folder / "fridge.csv").write_text(GOOD)
    result = useby("product", "import", "fridge.csv", "--user", "bob@example.org")
    expected = "useby: no user has the e-mail or the id bob@example.org\n"
    assert (result.status, result.err) == (1, expected)


def test_a_product_is_added_and_listed(useby: Useby) -> None:
    words = ["--user", EMAIL, "--quantity", "0.5", "--unit", "kg", "--location", "fridge"]
    result = useby("product", "add", "Minced Beef", "2126-03-04", "--kind", "use_by", *words)
    assert (result.status, result.err) == (0, "")
    assert result.out == "Minced Beef was added; its first alert is on 2126-02-25\n"
    useby("product", "add", "Milk", "2126-03-01T10:00:00+01:00", "--user", EMAIL)
    listed = json.loads(useby("product", "list", "--user", EMAIL, "--json").out)
    assert [each["name"] for each in listed] == ["Milk", "Minced Beef"]
    assert listed[1]["dateKind"] == "use_by"
    assert (listed[1]["quantity"], listed[1]["unit"]) == ("0.5", "kg")
    table = useby("product", "list", "--user", EMAIL).out.splitlines()
    assert table[2].split() == ["2126-03-04", "Minced", "Beef", "fresh", "0.5", "kg", "fridge"]
    assert useby("product", "list", "--user", EMAIL, "--within", "7", "--json").out == "[]\n"


def test_a_list_of_many_products_is_whole(useby: Useby, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("useby.cli.product.PAGE", 2)
    for number in range(5):
        useby("product", "add", f"Milk {number}", "2126-03-04", "--user", EMAIL)
    assert len(json.loads(useby("product", "list", "--user", EMAIL, "--json").out)) == 5


@pytest.mark.parametrize(("word", "days"), [("today", 0), ("tomorrow", 1)])
def test_a_near_date_may_be_a_word_and_is_counted_in_the_owners_zone(
    useby: Useby, monkeypatch: pytest.MonkeyPatch, word: str, days: int
) -> None:
    useby("user", "add", "bob@example.org", "--time-zone", "Pacific/Kiritimati")  # 14 h ahead
    evening = datetime(2026, 3, 4, 20, tzinfo=UTC)
    clock = type("Clock", (datetime,), {"now": classmethod(lambda _, zone: evening)})
    monkeypatch.setattr(product, "datetime", clock)
    result = useby("product", "add", "Milk", word, "--user", "bob@example.org")
    due = "due now: a running node sends it at once"
    assert result.out == f"Milk was added; its first alert is {due}\n"
    (milk,) = json.loads(useby("product", "list", "--user", "bob@example.org", "--json").out)
    assert milk["expiryDate"] == f"2026-03-0{5 + days}"


@pytest.mark.parametrize("words", [["Milk", "yesterday"], ["", "2126-03-04"]])
def test_a_product_that_is_not_valid_is_one_line(useby: Useby, words: list[str]) -> None:
    result = useby("product", "add", *words, "--user", EMAIL)
    assert (result.status, result.out) == (2, "")
    assert result.err.count("\n") == 1


def test_an_import_in_several_transactions_sends_one_summary(
    useby: Useby, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product, "SLICE", 2)
    (folder / "fridge.csv").write_text(GOOD)
    useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert [each.message for each in _notifications()] == ["3 products were added"]
    (folder / "fridge.csv").write_text(GOOD.replace("Butter", "Salted Butter"))
    result = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert result.out == "0 products added, 1 changed, 2 unchanged\n"
    assert len(_notifications()) == 1


def test_an_import_that_fails_midway_names_the_last_row_that_it_stored(
    useby: Useby, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product, "SLICE", 1)
    upsert: Callable[..., Any] = inventory.upsert_many

    def failing(transaction: Transaction, wanted: Sequence[Product], *rest: Any) -> Any:
        if wanted[0].name == "Ibuprofen":
            raise StoreUnavailable("the disk is full")
        return upsert(transaction, wanted, *rest)

    (folder / "fridge.csv").write_text(GOOD)
    with monkeypatch.context() as patch:
        patch.setattr(inventory, "upsert_many", failing)
        result = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert (result.status, result.out) == (1, "")
    assert result.err.splitlines() == [
        "only the rows up to line 3 were imported",
        "useby: the database can't be used: the disk is full",
    ]
    assert set(_products()) == {"Organic Milk", "Butter"}
    again = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert again.out == "1 product added, 0 changed, 2 unchanged\n"


def test_a_product_may_never_expire(useby: Useby) -> None:
    result = useby("product", "add", "Honey", "never", "--user", EMAIL)
    assert (result.err, result.out) == ("", "Honey was added; it never expires\n")
    table = useby("product", "list", "--user", EMAIL).out.splitlines()
    assert table[1].split() == ["never", "Honey", "fresh", "1"]
