"""Messages in each language: every plural class, and names between isolates."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from useby.domain import messages
from useby.domain.product import DateKind, Disposal
from useby.text.language import NAMES

NAME = "Milch %s {0}"
ISOLATED = f"\u2068{NAME}\u2069"
SAMPLES = (*range(2, 130), 1_000_000)
languages = st.sampled_from(sorted(NAMES))
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)
amounts = st.decimals(0, 10**6, places=2)


def of_days(days: int, language: str | None) -> Iterator[str]:
    """Every message about a number of days, of one lot and of as many lots."""
    for lots in (1, max(2, days)):
        for left in (days, -days):
            yield messages.expiry(NAME, left, expired=left < 0, lots=lots, language=language)


@pytest.mark.parametrize("language", NAMES)
def test_every_plural_class_is_written_with_the_number_or_for_this_number_alone(
    language: str,
) -> None:
    rule = Locale(language).plural_form
    alone = {"zero", "one", "two"} if language == "ar" else {"one"}
    for count in SAMPLES:
        texts = [*of_days(count, language), messages.added(count, language)]
        texts.append(messages.attention(["Ham"], count, language))
        for text in texts:
            assert str(count) in text or rule(count) in alone


@pytest.mark.parametrize(
    ("language", "days", "text"),
    [
        ("de", 1, "\u2068Milch\u2069 läuft morgen ab"),
        ("de", 5, "\u2068Milch\u2069 läuft in 5 Tagen ab"),
        ("fr", 0, "\u2068Milch\u2069 expire aujourd’hui"),
        ("es", -1, "\u2068Milch\u2069 caducó ayer"),
        ("pl", 22, "\u2068Milch\u2069 – termin mija za 22 dni"),
        ("pl", -112, "\u2068Milch\u2069 – termin minął 112 dni temu"),
        ("ar", 2, "تنتهي صلاحية \u2068Milch\u2069 بعد يومين"),
        ("ar", 103, "تنتهي صلاحية \u2068Milch\u2069 بعد 103 أيام"),
        ("ar-EG", 11, "تنتهي صلاحية \u2068Milch\u2069 بعد 11 يومًا"),
        ("ja", 3, "\u2068Milch\u2069の期限は3日後です"),
        ("en-GB", 3, "\u2068Milch\u2069 expires in 3 days"),
    ],
)
def test_an_alert_is_written_in_the_language(language: str, days: int, text: str) -> None:
    assert messages.expiry("Milch", days, expired=days < 0, language=language) == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "1 Produkt braucht Aufmerksamkeit: A"),
        ("pl", "1 produkt wymaga uwagi: A"),
        ("ar", "منتج واحد يحتاج إلى انتباهك: A"),
        ("ja", "1件の商品に注意が必要です：A"),
    ],
)
def test_a_summary_of_one_product_is_in_the_class_of_one(language: str, text: str) -> None:
    assert messages.attention(["A"], 1, language) == text


def test_a_summary_joins_its_alerts_as_the_language_joins_lists() -> None:
    assert messages.attention(["A", "B"], 4, "de").endswith(": A, B und 2 weitere")
    assert messages.attention(["A", "B"], 4, "ar").endswith(": A وB ومنتجان آخران")
    assert messages.attention(["A", "B"], 4, "ja").endswith("：A、B、ほか2件")


def test_amounts_have_the_decimal_symbol_of_the_language() -> None:
    half, rest = Decimal("0.50"), Decimal("1.5")
    text = messages.closing("Milch", Disposal.CONSUMED, half, "l", left=rest, language="de")
    assert text == "\u2068Milch\u2069: 0,5 \u2068l\u2069 verbraucht, noch 1,5 \u2068l\u2069 übrig"
    text = messages.closing("Milch", Disposal.DISCARDED, half, "", left=rest, language="pl")
    assert text == "\u2068Milch\u2069 – wyrzucono 0,5, pozostało 1,5"


@given(names, st.integers(-40_000, 40_000), st.integers(1, 10_000), languages, st.booleans())
def test_no_placeholder_is_left_and_the_name_stands_between_isolates(
    name: str, days: int, lots: int, language: str, expired: bool
) -> None:
    text = messages.expiry(name, days, expired=expired or days < 0, lots=lots, language=language)
    check_isolates(text, name)


@given(names, st.sampled_from(Disposal), amounts, amounts, languages)
def test_a_use_has_no_placeholder_left_and_its_name_between_isolates(
    name: str, how: Disposal, quantity: Decimal, left: Decimal, language: str
) -> None:
    text = messages.closing(name, how, quantity, "kg", left=left, language=language)
    check_isolates(text, name)


@given(names, st.sampled_from(DateKind), amounts, languages)
def test_a_calendar_has_no_placeholder_left_and_its_names_between_isolates(
    name: str, kind: DateKind, quantity: Decimal, language: str
) -> None:
    check_isolates(messages.event(name, kind, language), name)
    check_isolates(messages.contents(quantity, "kg", name, language), name)


def check_isolates(text: str, name: str) -> None:
    """Check that what is outside of isolates has no placeholder, and that the name is in one."""
    depth = 0
    outside: list[str] = []
    inside: list[str] = []
    for char in text:
        depth -= char == "\u2069"
        assert depth >= 0, "an isolate ends that did not begin"
        (inside if depth else outside).append(char)
        depth += char in "\u2066\u2067\u2068"
    assert depth == 0
    assert not re.search(r"%\(|[{}]", "".join(outside))
    kept = [char for char in name if char not in "\u2066\u2067\u2068\u2069"]
    shown = [char for char in inside if char not in "\u2066\u2067\u2068\u2069"]
    assert "".join(kept) in "".join(shown)


WORDED: list[Callable[[str | None], str]] = [
    *(
        lambda language, days=days, lots=lots: messages.expiry(
            "Milk", days, expired=days < 0, lots=lots, language=language
        )
        for days in (-2, -1, 0, 1, 2)
        for lots in (1, 2)
    ),
    lambda language: messages.expiry("Milk", 0, expired=True, language=language),
]


@pytest.mark.parametrize("worded", WORDED)
def test_english_that_is_set_has_the_words_of_before_with_isolates(
    worded: Callable[[str | None], str],
) -> None:
    before = worded(None)
    assert "\u2068" not in before
    assert worded("en") == before.replace("Milk", "\u2068Milk\u2069")


def test_the_longest_summary_in_any_language_fits_into_a_message() -> None:
    for language in NAMES:
        text = messages.expiry("x" * 200, -36_500, expired=True, lots=9_999, language=language)
        assert len(messages.attention([text] * 3, 99_999, language)) <= 1000
