"""Adding and listing products."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.cli_result import Useby

from useby.cli import product, product_add

EMAIL = "ada@example.org"


@pytest.fixture(autouse=True)
def ada(useby: Useby, database_file: Path) -> None:
    useby("user", "add", EMAIL)


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
    assert useby("product", "list", "--user", EMAIL, "--json").out == "[]\n"


def test_a_midnight_to_add_is_kept_with_a_warning(useby: Useby) -> None:
    result = useby("product", "add", "Jam", "2031-06-30T00:00:00Z", "--user", EMAIL)
    assert result.status == 0
    assert result.err.endswith("Send 2031-06-30 if it is good through that day.\n")


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
    assert table[1].startswith("2126-03-01 09:00  Milk ")
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
    for module in (product, product_add):
        monkeypatch.setattr(module, "datetime", clock)
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


def test_a_product_may_never_expire(useby: Useby) -> None:
    result = useby("product", "add", "Honey", "never", "--user", EMAIL)
    assert (result.err, result.out) == ("", "Honey was added; it never expires\n")
    table = useby("product", "list", "--user", EMAIL).out.splitlines()
    assert table[1].split() == ["never", "Honey", "fresh", "1"]
