"""Read numbers as people of different countries write them."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from useby.imports.tables import Note

_SPACE: Final = re.compile("(?<=\\d)[ \u00a0\u2009\u202f'\u2019](?=\\d)")
_COMMA_GROUPS: Final = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_POINT_GROUPS: Final = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]+)?")
_LONG: Final = re.compile(r"[+-]?[0-9]{0,12}\.[0-9]{7,100}")
PLACES: Final = 6
"""Digits of a quantity behind the point."""
_MOST: Final = Decimal(10**12)
_TWO_WAYS: Final = re.compile(r"[+-]?[1-9][0-9]{0,2}([.,])[0-9]{3}")
_READABLE: Final = re.compile(r"[+-]?[0-9]*\.?[0-9]+")


def _certain(sign: str, other: str) -> re.Pattern[str]:
    """Return a pattern of numbers in which ``sign`` can only be the decimal sign."""
    sign, other = re.escape(sign), re.escape(other)
    return re.compile(
        rf"[+-]?(?:[0-9]*{sign}(?:[0-9]{{1,2}}|[0-9]{{4,}})|0*{sign}[0-9]+"
        rf"|[0-9]{{1,3}}(?:{other}[0-9]{{3}})+{sign}[0-9]+|[0-9]{{1,3}}(?:{other}[0-9]{{3}}){{2,}})"
    )


_DECIMAL_COMMA: Final = _certain(",", ".")
_DECIMAL_POINT: Final = _certain(".", ",")


def has_decimal_commas(cells: Iterable[str], *, otherwise: bool) -> bool:
    """Return whether a column's commas are decimal, which its own values show.

    Args:
        cells: The numbers of the column.
        otherwise: The answer where no value shows it, as ``1,250``.
    """
    points = False
    for cell in cells:
        text = _SPACE.sub("", cell)
        if _DECIMAL_COMMA.fullmatch(text):
            return True
        points = points or _DECIMAL_POINT.fullmatch(text) is not None
    return otherwise and not points


def noted(text: str, read: str, *, decimal_commas: bool) -> Note | None:
    """Return a note about a number that was read by the signs of others, or ``None``.

    Args:
        text: The number as the file has it.
        read: The number that ``plain`` returned for it.
        decimal_commas: True if the commas of the column are decimal.
    """
    if _READABLE.fullmatch(read) is None:
        return None
    text = _SPACE.sub("", text)
    sign = "commas" if decimal_commas else "points"
    if found := _TWO_WAYS.fullmatch(text):
        is_decimal = (found[1] == ",") is decimal_commas
        other = text.replace(found[1], "" if is_decimal else ".")
        return "two ways", (
            f"{text} is read as {read}, because decimal {sign} fit this file; it could be {other}"
        )
    if decimal_commas and "," in text:
        return "decimal comma", f"commas in this column are read as decimal: {text} is {read}"
    return None


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
