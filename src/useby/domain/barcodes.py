"""The barcodes of a product: a list without duplicates, whose first one is ``barcode``. Pure."""

import re
from collections.abc import Iterable
from typing import Final

from useby.domain.gs1 import canonical_gtin

MAX_BARCODES: Final = 20
"""Maximum number of barcodes of a product."""
_LINE_BREAKS: Final = re.compile("[\t-\r\x85\u2028\u2029]+")
_BETWEEN: Final = re.compile(r"[ \t\r\n,;|]+")
"""Separators that people write between the barcodes of a list."""


def on_one_line(barcode: str) -> str:
    """Return a barcode with each group of line breaks and tabs replaced by a blank.

    The separator of GS1 (U+001D) and other control characters of scanners stay.
    """
    return _LINE_BREAKS.sub(" ", barcode)


def code_of(barcode: str) -> str:
    """Return the form in which barcodes are compared: the canonical GTIN, or else the text."""
    return canonical_gtin(barcode) or barcode.strip()


def distinct(barcodes: Iterable[str]) -> tuple[str, ...]:
    """Return barcodes without empty ones and without further spellings of the same one."""
    found: dict[str, str] = {}
    for barcode in barcodes:
        if barcode:
            found.setdefault(code_of(barcode), barcode)
    return tuple(found.values())


def listed(text: str) -> tuple[str, ...]:
    """Return the barcodes of a text that is a list of GTINs; any other text is one barcode.

    A barcode may contain blanks and punctuation, so a text is taken apart only if all of its parts
    are GTINs.
    """
    parts = [part for part in _BETWEEN.split(text.strip()) if part]
    if len(parts) > 1 and all(map(canonical_gtin, parts)):
        return tuple(parts)
    return (text,) if parts else ()


def with_first(barcodes: tuple[str, ...], first: str) -> tuple[str, ...]:
    """Return barcodes with another first one; an empty one removes the first."""
    return distinct((first, *barcodes[1:]))
