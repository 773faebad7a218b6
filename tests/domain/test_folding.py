"""Folding: searches ignore case and accents, and nothing else."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from useby.domain.folding import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Käse", "kase"),
        ("KA\u0308SE", "kase"),
        ("Straße", "strasse"),
        ("Crème Brûlée", "creme brulee"),
        ("ΟΔΟΣ", "οδοσ"),
        ("Ἀθῆναι", "αθηναι"),
        ("Żółć", "zołc"),
        ("İzmir", "izmir"),
        ("か\u3099", "か\u3099"),
        ("한국", "한국"),
        ("🥛\x1f", "🥛 "),
    ],
)
def test_a_text_is_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(), st.text(), st.text())
def test_the_folded_part_of_a_text_is_in_the_folded_text(before: str, part: str, rest: str) -> None:
    assert fold(before + part + rest) == fold(before) + fold(part) + fold(rest)


@given(st.text())
def test_a_text_folds_as_its_lower_case_and_as_what_was_folded_does(text: str) -> None:
    assert fold(text) == fold(fold(text)) == fold(text.casefold())


@given(st.text(alphabet=st.characters(max_codepoint=0x24F)))
def test_composed_and_decomposed_letters_fold_alike(text: str) -> None:
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))
