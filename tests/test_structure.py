"""The shape of the code: imports, lengths, a test file for each module, names of tests."""

import ast
import re
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
LONGER_FILES: dict[str, int] = {}
"""Files that are still to be split, with the length that they must not pass."""
LONGER_FUNCTIONS = {
    "useby.store.migrations.versions.0001_first_tables.upgrade": 163,
}
"""Functions that are still to be split, with the length that they must not pass."""

RIDDLE = re.compile(
    r"test_(what|who|it|its|all|one|nothing|nobody|anything|everything|others|how)(ever|s)?_"
)
"""Beginning of a test's name that has no subject of its own."""
DIALECT = re.compile(
    r"_(sa(id|ys?)|told|tells?|hears?|heard|spoken|anew|besides|who(m)?ever|meanwhile)(_|$)"
)
"""Words of a test's name that do not state what the program does."""
COVERS = re.compile(r"^covers: (.+)$", re.MULTILINE)


def modules() -> dict[str, Path]:
    """Each module of the server, the client and the bench, by its dotted name."""
    found = {}
    for top in (ROOT / "src" / "useby", ROOT / "bench"):
        for path in top.rglob("*.py"):
            parts = path.relative_to(top.parent).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
FILES = sorted(
    (
        *MODULES.values(),
        *(ROOT / "tests").rglob("*.py"),
        *(ROOT / "examples").rglob("*.py"),
        *(ROOT / "clients" / "js").glob("*.js"),
        *(ROOT / "clients" / "js" / "client").glob("*.js"),
        *(ROOT / "src" / "useby" / "web").rglob("*.js"),
        *(ROOT / "src" / "useby" / "web").rglob("*.css"),
        *(ROOT / "tests" / "web" / "unit").glob("*.js"),
    ),
)
NOT_OURS = {"node_modules", "vendor"}
FILES = [path for path in FILES if not NOT_OURS & {*path.parts} and not path.is_symlink()]


def imports_of(tree: ast.Module, known: dict[str, Path]) -> Iterator[str]:
    """Modules that one imports anywhere: at its top, in a function, or for types only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [
                within if (within := f"{node.module}.{alias.name}") in known else node.module
                for alias in node.names
            ]
        else:
            continue
        yield from (name for name in names if name in known)


def import_graph(known: dict[str, Path]) -> dict[str, set[str]]:
    return {
        name: set(imports_of(ast.parse(path.read_text()), known)) - {name}
        for name, path in known.items()
    }


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """One circle of imports, as a path that ends where it begins; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return []


def long_functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield node.name, length


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle_in(import_graph(MODULES)) == []


def test_the_circle_finder_finds_a_circle_of_lazy_and_type_only_imports(tmp_path: Path) -> None:
    texts = {
        "one": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import two\n",
        "two": "def f():\n    from three import g\n",
        "three": "import one\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)

    circle = circle_in(import_graph({name: tmp_path / f"{name}.py" for name in texts}))

    assert set(circle) == set(texts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_has_no_more_lines_than_one_idea_takes(path: Path) -> None:
    limit = LONGER_FILES.get(str(path.relative_to(ROOT)), MAX_FILE_LINES)
    assert len(path.read_text().splitlines()) <= limit


def test_functions_are_short() -> None:
    found = {
        f"{name}.{function}": lines
        for name, path in MODULES.items()
        for function, lines in long_functions(ast.parse(path.read_text()))
    }
    assert {
        name: found[name] for name in found if found[name] > LONGER_FUNCTIONS.get(name, 0)
    } == {}


def test_an_exception_is_removed_once_it_is_short() -> None:
    long = {
        f"{name}.{function}"
        for name, path in MODULES.items()
        for function, _ in long_functions(ast.parse(path.read_text()))
    }
    assert LONGER_FUNCTIONS.keys() <= long
    assert [
        path
        for path in LONGER_FILES
        if len((ROOT / path).read_text().splitlines()) <= MAX_FILE_LINES
    ] == []


def files_of_tests() -> list[Path]:
    found = (ROOT / "tests").rglob("test_*.py")
    return sorted(path for path in found if "node_modules" not in path.parts)


def covered_modules() -> set[str]:
    """Modules that a test file is called after, or names in a line of its docstring."""
    covered = set()
    for path in files_of_tests():
        folder = path.relative_to(ROOT / "tests").parent.parts
        covered.add(".".join(("useby", *folder, path.stem.removeprefix("test_"))))
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
        for line in COVERS.findall(text):
            covered.update(name.strip() for name in line.split(","))
    return covered


def test_each_module_has_a_test_file() -> None:
    needed = {
        name
        for name, path in MODULES.items()
        if name.startswith("useby.") and path.stem not in {"__init__", "__main__"}
        if not name.startswith("useby.store.migrations.")
    }

    assert sorted(needed - covered_modules()) == [], (
        "call a test file after the module, or add a line `covers: useby.package.module` to the"
        " docstring of the file that tests it"
    )


def test_a_covers_line_names_a_module_that_exists() -> None:
    named = {
        name.strip()
        for path in files_of_tests()
        for line in COVERS.findall(ast.get_docstring(ast.parse(path.read_text())) or "")
        for name in line.split(",")
    }

    assert named - MODULES.keys() == set()


def test_the_name_of_a_test_has_a_subject_and_plain_words() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in files_of_tests()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.name.startswith("test_")
        if RIDDLE.match(node.name) or DIALECT.search(node.name)
    ]

    assert found == []


def test_the_bench_takes_nothing_of_the_tests_by_a_path() -> None:
    tricks = re.compile(r"sys\.path\.|spec_from_file_location|PYTHONPATH")
    found = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "bench").rglob("*.py")
        if tricks.search(path.read_text())
    ]

    assert found == []


def test_mypy_checks_the_tests_as_it_checks_the_sources() -> None:
    mypy = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    assert (mypy["strict"], mypy["packages"]) == (True, ["useby", "bench", "tests"])
    settings = {name for override in mypy["overrides"] for name in override}
    assert settings == {"module", "ignore_missing_imports"}, "no module is exempt"
