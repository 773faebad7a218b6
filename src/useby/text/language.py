"""A language in which messages are written, and the language that an HTTP client prefers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, lru_cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from typing import Final

NAMES: Final = {
    "ar": "العربية",
    "de": "Deutsch",
    "en": "English",
    "es": "español",
    "fr": "français",
    "ja": "日本語",
    "pl": "polski",
}
"""Languages of messages by their code of ISO 639-1, with their own names (CLDR)."""
SOURCE: Final = "en"
"""The language of the messages in the code, which has no catalogue."""
LANGUAGE_FORM: Final = (
    f"must be a language tag (BCP 47) of {', '.join(sorted(NAMES)[:-1])} or {max(NAMES)},"
    " e.g. de or de-AT"
)
_TAG: Final = re.compile(r"([a-z]{2})(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?", re.IGNORECASE)
"""A tag of language, script and region (RFC 5646), without rarer parts."""
_RANGES_READ: Final = 50
"""Maximum number of language ranges that are read of a header."""


def canonical(tag: str) -> str:
    """Return a language tag in its usual case, such as ``de-AT``.

    Raises:
        ValueError: The text is no tag, or messages are not written in the language.
    """
    found = _TAG.fullmatch(tag)
    if found is None or found[1].lower() not in NAMES:
        raise ValueError(LANGUAGE_FORM)
    language, script, region = found.groups("")
    parts = (language.lower(), script.title(), region.upper())
    return "-".join(filter(None, parts))


def preferred(accept_language: str) -> str:
    """Return the best language of an ``Accept-Language`` header (RFC 9110 section 12.5.4).

    English if none of its languages is among ours. What is not well formed is ignored.
    """
    best, best_weight = SOURCE, 0.0
    for each in accept_language.split(",", _RANGES_READ)[:_RANGES_READ]:
        given, _, weight = each.partition(";")
        found = _TAG.fullmatch(given.strip())
        value = _weight(weight)
        if found is not None and found[1].lower() in NAMES and value > best_weight:
            best, best_weight = found[1].lower(), value
    return best


def _weight(parameter: str) -> float:
    """Return the value of ``q``: 1 without a parameter, 0 if it is not well formed."""
    if not parameter:
        return 1.0
    found = re.fullmatch(r"\s*q=([01](?:\.[0-9]{0,3})?)\s*", parameter, re.ASCII | re.IGNORECASE)
    return min(1.0, float(found[1])) if found else 0.0


@dataclass(frozen=True)
class Language:
    """A language of messages."""

    code: str
    translations: NullTranslations = field(repr=False, compare=False)

    def gettext(self, message: str) -> str:
        """Return a template in this language."""
        return self.translations.gettext(message)

    def ngettext(self, one: str, other: str, count: int) -> str:
        """Return a template in this language, in the plural class of a count."""
        return self.translations.ngettext(one, other, count)

    def number(self, number: Decimal | int) -> str:
        """Return a number with the digits of CLDR's root, without exponent and trailing zeros."""
        text = str(number) if isinstance(number, int) else format(number, "f")
        if "." not in text:
            return text
        whole, _, fraction = text.partition(".")
        fraction = fraction.rstrip("0")
        return f"{whole}{self._decimal_point}{fraction}" if fraction else whole

    def listed(self, texts: Sequence[str]) -> str:
        """Return texts, of which there is at least one, as a list: "A, B, and C"."""
        *before, last = texts
        if not before:
            return last
        two, start, middle, end = self._list_patterns
        if len(before) == 1:
            return _joined(two, before[0], last)
        listed = before[0]
        for number, text in enumerate(before[1:]):
            listed = _joined(middle if number else start, listed, text)
        return _joined(end, listed, last)

    @cached_property
    def _decimal_point(self) -> str:
        return self.translations.pgettext("CLDR decimal symbol", ".")

    @cached_property
    def _list_patterns(self) -> tuple[str, str, str, str]:
        pgettext = self.translations.pgettext
        return (
            pgettext("CLDR list of two", "{0} and {1}"),
            pgettext("CLDR start of a list", "{0}, {1}"),
            pgettext("CLDR middle of a list", "{0}, {1}"),
            pgettext("CLDR end of a list", "{0}, and {1}"),
        )


def _joined(pattern: str, first: str, second: str) -> str:
    """Fill in a pattern of CLDR; the texts may have braces of their own."""
    before, _, rest = pattern.partition("{0}")
    between, _, after = rest.partition("{1}")
    return f"{before}{first}{between}{second}{after}"


def language_of(tag: str | None) -> Language:
    """Return the language of a tag, of which the region is ignored; English for ``None``."""
    return _language(SOURCE if tag is None else tag.partition("-")[0])


@lru_cache(maxsize=len(NAMES))
def _language(code: str) -> Language:
    """Read a compiled catalogue, as ``ZoneInfo`` reads a zone: once, the same for everybody."""
    if code not in NAMES or code == SOURCE:  # a later release may have stored another
        return Language(SOURCE, NullTranslations())
    with files(__package__).joinpath("catalogues", f"{code}.mo").open("rb") as file:
        return Language(code, GNUTranslations(file))
