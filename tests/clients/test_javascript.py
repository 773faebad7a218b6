"""The JavaScript client's own suite, types and size, and whether that suite sees a wrong line."""

import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from tests.support.process_node import Record
from tests.support.time_limits import HANG_TIMEOUT

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "clients" / "js"
PAGE: Final = Path("docs", "reference", "clients.md")
LIMIT: Final = 5 * 1024
"""Bytes, minified and compressed."""
SUITES: Final = sorted(each.name for each in (PACKAGE / "test").glob("*.test.js"))
TESTS: Final = 100
"""So many tests the suite has at least; fewer means that node has not run them."""

MUTANTS: Final = {
    "the backoff has no cap": (
        "Math.min(cap, base * 2 ** tries)",
        "(base * 2 ** tries)",
        "coming-back",
    ),
    "the backoff has no jitter": ("this.#options.random() * Math.min", "Math.min", "coming-back"),
    "any connection resets the backoff": (
        "now() - line.since >= this.#timing.stable",
        "line.since",
        "coming-back",
    ),
    "no pong is missed": ("if (line.pongs < ping)", "if (line.pongs > ping)", "coming-back"),
    "what comes again is handed over again": ("|| this.#seen.has(id)", "", "handing"),
    "what did not fit is skipped": ("if (this.#missed || this", "if (this", "handing"),
    "what is unread is asked for instead of what is newer": (
        "this.#received = id;",
        "",
        "handing",
    ),
    "marks are forgotten when they are sent": (
        "line.lot = [...this.#marks]",
        "line.lot = [...this.#marks]; this.#marks.clear(); line.lot",
        "marks",
    ),
    "any pong settles": ("line.pongs == line.settles", "line.pongs", "marks"),
    "expired tokens are replaced without end": ("|| this.#replacing;", ";", "tokens"),
    "the same token is sent again": ("|| token == line.token", "", "tokens"),
    "a wrong clock is believed": ("!(left > 0 && left <= whole)", "false", "tokens"),
    "an end that is over makes a new connection": ("!extended && left > 0", "!extended", "tokens"),
    "a time that was asked for is passed over": (
        "if (first) this.#earliest",
        "if (false) this.#earliest",
        "coming-back",
    ),
    "what was read long ago is handed over": (
        "if (readAt && said.seq <= this.#begun)",
        "if (false)",
        "handing",
    ),
    "closing waits without end": ("late || condition()", "condition()", "ending"),
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
def test_the_suite_sees_that(name: str, tmp_path: Path) -> None:
    right, wrong, suite = MUTANTS[name]
    package = tmp_path / PACKAGE.relative_to(ROOT)
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("node_modules"))
    (tmp_path / PAGE).parent.mkdir(parents=True)
    shutil.copy(ROOT / PAGE, tmp_path / PAGE)
    module = package / "client.js"
    source = module.read_text()
    assert source.count(right) == 1
    module.write_text(source.replace(right, wrong))
    done = node(package, f"test/{suite}.test.js")
    assert re.search(r"^# fail [1-9]", done.stdout, re.MULTILINE), done.stdout + done.stderr


def test_every_type_is_known() -> None:
    tool("type-coverage", "--project", ".", "--strict", "--at-least", "100")


def test_every_type_is_right_and_those_that_are_shipped_are_the_modules(tmp_path: Path) -> None:
    options = ("--noEmit", "false", "--declaration", "--emitDeclarationOnly")
    tool("tsc", "--project", ".", *options, "--outDir", str(tmp_path))
    made = (tmp_path / "client.d.ts").read_text()
    assert made == (PACKAGE / "client.d.ts").read_text(), "run `npm run types` in clients/js"


def test_the_client_is_no_larger_than_five_kibibytes(record_property: Record) -> None:
    options = ("--module", "--mangle", "--ecma", "2022", "--compress", "ecma=2022,sequences=false")
    minified = tool("terser", "client.js", *options)
    size = len(gzip.compress(minified.encode(), mtime=0))
    record_property("bytes, minified and compressed", size)
    assert 2000 < size <= LIMIT


def test_it_depends_on_nothing() -> None:
    source = (PACKAGE / "client.js").read_text()
    assert not re.search(r"^\s*import\b|\bimport\(|\brequire\(", source, re.MULTILINE)
