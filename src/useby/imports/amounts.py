"""Read numbers as people of different countries write them."""

import re
from collections.abc import Iterable
from typing import Final

_SPACE: Final = re.compile("(?<=\\d)[ \u00a0\u2009\u202f'\u2019](?=\\d)")
_COMMA_GROUPS: Final = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_POINT_GROUPS: Final = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]+)?")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?[0-9]*(,[0-9]{1,2}|,[0-9]{4,}|(?<=\b0),[0-9]+)")
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
    """Return a number with a decimal point and without groups, or the text if it is none."""
    text = _SPACE.sub("", text)
    if decimal_commas:
        if _POINT_GROUPS.fullmatch(text):
            text = text.replace(".", "")
        return text.replace(",", ".", 1)
    if _COMMA_GROUPS.fullmatch(text):
        return text.replace(",", "")
    return text
