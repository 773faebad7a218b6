"""Store the position of a program, so that the next run continues from it."""

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from useby.client.ids import is_id


class Cursor(Protocol):
    """Storage of one text. A cursor belongs to one ``Notifications`` at a time."""

    def load(self) -> str:
        """Return the text saved last; ``""`` if there is none."""

    def save(self, text: str) -> None:
        """Replace the stored text."""


class MemoryCursor:
    """Cursor in memory; it is gone when the program ends."""

    def __init__(self) -> None:
        """Create an empty cursor."""
        self._text = ""

    def load(self) -> str:
        """Return the text saved last."""
        return self._text

    def save(self, text: str) -> None:
        """Store the text."""
        self._text = text


class FileCursor:
    """Cursor in a file, which each save replaces atomically.

    The file is not synced: a power failure may lose the last few saves, and the notifications
    handled since then are delivered again.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Use the file at ``path``; its folder must exist."""
        self._path = Path(path)

    def load(self) -> str:
        """Return the text saved last; ``""`` if the file does not exist.

        Raises:
            OSError: The file exists and cannot be read.
        """
        with contextlib.suppress(FileNotFoundError):
            return self._path.read_text("utf-8", errors="replace")
        return ""

    def save(self, text: str) -> None:
        """Replace the file.

        Raises:
            OSError: The file cannot be written.
        """
        beside = self._path.with_name(self._path.name + ".new")
        beside.write_text(text, "utf-8")
        beside.replace(self._path)


@dataclass(frozen=True, slots=True)
class Position:
    """Content of a cursor: the position of the application, and the marks not yet durable."""

    after: str = ""
    """Id of the newest notification handled; ``""`` if there is none."""
    marks: Sequence[str] = ()
    """Ids whose marks are not confirmed as durable."""
    replay_baseline: int = 0
    """Newest ``seq`` when a connection was last opened without ``since``."""

    def text(self) -> str:
        """Return the position as JSON text for a cursor."""
        return json.dumps(
            {"after": self.after, "begun": self.replay_baseline, "marks": list(self.marks)}
        )

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Parse the text of a cursor; unreadable text and invalid ids are ignored."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(value, dict):
            return cls()
        after, begun, marks = value.get("after"), value.get("begun"), value.get("marks")
        return cls(
            after if is_id(after) else "",
            [mark for mark in marks if is_id(mark)] if isinstance(marks, list) else (),
            begun if isinstance(begun, int) else 0,
        )
