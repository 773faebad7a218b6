"""The page that leads newcomers through the house points at things that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text()
POINTERS = sorted(set(re.findall(r"`(src/[\w/]+\.py)::([\w.]+)`", PAGE)))


def test_the_page_points_at_both_journeys() -> None:
    assert len(POINTERS) > 10


@pytest.mark.parametrize(("path", "symbol"), POINTERS)
def test_every_pointer_of_the_page_leads_somewhere(path: str, symbol: str) -> None:
    body: list[ast.stmt] = ast.parse((ROOT / path).read_text()).body
    for name in symbol.split("."):
        found = [
            node
            for node in body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and node.name == name
        ]
        assert found, f"{path} has no {symbol}"
        body = found[0].body


def test_every_run_time_dependency_has_its_line() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    listed = re.search(r"^dependencies = \[(.*?)^\]", project, re.DOTALL | re.MULTILINE)
    assert listed
    names = re.findall(r'"([a-z][\w-]*)', listed.group(1))
    page = (ROOT / "docs" / "dependencies.md").read_text()
    assert [name for name in names if name not in page] == []
