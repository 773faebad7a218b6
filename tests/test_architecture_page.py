"""Pages about the code name files, classes and functions that exist."""

import ast
import re
from pathlib import Path

import pytest

from useby.cli import COMMANDS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = (
    DOCS / "architecture.md",
    DOCS / "reference" / "glossary.md",
    *sorted((DOCS / "decisions").glob("*.md")),
)
DECISIONS = sorted(path.name for path in (DOCS / "decisions").glob("0*.md"))
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def pointers_of(page: Path) -> list[tuple[str, str]]:
    """Pointers of a page, as a file and a dotted name in it; the name may be empty."""
    pattern = r"`((?:src|tests|bench)/[\w/.-]*)(?:::([\w.]+))?`"
    return sorted(set(re.findall(pattern, page.read_text())))


POINTERS = [(page.stem, path, name) for page in PAGES for path, name in pointers_of(page)]


def test_the_architecture_page_points_at_both_journeys() -> None:
    page = DOCS / "architecture.md"
    assert len([name for _, name in pointers_of(page) if name]) > 10


def test_the_architecture_page_has_each_package_and_each_command() -> None:
    page = (DOCS / "architecture.md").read_text()
    floors = page.split("```")[1]
    rows = "\n".join(line for line in page.splitlines() if line.startswith("| `"))
    packages = {
        path.stem
        for path in (ROOT / "src" / "useby").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    } - {"__init__", "__main__"}

    assert {name for name in packages if not re.search(rf"\b{name}\b", floors)} == {"client"}
    assert {name for name in packages if f"`{name}`" not in rows} == set()
    assert {name for name in COMMANDS if f"`{name}`" not in rows} == set()


@pytest.mark.parametrize(("page", "path", "symbol"), POINTERS)
def test_a_pointer_names_a_file_and_a_symbol_that_exist(page: str, path: str, symbol: str) -> None:
    assert (ROOT / path).exists(), f"{page} names {path}"
    if not symbol:
        return
    body: list[ast.stmt] = ast.parse((ROOT / path).read_text()).body
    for name in symbol.split("."):
        definitions = [node for node in body if isinstance(node, Definition) and node.name == name]
        assert definitions, f"{page} names {path}::{symbol}"
        body = definitions[0].body


def test_every_decision_is_listed_and_has_the_four_parts() -> None:
    index = (DOCS / "decisions" / "README.md").read_text()
    listed = re.findall(r"^\| \[\d+\]\((\d{4}-[\w-]+\.md)\)", index, re.MULTILINE)
    assert listed == DECISIONS
    parts = (
        "**Context.**",
        "**Decision.**",
        "**Consequences.**",
        "**We would change our mind if**",
    )
    for name in DECISIONS:
        text = (DOCS / "decisions" / name).read_text()
        assert [part for part in parts if part not in text] == [], name


def test_every_run_time_dependency_has_its_line() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    listed = re.search(r"^dependencies = \[(.*?)^\]", project, re.DOTALL | re.MULTILINE)
    assert listed
    names = re.findall(r'"([a-z][\w-]*)', listed.group(1))
    page = (DOCS / "dependencies.md").read_text()
    assert [name for name in names if name not in page] == []
