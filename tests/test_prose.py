"""Docstrings and comments are plain English, package by package.

The rules are in CONTRIBUTING.md. The limits of ``LIMITS`` may only fall.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SUPPORT = ROOT / "tests" / "support"
WH_WORDS = {
    *("what", "who", "whose", "whom", "whoever", "whether"),
    *("where", "how", "when", "why", "which"),
}
SAY = re.compile(
    r"\b(sa(id|ys?|ying)|told|tell(s|ing)?|hear(d|s|ing)?|spoke(n)?|speak(s|ing)?"
    r"|kn(own?|ows|ew|owing))\b",
    re.IGNORECASE,
)
OLD = re.compile(r"\b(anew|besides|whoever|whomever|meanwhile)\b", re.IGNORECASE)

MAX_WH_SHARE = 0.02
"""Share of a package's docstrings that may begin with a wh-word."""
MAX_SAY_PER_1000 = 1.5
"""Uses of say, tell, hear, know and speak in 1,000 words of docstrings and comments."""


@dataclass(frozen=True)
class Prose:
    """The docstrings and comments of one package."""

    docstrings: tuple[tuple[str, str], ...]
    """Each with the place it stands in."""
    comments: tuple[tuple[str, str], ...]

    @property
    def wh_openings(self) -> list[str]:
        return [
            f"{place}: {text.splitlines()[0]}"
            for place, text in self.docstrings
            if text.split()[0].strip("`.,:;").lower() in WH_WORDS
        ]

    @property
    def words(self) -> int:
        return sum(len(text.split()) for _, text in (*self.docstrings, *self.comments))

    def uses_of(self, pattern: re.Pattern[str]) -> list[str]:
        return [
            f"{place}: {found.group()}"
            for place, text in (*self.docstrings, *self.comments)
            for found in pattern.finditer(text)
        ]


def packages() -> list[str]:
    """Each package of ``src/useby``, the modules beside them, the bench and the tests."""
    source = ROOT / "src" / "useby"
    folders = [path.name for path in source.iterdir() if (path / "__init__.py").exists()]
    return [*sorted(folders), "useby", "bench", "tests/support", "tests"]


def files_of(package: str) -> list[Path]:
    if package == "useby":
        return sorted((ROOT / "src" / "useby").glob("*.py"))
    if package == "tests":
        return [path for path in python_files("tests") if SUPPORT not in path.parents]
    if package in ("bench", "tests/support"):
        return python_files(package)
    return python_files(f"src/useby/{package}")


def python_files(folder: str) -> list[Path]:
    """All below a folder of the repository, except this file, which names the bad words."""
    return sorted(
        path
        for path in (ROOT / folder).rglob("*.py")
        if "node_modules" not in path.parts and path != Path(__file__)
    )


def docstrings_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Docstrings of modules, classes and functions, and those below an assignment."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "lineno", 1), text
        body = getattr(node, "body", None)
        for above, below in pairwise(body) if isinstance(body, list) else ():
            if (
                isinstance(above, ast.Assign | ast.AnnAssign)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
                and below.value.value.strip()
            ):
                yield below.lineno, below.value.value


@cache
def prose_of(package: str) -> Prose:
    """Parse the files of a package, once for all tests."""
    docstrings, comments = [], []
    for path in files_of(package):
        source = path.read_text()
        place = str(path.relative_to(ROOT))
        found = docstrings_of(ast.parse(source))
        docstrings += [(f"{place}:{line}", text) for line, text in found]
        comments += [
            (f"{place}:{number}", comment.group(1))
            for number, line in enumerate(source.splitlines(), 1)
            if (comment := re.search(r"#\s(.*)$", line))
        ]
    return Prose(tuple(docstrings), tuple(comments))


@pytest.mark.parametrize("package", packages())
def test_docstrings_begin_with_a_verb_or_a_noun(package: str) -> None:
    prose = prose_of(package)

    found = prose.wh_openings

    assert len(found) <= MAX_WH_SHARE * len(prose.docstrings), "\n".join(found)


@pytest.mark.parametrize("package", packages())
def test_programs_neither_speak_nor_know(package: str) -> None:
    prose = prose_of(package)

    found = prose.uses_of(SAY)

    assert len(found) <= MAX_SAY_PER_1000 * prose.words / 1000, "\n".join(found)


@pytest.mark.parametrize("package", packages())
def test_no_word_is_out_of_use(package: str) -> None:
    assert prose_of(package).uses_of(OLD) == []


WRITTEN = sorted(
    path
    for folder in ("docs", "src/useby/web", "clients/js")
    for suffix in ("*.md", "*.js")
    for path in (ROOT / folder).rglob(suffix)
    if not {"node_modules", "vendor"} & {*path.parts} and not path.is_symlink()
)


def test_no_word_of_the_docs_and_the_page_is_out_of_use() -> None:
    found = {str(path.relative_to(ROOT)): OLD.findall(path.read_text()) for path in WRITTEN}
    assert {path: words for path, words in found.items() if words} == {}


def test_the_counter_counts() -> None:
    tree = ast.parse(
        'def f():\n    """What it does, said plainly."""\n\nA = 1\n"""Whoever knows it."""\n'
    )

    prose = Prose(tuple((str(line), text) for line, text in docstrings_of(tree)), ())

    assert len(prose.wh_openings) == 2
    assert len(prose.uses_of(SAY)) == 2
    assert len(prose.uses_of(OLD)) == 1
