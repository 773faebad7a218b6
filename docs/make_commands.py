"""Write docs/reference/commands.md from the help of the commands (``make docs``)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from useby.cli import COMMANDS, app

PAGE = Path(__file__).parent / "reference" / "commands.md"
HEAD = """# Commands

`make docs` generates this page from the commands' own help, which `--help` prints. A command that
changes data writes to the database itself, also while a node runs: it takes the database from
`USEBY_DATABASE_URL`, `.env` or `--database` ([settings](settings.md)). Its status is 0, 1 if it
failed, and 2 if its arguments were wrong.

| command | |
|---|---|
"""


def page() -> str:
    """Return the text of the page."""
    root = typer.main.get_command(app)
    context = typer.Context(root, info_name="useby")
    contents = (f"| [`useby {name}`](#useby-{name}) | {line} |" for name, line in COMMANDS.items())
    parts = [HEAD + "\n".join(contents)]
    for name in COMMANDS:
        parts += _sections(root.get_command(context, name), context)  # type: ignore[attr-defined]
    return "\n\n".join(parts) + "\n"


def _sections(command: Any, parent: typer.Context) -> Iterator[str]:
    """Yield the text of a command and of those below it."""
    context = typer.Context(command, info_name=command.name, parent=parent)
    below = [command.get_command(context, each) for each in _names(command, context)]
    path = context.command_path
    depth = "#" * min(len(path.split()), 3)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    text = [f"{depth} {path}", *_paragraphs(command.help or "")]
    if not below:
        text += [f"```\n{usage}\n```"]
    if rows := list(_rows(command, context)):
        text += ["| argument or option | |\n|---|---|\n" + "\n".join(rows)]
    yield "\n\n".join(text)
    for each in below:
        yield from _sections(each, context)


def _names(command: Any, context: typer.Context) -> list[str]:
    return command.list_commands(context) if hasattr(command, "list_commands") else []


def _paragraphs(text: str) -> Iterator[str]:
    for each in text.split("\n\n"):
        if each.strip():
            yield " ".join(each.split())


def _rows(command: Any, context: typer.Context) -> Iterator[str]:
    for each in command.get_params(context):
        record = each.get_help_record(context)
        if record is not None and each.name != "help":
            name, meaning = (part.replace("|", "\\|") for part in record)
            yield f"| `{name}` | {' '.join(meaning.split())} |"


if __name__ == "__main__":
    PAGE.write_text(page())
