"""Importing products from a file."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy.engine import Connection
from tests.support.cli_result import Useby

from useby.actions import imports
from useby.actions.import_rows import ImportedRow
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
def ada(useby: Useby, database_file: Path) -> None:
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


@pytest.mark.parametrize("date", ["2126-W51-3", "2126-350"])
def test_a_date_of_another_calendar_is_refused_in_our_words(
    useby: Useby, folder: Path, date: str
) -> None:
    (folder / "fridge.csv").write_text(f"name,expiryDate\nMilk,{date}\n")
    result = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert result.err.startswith("fridge.csv:2: expiryDate: must be ")
    assert "e.g. 2099-03-04" in result.err.splitlines()[0]
    assert _products() == {}


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


def test_an_import_in_several_transactions_sends_one_summary(
    useby: Useby, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "SLICE", 2)
    (folder / "fridge.csv").write_text(GOOD)
    useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert [each.message for each in _notifications()] == ["3 products were added"]
    (folder / "fridge.csv").write_text(GOOD.replace("Butter", "Salted Butter"))
    result = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert result.out == "0 products added, 1 changed, 2 unchanged\n"
    assert len(_notifications()) == 1


def test_an_import_that_fails_midway_names_the_last_row_that_it_stored_and_repeated_stores_the_rest(
    useby: Useby, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "SLICE", 1)
    store: Callable[..., Any] = imports.store_slice

    def failing(transaction: Transaction, rows: Sequence[ImportedRow], **rest: Any) -> Any:
        if rows[0].product.name == "Ibuprofen":
            raise StoreUnavailable("the disk is full")
        return store(transaction, rows, **rest)

    (folder / "fridge.csv").write_text(GOOD)
    with monkeypatch.context() as patch:
        patch.setattr(imports, "store_slice", failing)
        result = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert (result.status, result.out) == (1, "")
    assert result.err.splitlines() == [
        "only the rows up to line 3 were imported; repeat the import for the rest",
        "useby: the database can't be used: the disk is full",
    ]
    assert set(_products()) == {"Organic Milk", "Butter"}
    again = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert again.out == "1 product added, 0 changed, 2 unchanged\n"


def test_the_encoding_the_separator_and_the_columns_are_printed(useby: Useby, folder: Path) -> None:
    text = "Artikel;MHD;Menge;Farbe\nKäse;31.12.2126;0,5;gelb\n"
    (folder / "fridge.csv").write_bytes(text.encode("cp1252"))
    result = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert (result.status, result.err) == (0, "")
    table = [line.split() for line in result.out.splitlines()]
    assert ["encoding", "cp1252"] in table
    assert ["separator", ";"] in table
    assert ["dateOrder", "dmy", "(line", "2)"] in table
    assert ["Artikel", "name"] in table
    assert ["Farbe", "left", "out"] in table
    assert result.out.splitlines()[-1] == "1 product added, 0 changed, 0 unchanged"


def test_the_report_has_the_keys_of_the_contract(useby: Useby, folder: Path) -> None:
    (folder / "fridge.csv").write_text("name;mhd;colour\nMilk;04/03/2126;1\n")
    words = ["product", "import", "fridge.csv", "--user", EMAIL, "--json"]
    result = useby(*words)
    assert result.status == 1
    report = json.loads(result.out)
    assert (report["format"], report["encoding"], report["separator"]) == ("csv", "utf-8", ";")
    assert (report["dateOrder"], report["dateOrderLine"]) == (None, None)
    assert report["columns"] == {"name": "name", "mhd": "expiryDate", "colour": None}
    (bad,) = report["bad"]
    assert (bad["line"], bad["column"], bad["value"]) == (2, "expiryDate", "04/03/2126")
    report = json.loads(useby(*words, "--order", "dmy").out)
    assert (report["dateOrder"], report["added"], report["bad"]) == ("dmy", 1, [])


def test_a_fault_of_the_whole_file_has_no_line(useby: Useby, folder: Path) -> None:
    (folder / "fridge.csv").write_text("name,colour\nMilk,white\n")
    result = useby("product", "import", "fridge.csv", "--user", EMAIL, "--json")
    assert result.status == 1
    assert result.err.startswith("useby: fridge.csv: the column expiryDate is missing")
    assert [each["line"] for each in json.loads(result.out)["bad"]] == [None]


def test_a_map_names_a_column(useby: Useby, folder: Path) -> None:
    (folder / "fridge.csv").write_text("Was,Wann,Farbe\nMilk,2126-03-04,white\n")
    words = ["--map", "Was:name", "--map", "Wann:expiryDate", "--map", "Farbe:-"]
    result = useby("product", "import", "fridge.csv", "--user", EMAIL, *words)
    assert (result.status, result.err) == (0, "")
    assert set(_products()) == {"Milk"}


@pytest.mark.parametrize("choice", ["Was", ":name", "Was:colour", ""])
def test_a_map_of_another_form_is_refused(useby: Useby, folder: Path, choice: str) -> None:
    (folder / "fridge.csv").write_text(GOOD)
    result = useby("product", "import", "fridge.csv", "--user", EMAIL, "--map", choice)
    assert (result.status, result.out) == (2, "")
    assert "must be THEIRS:OURS, e.g. Artikel:name" in result.err


def test_a_file_without_external_ids_changes_nothing_the_second_time(
    useby: Useby, folder: Path
) -> None:
    text = "name,expiryDate,barcode\nMilk,2126-03-04,\nMilk,2126-03-04,\nTea,2126-03-04,x1\n"
    (folder / "fridge.csv").write_text(text)
    first = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert first.out == "3 lots added, 0 changed, 0 unchanged\n"
    second = useby("product", "import", "fridge.csv", "--user", EMAIL)
    assert second.out == "0 products added, 0 changed, 3 unchanged\n"


def test_the_table_names_how_numbers_and_dates_were_read(useby: Useby, folder: Path) -> None:
    (folder / "fridge.csv").write_text("name;mhd;menge\nMilk;46450;0,5\n")
    out = useby("product", "import", "fridge.csv", "--user", EMAIL).out
    assert "46450 is 2027-03-04" in " ".join(out.split())
    assert "0,5 is 0.5" in " ".join(out.split())
