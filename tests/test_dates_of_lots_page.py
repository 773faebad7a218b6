"""The examples of docs/explanation/dates-of-lots.md are as the program computes them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.cupboard import Cupboard

from useby.domain.lot_actions import Change

PAGE = (Path(__file__).parent.parent / "docs" / "explanation" / "dates-of-lots.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE[PAGE.index("## Examples") :].splitlines()
    if line.startswith("|")
][2:]
FIELDS = {
    "shelfLife": "shelf_life",
    "afterOpening": "after_opening",
    "afterFreezing": "after_freezing",
    "afterThawing": "after_thawing",
}


def test_the_page_has_examples_of_each_rule_and_each_source() -> None:
    assert {row[3] for row in ROWS} == {
        *("printed", "shelfLife", "opened", "frozen", "thawed", "typed", "null"),
    }
    for name in FIELDS:
        assert any(name in row[0] for row in ROWS)


@pytest.mark.parametrize(("rules", "events", "date", "source"), ROWS)
def test_an_example_has_the_date_that_the_page_states(
    rules: str, events: str, date: str, source: str
) -> None:
    found = re.findall(r"`(\w+)` (\w+)", rules)
    cupboard = Cupboard(**{FIELDS[name]: duration for name, duration in found})
    assert found or rules == "none"
    first, *others = events.split("; ")
    received = re.fullmatch(r"received (\S+?)(?:, printed (\S+))?", first)
    assert received is not None
    lot = cupboard.receive(received[1], received[2])
    for event in others:
        word, when = event.split(" ")
        actions: dict[str, Callable[[str, str], Change]] = {
            "opened": cupboard.open,
            "frozen": cupboard.freeze,
            "thawed": cupboard.thaw,
            "typed": cupboard.type_date,
        }
        actions[word](lot, when)
    computed = [each or "null" for each in cupboard.date(lot)]
    assert computed == [date, source]
