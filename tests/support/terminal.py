"""A pseudo-terminal with a screen of rows, as a person's terminal program draws it."""

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import struct
import termios
import unicodedata
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import Final

SEQUENCE: Final = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])")
UNFINISHED: Final = re.compile(r"\x1b(\[[?\d;]*)?$")


class Terminal:
    """The screen: written with wrapping at the edge and scrolling at the last row.

    It understands what a full-screen program needs at least: the cursor's first place, clearing,
    the alternate screen. Colours are passed over.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self._ours, self.program_end = pty.openpty()
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._unread = ""
        self.resize(columns, rows)
        asyncio.get_running_loop().add_reader(self._ours, self._read)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._ours)
        os.close(self._ours)
        os.close(self.program_end)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size, and clear the screen."""
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.program_end, termios.TIOCSWINSZ, size)
        self._columns, self._height = columns, rows
        self._clear()

    @property
    def rows(self) -> list[str]:
        return ["".join(row).rstrip() for row in self._cells]

    @property
    def text(self) -> str:
        return "\n".join(self.rows)

    def shows(self, *texts: str) -> bool:
        """Each text stands within one row."""
        return all(any(text in row for row in self.rows) for text in texts)

    def _clear(self) -> None:
        self._cells = [[" "] * self._columns for _ in range(self._height)]
        self._x = self._y = 0
        self.has_scrolled = False
        """True if the first row was lost since the cursor was last there."""

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # Linux's end of a terminal that no program holds
            self._feed(self._decoder.decode(os.read(self._ours, 65536)))

    def _feed(self, output: str) -> None:
        output = self._unread + output
        self._unread = unfinished[0] if (unfinished := UNFINISHED.search(output)) else ""
        output = output.removesuffix(self._unread)
        at = 0
        for sequence in SEQUENCE.finditer(output):
            self._write(output[at : sequence.start()])
            self._obey(sequence[1], sequence[2])
            at = sequence.end()
        self._write(output[at:])

    def _obey(self, number: str, letter: str) -> None:
        if letter == "H" and not number:
            self._x = self._y = 0
            self.has_scrolled = False
        elif (letter, number) == ("J", "2") or number == "?1049":
            self._clear()

    def _write(self, text: str) -> None:
        for char in text:
            if char == "\r":
                self._x = 0
            elif char == "\n":
                self._line_feed()
            elif not unicodedata.combining(char):
                width = 2 if unicodedata.east_asian_width(char) in "WF" else 1
                if self._x + width > self._columns:
                    self._x = 0
                    self._line_feed()
                self._cells[self._y][self._x : self._x + width] = [char] + [""] * (width - 1)
                self._x += width

    def _line_feed(self) -> None:
        if self._y + 1 < self._height:
            self._y += 1
            return
        self._cells = [*self._cells[1:], [" "] * self._columns]
        self.has_scrolled = True


@contextlib.contextmanager
def terminal(columns: int, rows: int) -> Iterator[Terminal]:
    """A pseudo-terminal; call it on an event loop, which reads what programs print."""
    screen = Terminal(columns, rows)
    try:
        yield screen
    finally:
        screen.close()
