"""Stock is exported by the command, under both of its names.

covers: useby.cli.import
"""

import json
from pathlib import Path

from tests.support.cli_result import Useby

EMAIL = "ada@example.org"


def test_an_export_is_imported_by_another_person_under_both_names_of_the_commands(
    useby: Useby, folder: Path
) -> None:
    useby("user", "add", EMAIL)
    useby("user", "add", "bob@example.org")
    useby("product", "add", "=1+1", "2126-03-04", "--user", EMAIL)
    for words in (("export",), ("product", "export")):
        result = useby(*words, "--user", EMAIL)
        assert result.status == 0
        assert [each["name"] for each in json.loads(result.out)["products"]] == ["=1+1"]
    written = useby("export", "stock.json", "--user", EMAIL)
    assert (written.status, written.err) == (0, "the stock was written to stock.json\n")
    first = useby("import", "stock.json", "--user", "bob@example.org")
    assert first.out.splitlines()[-1] == "1 product added, 0 changed, 0 unchanged"
    second = useby("product", "import", "stock.json", "--user", "bob@example.org")
    assert second.out.splitlines()[-1] == "0 products added, 0 changed, 1 unchanged"


def test_a_table_is_chosen_by_the_name_of_the_file_or_by_an_option(
    useby: Useby, folder: Path
) -> None:
    useby("user", "add", EMAIL)
    useby("product", "add", "=1+1", "2126-03-04", "--user", EMAIL)
    assert useby("export", "stock.xlsx", "--user", EMAIL).status == 0
    assert (folder / "stock.xlsx").read_bytes().startswith(b"PK")
    table = useby("export", "--format", "csv", "--user", EMAIL).out.splitlines()
    assert table[0].startswith("name,expiryDate,")
    assert table[1].startswith("'=1+1,2126-03-04,1,")
    unchanged = useby("import", "stock.xlsx", "--user", EMAIL)
    assert unchanged.out.splitlines()[-1] == "0 products added, 0 changed, 1 unchanged"


def test_an_existing_file_is_replaced_only_when_forced(useby: Useby, folder: Path) -> None:
    useby("user", "add", EMAIL)
    (folder / "stock.json").write_text("mine")
    refused = useby("export", "stock.json", "--user", EMAIL)
    assert (refused.status, refused.err) == (1, "useby: stock.json exists: --force replaces it\n")
    assert (folder / "stock.json").read_text() == "mine"
    assert useby("export", "stock.json", "--force", "--user", EMAIL).status == 0
    assert json.loads((folder / "stock.json").read_text())["products"] == []
    assert [each.name for each in folder.glob(".stock*")] == []


def test_a_name_without_a_known_ending_needs_a_format(useby: Useby, folder: Path) -> None:
    useby("user", "add", EMAIL)
    refused = useby("export", "stock.pdf", "--user", EMAIL)
    assert refused.status == 2
    assert "--format csv" in refused.err
    assert not (folder / "stock.pdf").exists()


def test_json_is_printed_as_other_commands_do(useby: Useby, folder: Path) -> None:
    useby("user", "add", EMAIL)
    printed = useby("export", "--json", "--user", EMAIL)
    assert (printed.status, json.loads(printed.out)["format"]) == (0, "useby")
    assert useby("export", "stock", "--json", "--user", EMAIL).status == 0
    assert json.loads((folder / "stock").read_text())["products"] == []
    refused = useby("export", "--json", "--format", "csv", "--user", EMAIL)
    assert refused.status == 2
    assert "--format json" in refused.err
