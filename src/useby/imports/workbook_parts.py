"""Refuse an XLSX workbook that would take much more memory than a usual one.

A workbook is a ZIP archive of parts. openpyxl finds a part by the names that other parts give, so
the parts to check are all of them, whatever their names are. The sizes that the directory of the
archive states are checked before anything is unpacked, and no more than these sizes is ever
unpacked. Tags are counted before they are parsed. A part may have very many of them only if it has
the usual name of a sheet or of the shared strings, and is that and nothing else.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from useby.imports.tables import UnreadableFile

MOST_UNPACKED: Final = 48 * 1024 * 1024
"""Maximum size of all unpacked parts, in bytes; 20,000 rows take some 10 MiB."""
MOST_PARTS: Final = 1000
"""Maximum files in the archive."""
MOST_IN_A_SHEET: Final = 3_000_000
"""Maximum tags and attributes of a sheet; a cell has some seven, and openpyxl may have all of them
in memory, as one row."""
MOST_STRINGS: Final = 1_000_000
"""Maximum tags and attributes of the table of shared strings."""
MOST_IN_A_PART: Final = 100_000
"""Maximum tags and attributes of another part, such as the styles."""
PIECE: Final = 1024 * 1024
NOT_READABLE: Final = "the file is not a workbook that can be read; save it again as XLSX or CSV"
_ENTRY: Final = b"PK\x01\x02"
_TYPES: Final = "[Content_Types].xml"
_KIND: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_LARGE: Final = (
    (re.compile(r"xl/worksheets/[^/]+\.xml"), f"{_KIND}worksheet+xml", MOST_IN_A_SHEET),
    (re.compile(r"xl/sharedStrings\.xml"), f"{_KIND}sharedStrings+xml", MOST_STRINGS),
)
"""Names of parts that may have many tags, with the only content type that they may have, and the
maximum."""
_CHART_SHEET: Final = re.compile(r"(?:/xl/)?chartsheets/[^/]+")
"""Target of a chart sheet, which openpyxl parses as a whole; it is no part that may be large."""
_BEFORE_XML: Final = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"
"""Bytes that may stand before the first tag: blanks, marks of encodings, and halves of UTF-16."""


def check(data: bytes) -> None:
    """Check the parts of a workbook.

    Raises:
        UnreadableFile: The archive is damaged or too large.
    """
    if data.count(_ENTRY) > MOST_PARTS:
        raise _too_large()
    try:
        is_usual = _is_small(data)
    except Exception:  # noqa: BLE001 - the library raises many types for a hostile file
        raise UnreadableFile(NOT_READABLE) from None
    if not is_usual:
        raise _too_large()


def _is_small(data: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
        if sum(part.file_size for part in parts) > MOST_UNPACKED:
            return False
        for part in parts:
            with archive.open(part) as opened:
                pieces = iter(partial(opened.read, PIECE), b"")
                if not _has_few_tags(pieces, _most(part.filename)):
                    return False
        return _has_usual_names(archive)


def _most(name: str) -> int:
    """Return the maximum number of tags and attributes of a part."""
    return next((most for form, _, most in _LARGE if form.fullmatch(name)), MOST_IN_A_PART)


def _has_few_tags(pieces: Iterable[bytes], most: int) -> bool:
    """Count tags and attributes: each takes many times its own length in memory.

    A picture has none: the parser stops at its first byte.
    """
    count = 0
    is_xml = False
    for piece in pieces:
        is_xml = is_xml or (piece.lstrip(_BEFORE_XML) or b"<").startswith(b"<")
        if not is_xml:
            return True
        count += piece.count(b"<") + piece.count(b"=")
        if count > most:
            return False
    return True


def _has_usual_names(archive: zipfile.ZipFile) -> bool:
    """Return whether each part that may have many tags is what its name states."""
    for name, content_type in _named(archive, _TYPES, "PartName", "ContentType"):
        if any(form.fullmatch(name[1:]) and content_type != kind for form, kind, _ in _LARGE):
            return False
    relationships = (name for name in archive.namelist() if name.endswith(".rels"))
    return all(
        "chartsheet" not in kind or _CHART_SHEET.fullmatch(target)
        for part in relationships
        for target, kind in _named(archive, part, "Target", "Type")
    )


def _named(archive: zipfile.ZipFile, part: str, name: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield two attributes of the elements of a part that have the first one."""
    # It is that of defusedxml, which refuses entities.
    from openpyxl.xml.functions import fromstring  # noqa: PLC0415 - only this format needs it

    for element in fromstring(archive.read(part)):
        value = element.get(name)
        if value is not None:
            yield value, element.get(kind, "")


def _too_large() -> UnreadableFile:
    return UnreadableFile(
        f"the workbook has too many cells, or more than {MOST_UNPACKED // 2**20} MiB unpacked;"
        " save it as CSV, or import it in parts"
    )
