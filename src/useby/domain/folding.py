"""Fold text for searches that ignore case and accents: ``kase`` finds ``Käse``. Pure."""

import re
import unicodedata
from typing import Final

from useby.domain.product import Product

_ACCENTS: Final = re.compile("[\u0300-\u036f]")
"""Combining marks of Latin, Greek and Cyrillic; in other scripts they are vowels or letters."""
_BETWEEN_FIELDS: Final = "\x1f"
"""The unit separator of ASCII. ``fold`` leaves none in a text, so no search crosses two fields."""


def _plain_letters() -> dict[int, str]:
    """Map each letter that has an accent to the letter without it, and an accent to nothing."""
    last_of_greek_extended = 0x1FFF
    letters = map(chr, range(0x80, last_of_greek_extended + 1))
    plain = {each: _ACCENTS.sub("", unicodedata.normalize("NFD", each)) for each in letters}
    return {ord(letter): rest for letter, rest in plain.items() if rest != letter}


_FOLDED: Final = _plain_letters() | {ord(_BETWEEN_FIELDS): " "}


def fold(text: str) -> str:
    """Return ``text`` without case and accents.

    Each letter is folded by itself, in time that grows with the length: normalizing a whole text
    sorts its combining marks, of which a hostile one has thousands in the wrong order. It also
    makes the folded part of a text a part of the folded text.
    """
    return text.casefold().translate(_FOLDED)


def searched_text(product: Product) -> str:
    """Return the folded text of all fields of a product that a search looks through."""
    fields = (product.name, product.category, product.barcode, product.location, product.notes)
    return _BETWEEN_FIELDS.join(map(fold, fields))
