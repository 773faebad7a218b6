"""Decode a text file whose encoding is not given.

A spreadsheet writes UTF-8, with or without a byte order mark, UTF-16, or the code page of its
system. Of the code pages only CP1252, that of Western Europe, is read: in texts as short as a list
of products, statistics cannot distinguish code pages.
"""

import codecs
from typing import Final

from useby.imports.tables import UnreadableFile

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE: Final = 1000
"""Bytes that show a UTF-16 text without a mark."""


def decode(data: bytes) -> tuple[str, str]:
    """Return the text of a file and its encoding.

    Raises:
        UnreadableFile: The file is not text in one of the encodings.
    """
    for encoding in _candidates(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, _name(encoding)
    raise UnreadableFile(
        "the file is not a text in UTF-8, UTF-16 or CP1252; save it as CSV in UTF-8, or as XLSX"
    )


def _candidates(data: bytes) -> tuple[str, ...]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return (encoding,)
    sample = data[:_SAMPLE]
    if len(data) % 2 == 0 and 0 in sample:
        # Latin letters of UTF-16 have a zero byte each, the second one in little-endian order.
        little = sample[1::2].count(0) >= sample[::2].count(0)
        return ("utf-16-le",) if little else ("utf-16-be",)
    return ("utf-8", "cp1252")


def _name(encoding: str) -> str:
    return "utf-16" if encoding.startswith("utf-16") else encoding
