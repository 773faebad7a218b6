"""Read numbers as people of different countries write them."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

_SPACE: Final = re.compile("(?<=\\d)[ \u00a0\u2009\u202f'\u2019](?=\\d)")
_COMMA_GROUPS: Final = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_POINT_GROUPS: Final = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]+)?")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?[0-9]*(,[0-9]{1,2}|,[0-9]{4,}|(?<=\b0),[0-9]+)")
_LONG: Final = re.compile(r"[+-]?[0-9]{0,12}\.[0-9]{7,100}")
PLACES: Final = 6
"""Digits of a quantity behind the point."""
_MOST: Final = Decimal(10**12)
_BOTH: Final = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+,[0-9]+")


def has_decimal_commas(cells: Iterable[str], separator: str | None) -> bool:
    """Return whether a column's commas are decimal, which its own values show.

    Where no value shows it, as ``1,250``, the separator does: a program that writes decimal commas
    separates by semicolons.
    """
    has_commas = False
    for cell in cells:
        text = _SPACE.sub("", cell)
        if _DECIMAL_COMMA.fullmatch(text) or _BOTH.fullmatch(text):
            return True
        if "," in text:
            if "." in text:
                return False
            has_commas = True
    return has_commas and separator == ";"


def plain(text: str, *, decimal_commas: bool) -> str:
    """Return a number with a decimal point and without groups, or the text if it is none.

    A spreadsheet writes a third with fifteen digits, so a number is rounded to ``PLACES``.
    """
    text = _SPACE.sub("", text)
    if decimal_commas:
        if _POINT_GROUPS.fullmatch(text):
            text = text.replace(".", "")
        text = text.replace(",", ".", 1)
    elif _COMMA_GROUPS.fullmatch(text):
        text = text.replace(",", "")
    return str(rounded(Decimal(text))) if _LONG.fullmatch(text) else text


def rounded(number: Decimal) -> Decimal:
    """Return a number without the digits that a binary fraction adds, e.g. 0.30000000000000004."""
    is_small = number.is_finite() and abs(number) < _MOST
    exponent = number.as_tuple().exponent
    if is_small and isinstance(exponent, int) and exponent < -PLACES:
        return round(number, PLACES)
    return number
