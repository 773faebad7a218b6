"""Repair barcodes that a spreadsheet has taken for numbers, as far as their digits are left."""

import re
from decimal import Decimal
from typing import Final

from useby.domain.barcode import GTIN_LENGTHS, check_digit

_AS_TEXT: Final = re.compile('[\'\u2018\u2019]([0-9]+)|="([0-9]+)"')
"""A number that a spreadsheet was made to keep as text: ``'0123`` or ``="0123"``."""
_FRACTION: Final = re.compile(r"([0-9]{6,14})[.,]0+")
_EXPONENT: Final = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]{1,2}")
_LOST_A_ZERO: Final = (7, 11)
"""Digits of an EAN-8 and of a UPC-A without their leading zero."""


def repaired(text: str) -> tuple[str, str | None]:
    """Return a barcode, repaired where that is certain, and a warning if there is a reason."""
    if found := _AS_TEXT.fullmatch(text) or _FRACTION.fullmatch(text):
        code = found[1] or found[2]
        return code, f"{text} was changed by a spreadsheet, and is read as {code}"
    if _EXPONENT.fullmatch(text):
        number = Decimal(text.replace(",", "."))
        code = format(number, "f")
        if len(number.as_tuple().digits) == len(code) and _is_gtin(code):
            return code, f"{text} was changed by a spreadsheet, and is read as {code}"
        return text, (
            "a spreadsheet has shortened this barcode, and its last digits are lost: format the"
            " column as text and export it again"
        )
    if len(text) in _LOST_A_ZERO and text.isascii() and text.isdigit() and _is_gtin(f"0{text}"):
        return text, f"the leading zero may be lost: 0{text} would be a GTIN"
    return text, None


def canonical(barcode: str) -> str:
    """Return a GTIN in 14 digits, and another barcode as it is."""
    return barcode.zfill(14) if _is_gtin(barcode) else barcode


def _is_gtin(code: str) -> bool:
    return (
        len(code) in GTIN_LENGTHS
        and code.isascii()
        and code.isdigit()
        and check_digit(code[:-1]) == int(code[-1])
    )
