"""Find settings whose names are misspelt, in the environment and in ``.env``.

A misspelt setting has no effect: ``USEBY_SIGNPU=false`` would leave sign-up open. Names that begin
neither with ``USEBY`` nor nearly so belong to other programs.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path
from typing import Final

from useby.settings import Settings

PREFIX: Final = "USEBY"
NEARLY: Final = 0.8
"""Similarity from which a name counts as a misspelt one; ``USBEY`` and ``USEBY`` have 0.8."""
SETTINGS: Final = [f"{PREFIX}_{name.upper()}" for name in Settings.model_fields]
OTHERS: Final = frozenset(
    f"{PREFIX}_{name}" for name in ("HOUSEHOLD", "TOKEN", "URL", "EMAIL", "PASSWORD")
)
"""Variables of commands and of the examples."""
_LINE: Final = re.compile(r"\s*(?:export\s+)?([\w.-]+)\s*(=?)", re.ASCII)


def misspelt(environment: Mapping[str, str], file: Path) -> list[str]:
    """Return a sentence for each variable, and each line of the file, that sets nothing."""
    return [*_in_environment(environment), *_in_file(file)]


def _in_environment(environment: Mapping[str, str]) -> Iterator[str]:
    for name in environment:
        if _is_unknown(name.upper()):
            yield f"{name} is not a setting{_nearest(name.upper())}"


def _in_file(file: Path) -> Iterator[str]:
    if not file.is_file():
        return
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), start=1):
        match = _LINE.match(line)
        if match is None:
            continue
        name, equals = match.groups()
        if _is_unknown(name.upper()):
            yield f"{file}, line {number}: {name} is not a setting{_nearest(name.upper())}"
        elif not equals and name.upper() in SETTINGS:
            yield f"{file}, line {number}: {name} has no value; write {name}=VALUE"


def _is_unknown(name: str) -> bool:
    if name in SETTINGS or name in OTHERS:
        return False
    if name.startswith(f"{PREFIX}_"):
        return True
    near = SequenceMatcher(None, name[: len(PREFIX)], PREFIX).ratio() >= NEARLY
    return near and bool(get_close_matches(name, SETTINGS, 1, NEARLY))


def _nearest(name: str) -> str:
    matches = get_close_matches(name, SETTINGS, 1)
    return (
        f"; the nearest is {matches[0]}" if matches else ": docs/reference/settings.md has them all"
    )
