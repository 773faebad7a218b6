"""docs/explanation/a-year.md is what the year of its household comes to."""

import runpy
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_page_of_a_year_is_the_one_that_make_docs_generates() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_a_year.py"))["page"]()
    page = (ROOT / "docs" / "explanation" / "a-year.md").read_text()
    assert made == page, "run `make docs`"
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")]
    alerts = [text for row in rows[1:] for text in row[-1].rstrip(" |").split("; ")]
    assert any(text.startswith("2 lots of ") for text in alerts)
    assert any(text.startswith("Eye drops expires") for text in alerts)
    assert any("products need attention: " in text for text in alerts)
    for row in rows:
        assert max(Counter(row[-1].split("; ")).values()) == 1, "not twice in the same words"
