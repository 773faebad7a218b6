"""Each promise of docs/reference/guarantees.md names the tests that check it, and they exist."""

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "reference" / "guarantees.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "tested by" not in line]
POINTERS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


def test_the_page_has_promises() -> None:
    assert len(ROWS) > 20
    assert len(POINTERS) > 30


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2:60])
def test_every_promise_names_a_test(row: str) -> None:
    promise, tested_by = row.strip("| ").split(" | ")
    assert promise.endswith((".", ")"))
    assert re.fullmatch(r"`[^`]+`(, `[^`]+`)*", tested_by)


@functools.cache
def tree_of(path: str) -> ast.Module:
    """Parse a file of tests, many of which are named more than once."""
    return ast.parse((ROOT / path).read_text())


@pytest.mark.parametrize(("path", "name"), POINTERS)
def test_every_named_test_exists_and_is_not_skipped(path: str, name: str) -> None:
    """A pointer names a test function, or a class whose rules Hypothesis runs."""
    body = tree_of(path).body
    found = [
        node
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.name == name
    ]
    assert found, f"{path} has no {name}"
    if isinstance(found[0], ast.ClassDef):
        assert [ast.unparse(base) for base in found[0].bases] == ["RuleBasedStateMachine"]
    else:
        assert name.startswith("test_")
    assert "skip" not in "".join(ast.unparse(each) for each in found[0].decorator_list)
