"""``useby catalogue load``."""

import gzip
import json
from pathlib import Path

from tests.support.cli_result import Useby

DUMP = "code\tproduct_name\tbrands\tquantity\n4012345678901\tTea\tBrand\t250 g\nbroken\n1\tx\t\t\n"
EMAIL = "ada@example.org"


def scanned(useby: Useby) -> tuple[str | None, str | None]:
    result = useby("scan", "4012345678901", "--user", EMAIL, "--json")
    found = json.loads(result.out)
    return found["name"], found["brand"]


def test_a_dump_is_loaded_with_a_summary_and_loading_again_updates(
    useby: Useby, folder: Path
) -> None:
    useby("user", "add", EMAIL)
    (folder / "dump.csv").write_text(DUMP)
    result = useby("catalogue", "load", "dump.csv")
    assert (result.status, result.err) == (0, "")
    assert result.out == (
        "products loaded: 1; broken lines skipped: 1; left out without a name or a GTIN: 1\n"
    )
    assert scanned(useby) == ("Tea", "Brand")

    (folder / "dump.csv.gz").write_bytes(gzip.compress(DUMP.replace("Tea", "Green tea").encode()))
    again = useby("catalogue", "load", "dump.csv.gz", "--json")
    assert json.loads(again.out) == {"loaded": 1, "broken": 1, "leftOut": 1}
    assert scanned(useby) == ("Green tea", "Brand")


def test_a_file_that_is_missing_or_no_dump_is_refused_in_one_line(
    useby: Useby, folder: Path
) -> None:
    useby("user", "add", EMAIL)
    assert useby("catalogue", "load", "missing.csv").status == 2
    (folder / "other.csv").write_text("name;code\n")
    result = useby("catalogue", "load", "other.csv")
    assert result.status == 1
    assert result.err.startswith("useby: other.csv: the first line has no column code")
