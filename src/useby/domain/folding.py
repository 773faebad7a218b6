"""Fold text for searches that ignore case and accents: ``kase`` finds ``Käse``. Pure."""

import re
import unicodedata
from typing import Final

from useby.domain.product import Product

_ACCENTS: Final = re.compile("[\u0300-\u036f]")
"""Combining marks of Latin, Greek and Cyrillic; other scripts write vowels or letters with them."""
BETWEEN_FIELDS: Final = "\x1f"
"""ASCII unit separator. ``fold`` removes it from texts, so no search matches across two fields."""


def _plain_letters() -> dict[int, str]:
    """Map each accented letter to the letter without its accent, and each accent to nothing."""
    last_of_greek_extended = 0x1FFF
    letters = map(chr, range(0x80, last_of_greek_extended + 1))
    plain = {each: _ACCENTS.sub("", unicodedata.normalize("NFD", each)) for each in letters}
    return {ord(letter): rest for letter, rest in plain.items() if rest != letter}


_FOLDED: Final = _plain_letters() | {ord(BETWEEN_FIELDS): " "}


def fold(text: str) -> str:
    """Return ``text`` without case and accents.

    Each letter is folded by itself, so the time is linear in the length. Normalizing a whole text
    sorts its combining marks, and a hostile text has thousands of them in the wrong order. Folding
    by letter also keeps each part of a text a part of the folded text.
    """
    return text.casefold().translate(_FOLDED)


def searched_text(product: Product) -> str:
    """Return the folded text of all product fields that a search covers."""
    # The category stays the second field: a list by category compares what stands there.
    fields = (product.name, product.category, product.barcode, product.location, product.notes)
    return BETWEEN_FIELDS.join(map(fold, fields + product.more_barcodes))
