"""Name the program of a sign-in in plain words, from the ``User-Agent`` that it sent.

Only names of the two lists below are stored, and the first word of a program that is no browser. So
what is shown has no version, no mark-up, and at most ``MOST_LETTERS`` characters.
"""

import re
from dataclasses import dataclass
from typing import Final

MOST_LETTERS: Final = 32
"""Maximum length of a name."""
_READ: Final = 512
"""Characters of a ``User-Agent`` that are read; those of browsers have some 120."""
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""Part of a ``User-Agent`` by which a browser is recognized. Most contain those that come after."""
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
_PROGRAM: Final = re.compile(
    rf"(?!Mozilla/)[A-Za-z][A-Za-z0-9._-]{{0,{MOST_LETTERS - 1}}}(?=[/ ]|$)"
)


@dataclass(frozen=True, slots=True)
class ClientName:
    """Names of a program and of the system that it runs on, each ``None`` if it is unknown."""

    program: str | None = None
    """A browser, e.g. ``Firefox``, or the first word of another program, e.g. ``curl``."""
    system: str | None = None
    """The operating system or device, e.g. ``Android``."""


UNNAMED: Final = ClientName()


def client_name(user_agent: str | None) -> ClientName:
    """Return the names in a ``User-Agent``; any text is accepted."""
    text = (user_agent or "")[:_READ]
    program = _PROGRAM.match(text)
    return ClientName(program[0] if program else _first(_BROWSERS, text), _first(_SYSTEMS, text))


def _first(names: tuple[tuple[str, str], ...], text: str) -> str | None:
    return next((name for part, name in names if part in text), None)
