"""The shape of the code: imports, lengths, a test file for each module, names of tests."""

import ast
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
LONGER_FILES: dict[str, int] = {}
"""Files that are still to be split, with the length that they must not pass."""
MIGRATIONS = "useby.store.migrations.versions."
"""Modules whose functions may be long: a migration is a list of statements that never changes."""

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


@dataclass(frozen=True)
class Shape:
    """Parts of a module that the tests look at."""

    docstring: str
    classes: tuple[str, ...]
    """Those of the module itself, not within another class or function."""
    functions: tuple[tuple[str, int], ...]
    """All functions and methods, each with its number of lines."""
    imports: tuple[tuple[str, str], ...]
    """Modules, each with a name that is imported of it, or with an empty one."""


@cache
def shape_of(path: Path) -> Shape:
    """Parse a module, once for all tests."""
    tree = ast.parse(path.read_text())
    functions, imports = [], []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.append((node.name, (node.end_lineno or node.lineno) - node.lineno + 1))
        elif isinstance(node, ast.Import):
            imports += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports += [(node.module, alias.name) for alias in node.names]
    classes = tuple(node.name for node in tree.body if isinstance(node, ast.ClassDef))
    return Shape(ast.get_docstring(tree) or "", classes, tuple(functions), tuple(imports))


def import_graph(known: dict[str, Path]) -> dict[str, set[str]]:
    """Modules that each one imports anywhere: at its top, in a function, or for types only."""
    graph = {}
    for module, path in known.items():
        imports = shape_of(path).imports
        names = {within if (within := f"{of}.{name}") in known else of for of, name in imports}
        graph[module] = names & known.keys() - {module}
    return graph


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """One circle of imports, as a path that ends where it begins; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return []


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


def packages() -> set[str]:
    """Each package and module of the server and the client, directly below ``useby``."""
    found = (ROOT / "src" / "useby").iterdir()
    names = {path.stem for path in found if path.suffix == ".py" or (path / "__init__.py").exists()}
    return {f"useby.{name}" for name in names - {"__init__", "__main__"}}


def contract(name: str) -> dict[str, list[str]]:
    """One contract of import-linter, by the beginning of its name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = project["tool"]["importlinter"]["contracts"]
    one: dict[str, list[str]] = next(each for each in found if each["name"].startswith(name))
    return one


def test_each_package_has_its_floor() -> None:
    floors = contract("A package imports only")["layers"]
    named = {name for floor in floors for name in floor.split(" | ")}

    assert named == packages() - {"useby.client"}


@pytest.mark.parametrize(
    ("name", "key", "left_out"),
    [
        ("The client stands apart", "forbidden_modules", {"useby.client"}),
        ("Only the command line uses the client", "source_modules", {"useby.cli", "useby.client"}),
        ("SQL stands in the store only", "source_modules", {"useby.store", "useby.client"}),
    ],
)
def test_an_import_contract_names_every_package_but_those_it_allows(
    name: str, key: str, left_out: set[str]
) -> None:
    assert set(contract(name)[key]) == packages() - left_out


def test_a_file_has_no_more_lines_than_one_idea_takes() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in FILES}
    longer = {
        name: count
        for name, count in lines.items()
        if count > LONGER_FILES.get(name, MAX_FILE_LINES)
    }
    assert longer == {}


def test_functions_are_short() -> None:
    migrations = {path for name, path in MODULES.items() if name.startswith(MIGRATIONS)}
    found = {
        f"{path.relative_to(ROOT)}: {function}": lines
        for path in FILES
        if path.suffix == ".py" and path not in migrations
        for function, lines in shape_of(path).functions
        if lines > MAX_FUNCTION_LINES
    }
    assert found == {}


def test_a_class_of_the_server_has_a_name_of_its_own() -> None:
    modules: dict[str, set[str]] = {}
    for name, path in MODULES.items():
        if not name.startswith(("useby.client", "useby.schemas", "bench")):
            for each in shape_of(path).classes:
                modules.setdefault(each, set()).add(name)

    shared = {name: sorted(where) for name, where in modules.items() if len(where) > 1}
    assert shared == {}, "one word has one meaning; JSON and the client have those of the domain"


def test_an_exception_is_removed_once_it_is_short() -> None:
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
        for line in COVERS.findall(shape_of(path).docstring):
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
        for line in COVERS.findall(shape_of(path).docstring)
        for name in line.split(",")
    }

    assert named - MODULES.keys() == set()


def test_the_name_of_a_test_has_a_subject_and_plain_words() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files_of_tests()
        for name, _ in shape_of(path).functions
        if name.startswith("test_") and (RIDDLE.match(name) or DIALECT.search(name))
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
