"""Cells that a spreadsheet would run are made harmless, and read as they were."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from useby.domain.safe_cells import as_it_was, harmless

RUNNING = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


@pytest.mark.parametrize("first", RUNNING)
def test_a_cell_that_begins_like_a_formula_becomes_a_text(first: str) -> None:
    assert harmless(f"{first}1+1") == f"'{first}1+1"


@pytest.mark.parametrize("text", ["", "Milk", "5", "'5", "a=1", "'"])
def test_another_cell_stays_as_it_is(text: str) -> None:
    assert harmless(text) == as_it_was(text) == text


@pytest.mark.parametrize("between", [";", "\t", "\n", "a;"])
def test_a_part_that_another_separator_would_make_a_cell_becomes_a_text(between: str) -> None:
    assert harmless(f"Milk{between}=1+1") == f"Milk{between}'=1+1"
    assert harmless(f"Milk{between}5") == f"Milk{between}5"


@given(st.text(alphabet="'=-@a\t;\n", max_size=6) | st.text())
def test_every_text_is_restored_and_none_runs(text: str) -> None:
    safe = harmless(text)
    assert safe[:1] not in set(RUNNING)
    assert not [part for part in re.split("[;\t\r\n]", safe) if part[:1] in set("=+@-")]
    assert as_it_was(safe) == text
