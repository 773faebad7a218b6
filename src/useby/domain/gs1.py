"""Read barcodes by the GS1 General Specifications: GTINs and element strings. Pure.

Section numbers are those of the specifications. A trade item has one number in several spellings:
GTIN-8, GTIN-12, GTIN-13, GTIN-14, each perhaps padded with zeros, and UPC-E. They meet in the
canonical GTIN of 14 digits (section 3.3.2).
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

LONGEST: Final = 512
"""Maximum length of text that is read as a barcode; a longer one has no GTIN."""
SEPARATOR: Final = "\x1d"
"""The character that a scanner sends for the symbol FNC1 between two elements (section 7.8)."""

_NUMBER: Final = re.compile(r"[0-9]{8}|[0-9]{12,14}")
_PRINTED: Final = re.compile(r"[0-9]+(?:[ \u00a0-][0-9]+)+")
"""Digits as they stand below a barcode, or in an ISBN: with blanks or hyphens between them."""
_GTIN_14: Final = re.compile(r"[0-9]{14}")
_SYMBOLOGY: Final = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_OF_ELEMENTS: Final = frozenset({"]C1", "]d2", "]e0", "]e1", "]e2", "]J1", "]Q3"})
"""Symbology identifiers of GS1-128, DataMatrix, DataBar, DotCode and QR code (section 5.1.2)."""
_EAN_8: Final = "]E4"
_LENGTHS: Final = {
    "00": 20,
    "01": 16,
    "02": 16,
    "03": 16,
    "04": 18,
    "20": 4,
    "41": 16,
    **{str(identifier): 8 for identifier in range(11, 20)},
    **{str(identifier): 10 for identifier in range(31, 37)},
}
"""Length of an element by the first two digits of its application identifier, where that is
predefined (section 7.8.5). Other elements end at a separator."""
_BARE: Final = re.compile(
    r"0[12][0-9]{14}|00[0-9]{18}"
    r"|1[123567][0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])(?=[0-9]{2}.)"
)
"""Beginning of an element string that nothing announces: a GTIN, a SSCC, or a date and more."""
_PARENTHESES: Final = re.compile(r"\(([0-9]{2,4})\)")
_LINK: Final = re.compile(r"https?://", re.IGNORECASE)
_LINK_NUMBER: Final = re.compile(r"[0-9]{8,14}")
_LINK_KEYS: Final = {"gtin": "01", "lot": "10", "ser": "21", "exp": "17"}
"""Short names that version 1.1 of the GS1 Digital Link standard allowed."""
_IDENTIFIER: Final = re.compile(r"[0-9]{2,4}")


def check_digit(digits: str) -> int:
    """Return the digit that completes ``digits``, which are all but the last of a GTIN.

    From the right, digits weigh 3 and 1 in turn, and the whole sum is a multiple of ten (section
    7.9).
    """
    return -(3 * sum(map(int, digits[::-2])) + sum(map(int, digits[-2::-2]))) % 10


def canonical_gtin(barcode: str) -> str | None:
    """Return the GTIN of a barcode in 14 digits.

    Args:
        barcode: Text as it was scanned or typed: a number, an element string or a GS1 Digital Link.

    Returns:
        The GTIN; ``None`` if the barcode has none, or one with a wrong check digit.
    """
    number = _number_of(barcode)
    if number is None or not number.strip("0"):
        return None
    if _is_upc_e(barcode, number):
        return upc_a(number).zfill(14)
    return number.zfill(14) if _is_right(number) else None


def upc_a(number: str) -> str:
    """Return the 12 digits for which the 8 digits of a UPC-E code stand (section 5.2.2.4.2)."""
    head, last, check = number[:6], number[6], number[7]
    if last in "012":
        return f"{head[:3]}{last}0000{head[3:]}{check}"
    if last == "3":
        return f"{head[:4]}00000{head[4:]}{check}"
    if last == "4":
        return f"{head[:5]}00000{head[5:]}{check}"
    return f"{head}0000{last}{check}"


def is_internal(gtin: str) -> bool:
    """Return whether a canonical GTIN has a meaning in one company or region only.

    These are the prefixes of restricted circulation: 02, 04 and 20 to 29 (section 1.4.2), and of
    eight digits those that begin with 0 or 2 (section 1.4.3). Two shops use one for two products.
    """
    if gtin.startswith("000000"):
        return gtin[6] in "02"
    return gtin.startswith(("002", "004", "02"))


def check_digit_warning(barcode: str) -> str | None:
    """Return a sentence if a barcode has the form of a GTIN and a wrong check digit."""
    number = _number_of(barcode)
    if number is None or _is_right(number) or _is_upc_e(barcode, number):
        return None
    right = check_digit(number[:-1])
    if len(number) == len("12345670"):
        return (
            f"{number} is no GTIN-8, whose last digit would be {right}: it is kept as it is, as a"
            " number of another system."
        )
    return f"The check digit of {number} is wrong: {number[:-1]}{right} would be right."


def upc_e_note(barcode: str) -> str | None:
    """Return a sentence if a barcode is read as UPC-E: its eight digits may be another number."""
    number = _number_of(barcode)
    if number is None or not _is_upc_e(barcode, number):
        return None
    return f"{number} is read as a UPC-E code, which stands for {upc_a(number)}."


def element_string(barcode: str) -> str | None:
    """Return the element string of a barcode without parentheses or symbology identifier.

    Args:
        barcode: Text as it was scanned or typed.

    Returns:
        Elements one after the other, separated where their notation shows the end of one; ``None``
        if the barcode is something else.
    """
    text = barcode.strip()
    if len(text) > LONGEST:
        return None
    identifier = _SYMBOLOGY.match(text)
    rest = text[identifier.end() :] if identifier else text
    if _LINK.match(rest):
        return _from_link(rest)
    if rest.startswith("("):
        return _from_parentheses(rest)
    announced = barcode.startswith(SEPARATOR) or text[:3] in _OF_ELEMENTS
    if announced or SEPARATOR in rest:
        return rest
    return rest if _BARE.match(rest) and not _NUMBER.fullmatch(rest) else None


def elements(text: str) -> Iterator[str]:
    """Yield each element of an element string: its application identifier and its value."""
    while text := text.lstrip(SEPARATOR):
        element = text.partition(SEPARATOR)[0][: _LENGTHS.get(text[:2])]
        yield element
        text = text[len(element) :]


def _number_of(barcode: str) -> str | None:
    """Return the digits that have the form of a GTIN."""
    text = barcode.strip()
    if not text or _NUMBER.fullmatch(text):
        return text or None
    if _PRINTED.fullmatch(text):
        number = re.sub("[^0-9]", "", text)
        is_number = _NUMBER.fullmatch(number) is not None
        return number if is_number and (_is_right(number) or _is_upc_e("", number)) else None
    found = element_string(barcode)
    if found is not None:
        trade_items = (each[2:] for each in elements(found) if each.startswith("01"))
        return next(filter(_GTIN_14.fullmatch, trade_items), None)
    identifier = _SYMBOLOGY.match(text)
    rest = text[identifier.end() :] if identifier else ""
    return rest if _NUMBER.fullmatch(rest) else None


def _is_right(number: str) -> bool:
    return check_digit(number[:-1]) == int(number[-1])


def _is_upc_e(barcode: str, number: str) -> bool:
    """Return whether eight digits are UPC-E, whose first digit is 0 (section 5.2.2.4).

    As a GTIN-8 such a number would be one for use within a company, so UPC-E comes first.
    """
    is_short = len(number) == len("01234565") and number.startswith("0") and number.strip("0")
    return bool(is_short) and not barcode.startswith(_EAN_8) and _is_right(upc_a(number))


def _from_parentheses(text: str) -> str | None:
    before, *parts = _PARENTHESES.split(text)
    if before or not parts:
        return None
    return SEPARATOR.join(map(_element, parts[::2], parts[1::2]))


def _from_link(text: str) -> str | None:
    """Read a GS1 Digital Link: keys and values in the path, then in the query."""
    try:
        link = urlsplit(text)
        query = parse_qsl(link.query.replace(";", "&"))
    except ValueError:
        return None
    parts = [unquote(part) for part in link.path.split("/")]
    keys = [_LINK_KEYS.get(part, part) for part in parts]
    pairs = zip(keys, parts[1:], strict=False)
    starts = (at for at, (key, value) in enumerate(pairs) if key == "01" and _is_of_link(value))
    place = next(starts, None)
    if place is None:
        return None
    found = [*zip(keys[place::2], parts[place + 1 :: 2], strict=False)]
    found += [(_LINK_KEYS.get(key, key), value) for key, value in query]
    return SEPARATOR.join(
        _element(key, value) for key, value in found if _IDENTIFIER.fullmatch(key)
    )


def _is_of_link(text: str) -> bool:
    return _LINK_NUMBER.fullmatch(text) is not None


def _element(identifier: str, value: str) -> str:
    value = value.replace(SEPARATOR, "").strip()
    return identifier + (value.zfill(14) if identifier == "01" else value)
