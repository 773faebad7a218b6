"""Where a program keeps its place, so that the next run goes on from there."""

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from useby.client.ids import is_id


class Cursor(Protocol):
    """Keeps one text. It belongs to one ``Notifications`` at a time."""

    def load(self) -> str:
        """What was saved last; ``""`` if nothing was."""

    def save(self, text: str) -> None:
        """Keep this in place of what was."""


class MemoryCursor:
    """Lasts as long as the program."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._text = ""

    def load(self) -> str:
        """What was saved last."""
        return self._text

    def save(self, text: str) -> None:
        """Keep this."""
        self._text = text


class FileCursor:
    """Lasts as long as its file, which is replaced whole at each step.

    It is not synced: what goes with the power is a few steps, and those notifications come again.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Keep it at ``path``; the folder has to be there."""
        self._path = Path(path)

    def load(self) -> str:
        """What was saved last; ``""`` if there is no such file.

        Raises:
            OSError: The file is there and can't be read.
        """
        with contextlib.suppress(FileNotFoundError):
            return self._path.read_text("utf-8", errors="replace")
        return ""

    def save(self, text: str) -> None:
        """Keep this.

        Raises:
            OSError: It can't be written.
        """
        beside = self._path.with_name(self._path.name + ".new")
        beside.write_text(text, "utf-8")
        beside.replace(self._path)


@dataclass(frozen=True, slots=True)
class Position:
    """What is kept: how far the application is, and what the server does not have yet."""

    after: str = ""
    """The newest notification that was handled; ``""`` if none was."""
    marks: Sequence[str] = ()
    """Ids whose marks are not known to be durable."""
    replay_baseline: int = 0
    """The newest ``seq`` there was when only what was unread was asked for."""

    def text(self) -> str:
        """As a cursor keeps it."""
        return json.dumps(
            {"after": self.after, "begun": self.replay_baseline, "marks": list(self.marks)}
        )

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Read what a cursor kept; what can't be read, or is no id, counts as nothing."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(value, dict):
            return cls()
        after, begun, marks = value.get("after"), value.get("begun"), value.get("marks")
        return cls(
            after if is_id(after) else "",
            [each for each in marks if is_id(each)] if isinstance(marks, list) else (),
            begun if isinstance(begun, int) else 0,
        )
