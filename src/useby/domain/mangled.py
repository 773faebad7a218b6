"""Recognize barcodes that a spreadsheet has changed, and repair them where that is certain. Pure.

A spreadsheet reads a barcode as a number: it drops leading zeros, adds decimals, and rounds it to a
few digits with an exponent. A text that is to stay a text gets an apostrophe or a formula.
"""

import re
from dataclasses import dataclass
from typing import Final

from useby.domain.gs1 import canonical_gtin

_AS_TEXT: Final = re.compile(r"""['\u2018\u2019`\u00b4](.+)|="(.+)\"""")
_WITH_DECIMALS: Final = re.compile(r"([0-9]{7,14})[.,]0+")
_WITH_EXPONENT: Final = re.compile(r"([0-9])(?:[.,]([0-9]{1,20}))?[eE]\+([0-9]{1,2})")
_ROUND: Final = re.compile(r"[1-9][0-9]{5,8}0{5,}")
"""A number that was shortened to a few digits, and written out again with zeros."""
_GTIN_LENGTHS: Final = (11, 12, 13, 14)
"""Lengths of a GTIN that a spreadsheet shortens, also without a leading zero."""
_LENGTHS: Final = {7: 8, 10: 12, 11: 12}
"""Length of a GTIN by the digits that are left after leading zeros were dropped."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """A barcode after a repair."""

    barcode: str
    """The text to store: repaired if that is certain, else as it was given."""
    warning: str | None = None
    """A sentence about the damage; ``None`` if there is none."""
    is_lost: bool = False
    """True if digits are lost, so that a check digit proves nothing."""
    offered: str | None = None
    """The barcode that was probably meant, if it is not certain enough to be stored."""


def repair(text: str) -> Repaired:
    """Undo the damage that a spreadsheet does to barcodes."""
    given = text.strip()
    code = given
    if mark := _AS_TEXT.fullmatch(code):
        code = (mark[1] or mark[2]).strip()
    if decimals := _WITH_DECIMALS.fullmatch(code):
        code = decimals[1]
    elif exponent := _WITH_EXPONENT.fullmatch(code):
        digits = _all_digits(exponent[1], exponent[2] or "", int(exponent[3]))
        if digits is None:
            return Repaired(
                given,
                f"{given} is a number that a spreadsheet has shortened, and its last digits are"
                " lost: format the column as text and export it again.",
                is_lost=True,
            )
        code = digits
    if len(code) in _GTIN_LENGTHS and _ROUND.fullmatch(code):
        return Repaired(
            code,
            f"{code} may be a number that a spreadsheet has shortened, with zeros for digits that"
            " are lost: compare it with the package.",
            is_lost=True,
        )
    offered = _with_zeros(code)
    if offered is not None:
        return Repaired(
            code, f"{given} may have lost a leading zero: {offered} is a GTIN.", offered=offered
        )
    if code != given:
        return Repaired(code, f"{given} was changed by a spreadsheet: the barcode is {code}.")
    return Repaired(given)


def _all_digits(first: str, decimals: str, exponent: int) -> str | None:
    """Return the number without its exponent, if no digit is lost and it is a GTIN."""
    digits = first + decimals[:exponent]
    is_whole = len(decimals) >= exponent and not decimals[exponent:].strip("0")
    return digits if is_whole and canonical_gtin(digits) else None


def _with_zeros(code: str) -> str | None:
    length = _LENGTHS.get(len(code))
    if length is None or not (code.isascii() and code.isdigit()):
        return None
    padded = code.zfill(length)
    return padded if canonical_gtin(padded) else None
