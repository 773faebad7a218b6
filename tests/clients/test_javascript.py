"""The JavaScript client's own suite, types and size, and mutants that its suite must notice."""

import gzip
import os
import re
import shutil
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

import pytest
from tests.support.process_node import Record
from tests.support.time_limits import HANG_TIMEOUT

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "clients" / "js"
PAGE: Final = Path("docs", "reference", "clients.md")
LIMIT: Final = 5 * 1024
"""Bytes of all modules together, minified and compressed."""
MODULES: Final = sorted(
    str(path.relative_to(PACKAGE))
    for path in (PACKAGE / "client.js", *(PACKAGE / "client").glob("*.js"))
)
MINIFIES: Final = """
import { readFileSync } from "node:fs";
import { minify } from "terser";
const options = { module: true, ecma: 2022, compress: { ecma: 2022, sequences: false } };
for (const module of process.argv.slice(1)) {
  console.log((await minify(readFileSync(module, "utf8"), options)).code);
}
"""
"""Script that prints the modules it is given, minified."""
SUITES: Final = sorted(each.name for each in (PACKAGE / "test").glob("*.test.js"))
TESTS: Final = 100
"""So many tests the suite has at least; fewer means that node has not run them."""

MUTANTS: Final = {
    "the backoff has no maximum": (
        "client/reconnector.js",
        "Math.min(timing.backoffMax, timing.backoffBase * 2 ** failures)",
        "(timing.backoffBase * 2 ** failures)",
        "reconnector",
    ),
    "the backoff has no jitter": (
        "client/reconnector.js",
        "random() * Math.min",
        "Math.min",
        "reconnector",
    ),
    "any connection resets the backoff": (
        "client/reconnector.js",
        "now() - connection.since >= this.#settings.timing.stableAfter",
        "connection.since",
        "reconnector",
    ),
    "no pong is missed": (
        "client/connection.js",
        "if (this.#pongs.includes(onPong))",
        "if (!this.#pongs.includes(onPong))",
        "connection",
    ),
    "a notification that comes again is delivered again": (
        "client/inbox.js",
        " || this.#seen.has(id)",
        "",
        "inbox",
    ),
    "what did not fit is skipped": (
        "client/inbox.js",
        "if (this.dropped || this",
        "if (this",
        "inbox",
    ),
    "unread notifications are requested instead of newer ones": (
        "client/inbox.js",
        "this.newest = id;",
        "",
        "inbox",
    ),
    "marks are forgotten when they are sent": (
        "client/marks.js",
        "this.#batch = [...this.ids];",
        "this.#batch = [...this.ids]; this.ids.clear();",
        "marks",
    ),
    "any pong confirms": (
        "client/connection.js",
        "this.#pongs.shift()",
        "this.#pongs.pop()",
        "marks",
    ),
    "expired tokens are replaced without end": (
        "client/reconnector.js",
        "|| this.#tokenExpired;",
        ";",
        "token",
    ),
    "the same token is sent again": (
        "client/reconnector.js",
        "|| token == connection.token",
        "",
        "token",
    ),
    "a wrong clock is believed": (
        "client/token.js",
        "!(left > 0 && left <= whole)",
        "false",
        "token",
    ),
    "an end that is over makes a new connection": (
        "client/reconnector.js",
        "!extended && left > 0",
        "!extended",
        "token",
    ),
    "the time of a Retry-After is passed over": (
        "client/reconnector.js",
        "if (first) this.#earliest",
        "if (false) this.#earliest",
        "reconnector",
    ),
    "notifications read long ago are delivered": (
        "client/inbox.js",
        "if (readAt && seq <= this.replayBaseline)",
        "if (false)",
        "inbox",
    ),
    "closing waits without end": ("client.js", "late || condition()", "condition()", "ending"),
    "the unread count of the greeting is lost": (
        "client.js",
        'if (typeof unread == "number")',
        "if (false)",
        "events",
    ),
}


def node(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Node on the package in ``folder``."""
    assert shutil.which("node"), "Node.js is missing: run `make test`"
    return subprocess.run(
        ["node", *arguments],
        cwd=folder,
        env=os.environ | {"NODE_OPTIONS": "--test-reporter=tap"},  # Node.js 24 prints specs
        capture_output=True,
        text=True,
        timeout=HANG_TIMEOUT,
        check=False,
    )


def tool(name: str, *arguments: str) -> str:
    """Run a tool of the package's development; what it printed."""
    program = PACKAGE / "node_modules" / ".bin" / name
    assert program.exists(), f"{name} is not installed: run `make test`, or npm ci in clients/js"
    done = subprocess.run(
        [program, *arguments],
        cwd=PACKAGE,
        capture_output=True,
        text=True,
        timeout=HANG_TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_suite_passes_under_node(record_property: Record) -> None:
    done = node(PACKAGE, "--test", *(f"test/{each}" for each in SUITES))
    assert done.returncode == 0, done.stdout
    count = {
        name: int(number)
        for name, number in re.findall(r"^# (\w+) (\d+)$", done.stdout, re.MULTILINE)
    }
    record_property("node", f"{count['pass']} of {count['tests']} tests passed")
    assert count["pass"] == count["tests"] >= TESTS, done.stdout


@pytest.mark.parametrize("name", MUTANTS)
def test_the_suite_fails_for_a_mutant(name: str, tmp_path: Path) -> None:
    file, right, wrong, suite = MUTANTS[name]
    package = tmp_path / PACKAGE.relative_to(ROOT)
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("node_modules"))
    (tmp_path / PAGE).parent.mkdir(parents=True)
    shutil.copy(ROOT / PAGE, tmp_path / PAGE)
    module = package / file
    source = module.read_text()
    assert source.count(right) == 1
    module.write_text(source.replace(right, wrong))
    done = node(package, f"test/{suite}.test.js")
    assert re.search(r"^# fail [1-9]", done.stdout, re.MULTILINE), done.stdout + done.stderr


def test_every_type_is_known() -> None:
    tool("type-coverage", "--project", ".", "--strict", "--at-least", "100")


def test_every_type_is_right_and_the_shipped_types_are_those_of_the_modules(tmp_path: Path) -> None:
    options = ("--noEmit", "false", "--declaration", "--emitDeclarationOnly")
    tool("tsc", "--project", ".", *options, "--outDir", str(tmp_path))
    assert declarations(tmp_path) == declarations(PACKAGE / "types"), (
        "run `npm run types` in clients/js"
    )


def declarations(folder: Path) -> dict[str, str]:
    """Each type declaration below a folder, by its path there."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.d.ts")}


def test_the_client_is_no_larger_than_five_kibibytes(record_property: Record) -> None:
    """All modules as one text, imports and exports included: a bundle of them is smaller."""
    minified = node(PACKAGE, "--input-type=module", "--eval", MINIFIES, *MODULES)
    assert minified.returncode == 0, minified.stderr
    size = len(gzip.compress(minified.stdout.encode(), mtime=0))
    record_property("bytes of all modules, minified and compressed", size)
    assert 2000 < size <= LIMIT


def imports(module: str) -> set[str]:
    """Modules that one imports, by their paths in the package."""
    source = re.sub(r"/\*.*?\*/", "", (PACKAGE / module).read_text(), flags=re.DOTALL)
    assert not re.search(r"\bimport\(|\brequire\(", source)
    return {
        os.path.normpath(Path(module).parent / name)
        for name in re.findall(r'^(?:import|export) .*?\bfrom "([^"]+)";$', source, re.MULTILINE)
    }


def test_the_package_has_no_dependency_and_no_unused_module() -> None:
    reached = {"client.js"}
    while new := {name for module in reached for name in imports(module)} - reached:
        reached |= new
    assert reached == set(MODULES)


def test_each_module_has_tests_of_its_name() -> None:
    assert {f"{Path(module).stem}.test.js" for module in MODULES} <= set(SUITES)


def test_no_modules_import_each_other_in_a_circle() -> None:
    TopologicalSorter({module: imports(module) for module in MODULES}).prepare()
