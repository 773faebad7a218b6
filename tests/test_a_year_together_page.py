"""docs/explanation/a-year-together.md is what the year of its household of four comes to."""

import re
import runpy
from calendar import month_name
from collections import Counter
from datetime import date, time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "a-year-together.md"
MONTHS = list(month_name)
ADA, BASIA, CEM, TABLET = range(2, 6)
"""Columns of the members."""


def rows() -> list[tuple[date, list[str]]]:
    """Rows of the months with their days."""
    found = []
    for month in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[2:]:
        name, *lines = month.splitlines()
        for line in lines[3:]:
            if line:
                cells = line.removeprefix("| ").removesuffix(" |").split(" | ")
                number = int(cells[0].split()[1])
                found.append((date(2026, MONTHS.index(name), number), cells))
    return found


def test_the_page_of_a_year_together_is_the_one_that_make_docs_generates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    made = runpy.run_path(str(ROOT / "docs" / "make_a_year_together.py"))["page"]()
    assert made == PAGE.read_text(), "run `make docs`"


def test_the_year_together_has_each_reason_for_an_alert_and_for_none() -> None:
    text = PAGE.read_text()
    for part in (
        *("digest of ", "summary at ", "held since 09:00", "none: used ", "none: discarded "),
        *("none: overtaken", "—", "[category]", "termin", "abgelaufen", "products need attention"),
    ):
        assert part in text, part
    assert len({day.month for day, _ in rows()}) == 12
    assert 60 <= len(text.splitlines()) <= 160


def test_the_night_worker_of_the_year_gets_nothing_in_quiet_hours() -> None:
    times = [
        (day, time.fromisoformat(found[0]))
        for day, cells in rows()
        if (found := re.findall(r"^(?:summary at )?(\d\d:\d\d)", cells[CEM]))
    ]
    assert len(times) > 20
    for day, at in times:
        assert day.weekday() >= 5 or not time(7) <= at < time(15), day


def test_the_digest_reader_of_the_year_gets_alerts_on_saturday_or_about_use_by_dates() -> None:
    digests, others = [], []
    for day, cells in rows():
        if cells[1] == "the digest":
            digests.append((day.weekday(), cells[BASIA][:6]))
        elif re.match(r"\d\d:\d\d", cells[BASIA]):
            others.append(cells[1])
    assert set(digests) == {(5, "10:00:")}
    assert others == ["Minced meat: over", "Ham: over"]


def test_no_member_gets_the_same_words_of_the_year_twice_on_a_day() -> None:
    got = Counter(
        (day, column, cells[column])
        for day, cells in rows()
        for column in (ADA, BASIA, CEM, TABLET)
        if re.match(r"\d\d:\d\d", cells[column])
    )
    assert max(got.values()) == 1
