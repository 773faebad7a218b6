"""Terminal output of all commands: untrusted text cannot control the terminal.

A user name, a product name in a file and a server's message may contain escape sequences, line
ends, direction overrides or markup. Commands print only through ``print_line``, ``print_json`` and
``console``; a test checks it.
"""

import json
from typing import TYPE_CHECKING

import typer

from useby.domain.visible import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def print_line(text: str, *, err: bool = False) -> None:
    """Print one line, on stderr if ``err``."""
    typer.echo(visible(text), err=err)


def print_json(value: object, *, indent: int | None = 2) -> None:
    """Print a value as JSON; control characters are escaped, which changes no value."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    typer.echo("".join(map(_escaped, text)))


def console(*, err: bool = False) -> "Console":
    """Return a console that does not interpret markup; untrusted text goes into ``cell``."""
    from rich.console import Console  # noqa: PLC0415 - most commands print lines only

    return Console(stderr=err, markup=False, emoji=False, highlight=False)


def cell(text: str, style: str = "") -> "Text":
    """Return text for a table's cell."""
    from rich.text import Text  # noqa: PLC0415 - as above

    return Text(visible(text), style)


def _escaped(char: str) -> str:
    if char.isprintable() or char == "\n":  # an indent's line end; texts have theirs escaped
        return char
    return json.dumps(char)[1:-1]
