"""``api``, ``cli`` and ``scheduler`` change the database through actions only.

covers: useby.actions
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "useby"
CALLERS = ("api", "cli", "scheduler")
UPKEEP = {
    "useby.store.idempotency.once": "receipts of requests, around the work of an action",
    "useby.store.catalogue.put": "names of products, which an operator loads",
    "useby.store.retention.delete_read": "notifications that were read long ago",
    "useby.store.slices.do_slice": "the rest of a write that an action has begun",
}
"""Writing functions of the store that are nobody's use case, with what they write."""


def writing_functions() -> set[str]:
    """Functions of the store that take the running write."""
    return {
        f"useby.store.{path.stem}.{node.name}"
        for path in (SOURCE / "store").glob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(
            isinstance(each.annotation, ast.Name) and each.annotation.id == "Transaction"
            for each in node.args.args
        )
    }


def names_used(tree: ast.Module) -> Iterator[str]:
    """Dotted names that a module imports, and those of the modules' attributes that it uses."""
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{modules.get(node.value.id, '')}.{node.attr}"


@pytest.mark.parametrize("package", CALLERS)
def test_a_caller_writes_through_actions_only(package: str) -> None:
    writing = writing_functions() - UPKEEP.keys()
    found = {
        f"{path.relative_to(SOURCE)}: {name}"
        for path in (SOURCE / package).rglob("*.py")
        for name in set(names_used(ast.parse(path.read_text()))) & writing
    }
    assert found == set()


def test_the_upkeep_that_callers_do_is_still_there() -> None:
    assert UPKEEP.keys() <= writing_functions()


def test_the_check_finds_a_write_by_module_and_by_name() -> None:
    tree = ast.parse(
        "from useby.store import accounts as users\n"
        "from useby.store.marks import mark_read\n"
        "work = lambda t: users.disable_user(t, 'u', disabled=True)\n"
    )

    assert set(names_used(tree)) & writing_functions() == {
        "useby.store.accounts.disable_user",
        "useby.store.marks.mark_read",
    }
