"""Extract, check and compile the messages of notifications (``make messages``).

The texts are in ``src/useby/domain/messages.py`` and ``src/useby/delivery/mail_texts.py``, the
translations in ``src/useby/text/catalogues/*.po``. What the Unicode CLDR has of a language is
filled in: its plural classes, its patterns of lists and its decimal symbol.
"""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from babel.numbers import get_decimal_symbol
from babel.plural import to_gettext

SOURCES: Final = Path(__file__).parents[1] / "src" / "useby"
CATALOGUES: Final = SOURCES / "text" / "catalogues"
PAGE: Final = Path(__file__).parent / "reference" / "messages.md"
EXTRACTED: Final = (
    SOURCES / "domain" / "messages.py",
    SOURCES / "delivery" / "mail_texts.py",
    SOURCES / "text" / "language.py",
)
"""Files with calls of ``gettext``, ``ngettext`` and ``pgettext``."""
CLASSES: Final = ("zero", "one", "two", "few", "many", "other")
"""Plural classes of CLDR, in the order in which a catalogue has their texts."""
SAMPLES: Final = (*range(1000), *range(1_000_000, 1_000_200))
"""Counts that are enough to show which of them are in a class."""
HEAD: Final = """# Messages

`make messages` generates this page from the catalogues in `src/useby/text/catalogues/`. It has
each message in each language. For a message that contains a number, it has one row for each
plural class of the language. [Add a language](../how-to/add-a-language.md) describes how to
change them.

Numbers have the digits 0 to 9 in every language. They are the default digits of CLDR's `ar`, too.
"""
_DATED: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Written into each compiled catalogue, so that the same texts make the same file."""
_PLACEHOLDER: Final = re.compile(r"%\([a-z]+\)s|\{[0-9]\}")


def languages() -> list[str]:
    """Return the languages that have a catalogue, in alphabetical order."""
    return sorted(path.stem for path in CATALOGUES.glob("*.po"))


def template() -> Catalog:
    """Return all messages of the code."""
    catalog = Catalog(charset="utf-8")
    for path in EXTRACTED:
        for _, message_id, _, context in extract_from_file("python", path):
            catalog.add(message_id, context=context)
    return catalog


def read(language: str) -> Catalog:
    """Return the catalogue of a language as it stands in its file."""
    text = (CATALOGUES / f"{language}.po").read_bytes()
    return read_po(io.BytesIO(text), locale=language, abort_invalid=True)


def updated(catalog: Catalog) -> Catalog:
    """Return a catalogue with the messages of the code only, and with what CLDR has of them."""
    locale = _locale(catalog)
    texts = {(each.context, _key(each)): each.string for each in catalog if each.id}
    new = Catalog(locale=locale, charset="utf-8", revision_date=_DATED, creation_date=_DATED)
    new.mime_headers = [("Plural-Forms", plural_forms(locale))]
    of_cldr = cldr(locale)
    for each in template():
        if each.id:
            text = of_cldr.get(each.context or "", texts.get((each.context, _key(each)), ""))
            new.add(each.id, text, context=each.context)
    return new


def cldr(locale: Locale) -> dict[str, str]:
    """Return the texts that CLDR has of a language, by their context in the catalogue."""
    pattern = locale.list_patterns["standard"]
    return {
        "CLDR decimal symbol": get_decimal_symbol(locale),
        "CLDR list of two": pattern["2"],
        "CLDR start of a list": pattern["start"],
        "CLDR middle of a list": pattern["middle"],
        "CLDR end of a list": pattern["end"],
    }


def plural_forms(locale: Locale) -> str:
    """Return the plural rule of CLDR as the header of a catalogue.

    ``e``, the exponent of a compact number, is 0 in what we write.
    """
    return re.sub(r"\be\b", "0", to_gettext(locale.plural_form)).rstrip(";")


def classes(locale: Locale) -> list[str]:
    """Return the plural classes of a language, in the order of its texts."""
    return [each for each in CLASSES if each in locale.plural_form.tags or each == "other"]


def faults(catalog: Catalog) -> Iterator[str]:
    """Return what is wrong with a catalogue that was brought up to date."""
    locale = _locale(catalog)
    names = classes(locale)
    for each in catalog:
        if not each.id:
            continue
        forms = _forms(each)
        if not isinstance(each.id, str) and len(forms) != len(names):
            yield f"{catalog.locale}: {_key(each)!r} has {len(forms)} plural classes, not {names}"
        wanted = _placeholders(_key(each))
        for name, form in zip(
            ["other"] if isinstance(each.id, str) else names, forms, strict=False
        ):
            if not form:
                yield f"{catalog.locale}: {_key(each)!r} is missing for {name}"
                continue
            optional = {"%(days)s", "%(count)s"} if _is_one_number(locale, name) else set()
            if not wanted - optional <= _placeholders(form) <= wanted:
                yield f"{catalog.locale}: {form!r} does not have {sorted(wanted)}"


def compiled(catalog: Catalog) -> bytes:
    """Return a catalogue as a node reads it."""
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def written(catalog: Catalog) -> bytes:
    """Return a catalogue as translators edit it."""
    file = io.BytesIO()
    write_po(file, catalog, omit_header=True, width=100)
    lines = (
        f"Language: {catalog.locale}",
        "Content-Type: text/plain; charset=utf-8",
        f"Plural-Forms: {plural_forms(_locale(catalog))}",
    )
    quoted = "".join(f'"{line}\\n"\n' for line in lines)
    return f'msgid ""\nmsgstr ""\n{quoted}\n'.encode() + file.getvalue()


def page() -> str:
    """Return the page of all messages."""
    return HEAD + "".join(_section(language) for language in languages())


def _section(language: str) -> str:
    catalog = updated(read(language))
    locale = _locale(catalog)
    lines = [
        f"\n## {locale.display_name} (`{language}`)\n",
        "| message in English | class | text |",
        "|---|---|---|",
    ]
    for each in catalog:
        if each.id:
            names = [each.context or ""] if isinstance(each.id, str) else classes(locale)
            for name, form in zip(names, _forms(each), strict=True):
                lines.append(f"| {_shown(_key(each))} | {name} | {_shown(form)} |")
    return "\n".join(lines) + "\n"


def _shown(text: str) -> str:
    return f"`{text}`"


def _locale(catalog: Catalog) -> Locale:
    assert catalog.locale is not None  # noqa: S101 - ``read`` sets it
    return catalog.locale


def _key(message: Message) -> str:
    """Return the English text, in the plural if it has one."""
    return message.id if isinstance(message.id, str) else message.id[-1]


def _forms(message: Message) -> tuple[str, ...]:
    """Return the texts of a message: one, or one for each plural class."""
    text = message.string or ""
    return (text,) if isinstance(text, str) else tuple(text)


def _placeholders(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))


def _is_one_number(locale: Locale, name: str) -> bool:
    """Return whether a plural class has one number only, so that a text may spell it out."""
    return sum(locale.plural_form(each) == name for each in SAMPLES) == 1


def make() -> None:
    """Write all files.

    Raises:
        SystemExit: A catalogue has faults; they are listed.
    """
    found: list[str] = []
    for language in languages():
        catalog = updated(read(language))
        (CATALOGUES / f"{language}.po").write_bytes(written(catalog))
        found += faults(catalog)
        if not found:
            (CATALOGUES / f"{language}.mo").write_bytes(compiled(catalog))
    if found:
        raise SystemExit("\n".join(found))
    PAGE.write_text(page())


if __name__ == "__main__":
    make()
