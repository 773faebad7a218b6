"""Language tags, the header ``Accept-Language``, numbers and lists in each language."""

from decimal import Decimal

import pytest
from babel import Locale
from babel.lists import format_list
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from useby.text.language import LANGUAGE_FORM, NAMES, canonical, language_of, preferred


@pytest.mark.parametrize(
    ("given_tag", "tag"),
    [
        ("de", "de"),
        ("DE-at", "de-AT"),
        ("en-001", "en-001"),
        ("JA-jpan-jp", "ja-Jpan-JP"),
    ],
)
def test_a_tag_is_stored_in_its_usual_case(given_tag: str, tag: str) -> None:
    assert canonical(given_tag) == tag


@pytest.mark.parametrize(
    "tag", ["", "it", "de_AT", "deu", "de-", "de-A", "de-x-mine", "дe", "de\n"]
)
def test_a_text_that_is_no_tag_of_a_known_language_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match=r"^must be a language tag \(BCP 47\) of ar, .*e\.g\. de"):
        canonical(tag)


def test_the_message_names_each_language() -> None:
    assert "ar, de, en, es, fr, ja or pl" in LANGUAGE_FORM


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("it, pl;q=0.5, fr;q=0.7", "fr"),
        ("en-US,en;q=0.9,de;q=0.8", "en"),
        ("de;q=0.4,en;q=0.9", "en"),
        ("DE ; Q=1.000", "de"),
        ("de;q=0", "en"),
        ("de;q=2", "en"),
        ("de;q=-1", "en"),
        ("de;q=nan", "en"),
        ("de;level=1", "en"),
        ("*", "en"),
        ("it,pt-BR", "en"),
        (",".join(["it"] * 100 + ["de"]), "en"),
    ],
)
def test_the_heaviest_known_language_of_a_header_is_preferred(header: str, language: str) -> None:
    assert preferred(header) == language


@given(st.text(alphabet="deplfr-;q=0.1, *\t", max_size=60) | st.text())
def test_any_header_has_a_preferred_language(header: str) -> None:
    assert preferred(header) in NAMES


@pytest.mark.parametrize("code", NAMES)
def test_a_language_has_its_own_name_as_cldr_writes_it(code: str) -> None:
    assert NAMES[code] == Locale(code).display_name


@pytest.mark.parametrize("code", NAMES)
def test_lists_and_numbers_are_written_as_babel_writes_them(code: str) -> None:
    language, locale = language_of(code), Locale(code)
    for count in range(1, 6):
        texts = [f"{{{number}}}" for number in range(count)]
        assert language.listed(texts) == format_list(texts, locale=locale)
    for number in ("0", "1", "0.5", "1234", "1234.75", "2.00"):
        assert language.number(Decimal(number)) == format_decimal(
            Decimal(number), locale=locale, group_separator=False, numbering_system="default"
        )


@pytest.mark.parametrize("code", NAMES)
def test_a_count_has_the_plural_class_of_cldr(code: str) -> None:
    """Counts of one class have the same text."""
    rule = Locale(code).plural_form
    texts: dict[str, set[str]] = {}
    for count in (*range(1_100), *range(1_000_000, 1_000_200)):
        text = language_of(code).ngettext(
            "%(count)s product was added", "%(count)s products were added", count
        )
        texts.setdefault(rule(count), set()).add(text)
    assert all(len(each) == 1 for each in texts.values())


def test_an_unknown_language_is_english() -> None:
    assert language_of("xx") == language_of("en-GB") == language_of(None)
