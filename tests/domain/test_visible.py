"""Names: one line, something to see, and no effect on the text around them."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from useby.domain.visible import is_visible, isolated, one_line

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
directed = st.text(alphabet=st.sampled_from([*BIDI, "a", "א", " "]))


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb", "a\tb", "a\x0bb", "a\x1fb", "a\x85b", "a\u2028b"]
)
def test_line_breaks_and_tabs_of_a_name_become_a_blank(text: str) -> None:
    assert one_line(text) == "a b"


@pytest.mark.parametrize("text", ["a\x1b[31m", "\0", "a\x7f", "a\x9b2J"])
def test_other_control_characters_of_a_name_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must not contain control characters, e\.g\. "):
        one_line(text)


@given(st.text())
def test_a_name_on_one_line_has_no_line_ends_and_is_without_control_characters(text: str) -> None:
    try:
        line = one_line(text)
    except ValueError:
        return
    assert len(line.splitlines()) <= 1
    assert not any(unicodedata.category(char) == "Cc" for char in line)
    assert one_line(line) == line


UNSEEN = [
    *(
        "",
        " ",
        "\u200b",
        "\u00ad",
        "\ufeff",
        "\u2060\u180e",
        "\ufe0f",
        "\u034f",
        "\u3164",
        "\u2800",
    ),
    *("\u115f\u1160", "\u202e\u202c", "\u00a0\u3000", "\u0301", "\U000e0041", "\u200d\u200d"),
]


@pytest.mark.parametrize("text", UNSEEN)
def test_a_text_of_characters_that_do_not_show_is_not_visible(text: str) -> None:
    assert not is_visible(text)


@pytest.mark.parametrize(
    "text", ["a", "é", "7", "!", "漢", "א", "\u202eKLIM", "\u200b🥛", "👨‍👩‍👧", "क"]
)
def test_a_text_with_a_letter_or_a_symbol_is_visible(text: str) -> None:
    assert is_visible(text)


@pytest.mark.parametrize("name", ["Organic Milk", "חלב", "Käse\u200e", "👨‍👩‍👧", ""])
def test_an_ordinary_name_is_not_changed(name: str) -> None:
    assert isolated(name) == name


def test_a_direction_override_ends_with_the_name() -> None:
    assert isolated("\u202eKLIM") == "\u2068\u202eKLIM\u2069"


@given(directed)
def test_an_isolated_name_cannot_end_its_isolate_nor_leave_one_open(name: str) -> None:
    shown = isolated(name)
    if not re.search(f"[{BIDI}]", name):
        assert shown == name
        return
    depth = 0
    for place, char in enumerate(shown):
        depth += (char in "\u2066\u2067\u2068") - (char == "\u2069")
        assert depth > 0 or place == len(shown) - 1
    assert depth == 0
    assert [char for char in shown if char not in BIDI] == [c for c in name if c not in BIDI]
