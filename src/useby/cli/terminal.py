"""The one way from a command to the terminal: text that others wrote cannot steer it.

A name that anybody may sign up with, a product's name in a file, a message of a server: each may
hold escape sequences, line ends, direction overrides or markup. Commands print by ``say``,
``say_json`` and ``console``, and by nothing else; a test checks it.
"""

import json
from typing import TYPE_CHECKING

import typer

from useby.domain.visible import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def say(text: str, *, err: bool = False) -> None:
    """Print one line, on stderr if ``err``."""
    typer.echo(visible(text), err=err)


def say_json(value: object, *, indent: int | None = 2) -> None:
    """Print a value as JSON; what a terminal would obey is escaped, which changes no value."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    typer.echo("".join(map(_escaped, text)))


def console(*, err: bool = False) -> "Console":
    """Return a console that takes no text for markup; what others wrote goes into ``cell``."""
    from rich.console import Console  # noqa: PLC0415 - most commands print lines only

    return Console(stderr=err, markup=False, emoji=False, highlight=False)


def cell(text: str, style: str = "") -> "Text":
    """Return text for a table's cell."""
    from rich.text import Text  # noqa: PLC0415 - as above

    return Text(visible(text), style)


def _escaped(char: str) -> str:
    if char.isprintable() or char == "\n":  # of the indent; within a text it is escaped already
        return char
    return json.dumps(char)[1:-1]
