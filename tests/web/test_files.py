"""The page's files: unit tests on Node.js, vendored libraries, sizes, and no inline code."""

import gzip
import hashlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.support.pages import FOLDER
from tests.support.process_node import Record

ROOT: Final = Path(__file__).parents[2]
UNIT_TESTS: Final = ROOT / "tests" / "web" / "unit"
FIRST_LOAD: Final = 120 * 1024
"""Maximum size of the compressed files of the first load, in bytes (the page's contract)."""
PATCHED: Final = {
    "hooks.js": (b'from"./preact.js"', b'from"preact"'),
    "zxing_reader.js": (b'from "./zxing_share.js"', b'from "../share.js"'),
}
"""The only changes of vendored files: the specifier of an import, and that of the package."""


def test_the_reducers_and_dates_pass_their_tests_under_node(record_property: Record) -> None:
    assert shutil.which("node"), "Node.js is missing: run `make test`"
    files = sorted(map(str, UNIT_TESTS.glob("*.test.js")))
    done = subprocess.run(["node", "--test", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    [passed] = re.findall(r"pass (\d+)", done.stdout)
    record_property("node", passed)
    assert int(passed) >= 20


def test_vendored_files_are_those_that_the_list_of_dependencies_names() -> None:
    listed = dict(
        re.findall(
            r"\| `vendor/([\w.]+)` \|.*\| `([0-9a-f]{64})` \|",
            (ROOT / "docs" / "dependencies.md").read_text(),
        )
    )
    vendored = {
        path.name: hashlib.sha256(
            path.read_bytes().replace(*PATCHED.get(path.name, (b"", b"")))
        ).hexdigest()
        for path in (FOLDER / "vendor").iterdir()
        if path.suffix in (".js", ".svg", ".wasm")
    }
    assert vendored == listed
    licences = {path.stem for path in (FOLDER / "vendor").glob("*.LICENSE")}
    assert licences == {"preact", "htm", "lucide", "zxing", "lean_qr"}


def test_the_first_load_is_at_most_120_kib_compressed(record_property: Record) -> None:
    index = (FOLDER / "index.html").read_text()
    paths = {*re.findall(r'(?:src|href)="web/([^"]+)"', index)} - {"styles.css"}
    files = [FOLDER / "index.html", *(FOLDER / each for each in paths)]
    bodies = [path.read_bytes() for path in files]
    bodies.append(b"".join(path.read_bytes() for path in FOLDER.glob("*.css")))
    size = sum(len(gzip.compress(body, 6)) for body in bodies)
    record_property("bytes", size)
    assert size <= FIRST_LOAD


def test_no_module_writes_markup_or_styles_as_text() -> None:
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\bstyle=|eval\("
    )
    found = [
        str(path.relative_to(FOLDER))
        for path in FOLDER.rglob("*.js")
        if path.parent.name != "vendor" and forbidden.search(path.read_text())
    ]
    assert found == []
    index = (FOLDER / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=", index)


def test_the_html_has_what_browsers_need_before_they_read_the_rest() -> None:
    index = (FOLDER / "index.html").read_text()
    assert index.startswith("<!doctype html>\n")  # no quirks mode
    assert '<html lang="en">' in index
    assert index.index('<meta charset="utf-8">') < 1024
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in index
    assert "<title>useby</title>" in index
