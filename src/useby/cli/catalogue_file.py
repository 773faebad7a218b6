"""Read an Open Food Facts dump: tab-separated or JSON lines, perhaps compressed by gzip.

Memory is bounded, whatever the file contains: it is read line by line, and a line has a maximum
length. Cells of the tab-separated dump are not quoted, so a line is split without a CSV parser; of
its two hundred cells four are decoded.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, Final

from pydantic_core import from_json

from useby.cli.options import CommandError
from useby.domain.gs1 import canonical_gtin, is_internal
from useby.store.catalogue import Entry

LONGEST_LINE: Final = 8 * 2**20
"""Maximum length of a line in bytes."""
SORT_BATCH: Final = 20_000
"""Entries in memory. They are stored in the order of their codes, which writes fewer pages of the
table than the order of the file does."""
COLUMNS: Final = ("code", "product_name", "brands", "quantity")
MAX_NAME, MAX_BRAND, MAX_QUANTITY = 200, 100, 50
_GZIP: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"


class Dump:
    """The entries of a dump, and the numbers of its lines."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Open a dump.

        Args:
            file: The file, at its beginning.
            name: Its name, for messages.
        """
        self.loaded = 0
        """Entries so far."""
        self.broken = 0
        """Lines so far that are not as the others."""
        self.left_out = 0
        """Products so far that have no name, no GTIN, or a number for use within a company."""
        self._name = name
        start = file.read(len(_GZIP))
        file.seek(0)
        self._stream: BinaryIO = file
        if start == _GZIP:
            self._stream = io.BufferedReader(gzip.GzipFile(fileobj=file))

    def slices(self, most: int) -> Iterator[list[Entry]]:
        """Yield the entries, at most so many together, each code once.

        Raises:
            CommandError: The file is not a dump.
        """
        entries = self._entries()
        while together := list(islice(entries, SORT_BATCH)):
            by_code = {entry.code: entry for entry in together}
            codes = sorted(by_code)
            for at in range(0, len(codes), most):
                yield [by_code[code] for code in codes[at : at + most]]

    def _entries(self) -> Iterator[Entry]:
        try:
            first = self._stream.readline(LONGEST_LINE).removeprefix(_BOM)
            if first.lstrip().startswith(b"{"):
                yield from self._kept(map(_of_json, self._lines(first)))
            else:
                places, width = self._columns(first)
                rows = (_of_cells(line, places, width) for line in self._lines(b""))
                yield from self._kept(rows)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise CommandError(
                f"{self._name}: the compressed file is damaged after {self.loaded} products, which"
                f" were loaded ({error}): download it again"
            ) from None

    def _lines(self, first: bytes) -> Iterator[bytes]:
        """Yield the lines; one that is too long is counted and skipped."""
        line = first or self._stream.readline(LONGEST_LINE)
        while line:
            if line.endswith(b"\n") or len(line) < LONGEST_LINE:
                if not line.isspace():
                    yield line
            else:
                self.broken += 1
                while line and not line.endswith(b"\n"):
                    line = self._stream.readline(LONGEST_LINE)
            line = self._stream.readline(LONGEST_LINE)

    def _columns(self, header: bytes) -> tuple[tuple[int, ...], int]:
        names = [name.strip(b'"') for name in header.rstrip(b"\r\n").split(b"\t")]
        missing = [name for name in COLUMNS[:2] if name.encode() not in names]
        if missing:
            raise CommandError(
                f"{self._name}: the first line has no column {missing[0]}: the file must be a dump"
                " of Open Food Facts, with tabs between its columns or as JSON lines"
            )
        wanted = (name.encode() for name in COLUMNS)
        return tuple(names.index(name) if name in names else -1 for name in wanted), len(names)

    def _kept(self, products: Iterator[tuple[str, ...] | None]) -> Iterator[Entry]:
        """Yield the entries of products that can be found by their code."""
        for product in products:
            if product is None:
                self.broken += 1
                continue
            code, name, brand, quantity = product
            gtin = canonical_gtin(code)
            name = _one_line(name, MAX_NAME)
            if gtin is None or not name or is_internal(gtin):
                self.left_out += 1
                continue
            self.loaded += 1
            yield Entry(gtin, name, _one_line(brand, MAX_BRAND), _one_line(quantity, MAX_QUANTITY))


def _of_cells(line: bytes, places: tuple[int, ...], width: int) -> tuple[str, ...] | None:
    """Return the texts of a line of cells; ``None`` if it is broken."""
    cells = line.rstrip(b"\r\n").split(b"\t")
    if len(cells) != width:
        return None
    try:
        return tuple(_unquoted(cells[place].decode()) if place >= 0 else "" for place in places)
    except UnicodeDecodeError:
        return None


def _of_json(line: bytes) -> tuple[str, ...] | None:
    """Return the texts of a line of JSON; ``None`` if it is broken."""
    try:
        product = from_json(line)
    except ValueError:
        return None
    if not isinstance(product, dict):
        return None
    texts = [value if isinstance(value := product.get(name), str) else "" for name in COLUMNS]
    if isinstance(code := product.get("code"), int) and 0 <= code < 10**14:
        texts[0] = str(code)
    return tuple(texts)


def _unquoted(cell: str) -> str:
    """Return a cell without the quotes that other programs add when they write the dump again."""
    if len(cell) > 1 and cell.startswith('"') and cell.endswith('"'):
        return cell[1:-1].replace('""', '"')
    return cell


def _one_line(text: str, most: int) -> str:
    """Return the beginning of a text with single blanks and without control characters."""
    text = " ".join(text[: 4 * most].split())
    if not text.isprintable():
        text = "".join(char for char in text if char.isprintable())
    return text[:most].rstrip()
