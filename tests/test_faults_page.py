"""The page of faults has a row for each file of `tests/faults`."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "faults.md"


def row_of(path: Path) -> str:
    """The row of a file: its number, the fault, and the file."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    line = text.splitlines()[0].replace("``", "`")
    number, fault = re.fullmatch(r"(?:(F\d\d)(?: on PostgreSQL)?: )?(.+)", line, re.ASCII).groups()  # type: ignore[union-attr]
    return f"| {number or ''} | {fault[0].upper()}{fault[1:]} | `{path.relative_to(ROOT)}` |"


def test_the_page_of_faults_has_a_row_for_each_file_of_tests() -> None:
    page = PAGE.read_text().splitlines()
    files = sorted((ROOT / "tests" / "faults").glob("test_*.py"))

    assert [row for row in map(row_of, files) if row not in page] == []


def test_each_file_that_the_page_of_faults_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/.-]+)`", PAGE.read_text())

    assert [path for path in named if not (ROOT / path).exists()] == []
