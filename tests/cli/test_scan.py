"""``useby scan`` reads as ``POST /api/scan`` does."""

import json
from pathlib import Path

import pytest
from tests.support.cli_result import Useby

EMAIL = "ada@example.org"
LINK = "https://id.gs1.org/01/04012345678901/10/A1?17=270200&3103=001250"


@pytest.fixture(autouse=True)
def ada(useby: Useby, database_file: Path) -> None:
    useby("user", "add", EMAIL)


def test_a_scan_is_printed_as_a_table_with_the_persons_product(useby: Useby) -> None:
    useby("product", "add", "Tea", "2126-03-04", "--user", EMAIL, "--barcode", "4012345678901")
    result = useby("scan", LINK, "--user", EMAIL)
    assert (result.status, result.err) == (0, "")
    assert [
        line.strip().split(maxsplit=1) for line in result.out.splitlines() if "by" not in line
    ] == [
        ["GTIN", "04012345678901"],
        ["name", "Tea"],
        ["product", "Tea, fresh, 2126-03-04"],
        ["lot", "A1"],
        ["quantity", "1.250 kg"],
    ]
    assert ["use", "by", "2027-02-28"] in [line.split() for line in result.out.splitlines()]


def test_a_scan_is_printed_as_json_with_all_keys(useby: Useby) -> None:
    result = useby("scan", LINK, "--user", EMAIL, "--json")
    found = json.loads(result.out)
    assert (found["gtin"], found["lotNumber"], found["product"]) == ("04012345678901", "A1", None)
    assert (found["printedDate"], found["quantity"], found["unit"]) == ("2027-02-28", "1.25", "kg")


def test_a_warning_of_a_scan_is_printed_on_stderr(useby: Useby) -> None:
    result = useby("scan", "4006381333930", "--user", EMAIL)
    assert result.status == 0
    assert "4006381333931 would be right" in result.err
    assert result.out.split() == ["GTIN", "none"]
    added = useby("product", "add", "Tea", "today", "--user", EMAIL, "--barcode", "4006381333930")
    assert added.status == 0
    assert "4006381333931 would be right" in added.err


def test_a_scan_that_is_too_long_is_a_wrong_argument(useby: Useby) -> None:
    result = useby("scan", "1" * 513, "--user", EMAIL)
    assert result.status == 2
    assert "TEXT" in result.err
