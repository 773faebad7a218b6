"""Links of the documentation lead to files, and CONTRIBUTING.md names files that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    (
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").glob("*.md"),
        ROOT / "tests" / "README.md",
    )
)
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
HEADER = "| a new | code | test | page |"


def anchors_of(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_of_a_page_lead_to_files_and_headings_that_exist() -> None:
    broken = []
    for page in PAGES:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if link.startswith(("http://", "https://", "mailto:")):
                continue
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if not target.exists() or (anchor and anchor not in anchors_of(target)):
                broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert broken == []


def test_contributing_names_files_and_places_in_them_that_exist() -> None:
    names = re.findall(r"`([\w.-]+/[\w./-]*(?:::\w+)?|[\w-]+\.[a-z]+)`", CONTRIBUTING)
    files = [name for name in names if "/" in name or name.endswith((".py", ".md", ".js", ".toml"))]
    assert len(files) > 50
    wrong = []
    for name in files:
        path, _, place = name.partition("::")
        if not (ROOT / path).exists() or (place and place not in (ROOT / path).read_text()):
            wrong.append(name)
    assert wrong == []


def test_the_table_of_places_names_files_that_exist() -> None:
    table = CONTRIBUTING[CONTRIBUTING.index(HEADER) :].split("\n\n")[0]
    paths = re.findall(r"`([\w.-]+/[\w./-]+)`", table)
    assert len(paths) > 30
    assert [path for path in paths if not (ROOT / path).exists()] == []
