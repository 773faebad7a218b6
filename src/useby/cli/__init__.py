"""The command line: one module per command, found by its name and imported only when called.

Commands that change data write to the database themselves, also while a node runs; the node detects
the change. This package imports everything below it, and nothing imports it.
"""

import atexit
import contextlib
import gc
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from useby import __version__

COMMANDS: Final = {
    "serve": "Run a node.",
    "demo": "Run a node on ./useby-demo.db with a demo account.",
    "watch": "Show a person's notifications as they arrive.",
    "user": "Accounts: create, show, change, delete.",
    "token": "Print an access token that lasts as long as a sign-in.",
    "key": "Keys of programs: add, list, revoke.",
    "product": "Products: add, show, list, use up, import, export.",
    "lot": "Lots of products: list, add, change, open, freeze, use up.",
    "household": "Households: share stock, invite, change roles.",
    "alerts": "List the alerts that are still to come for a product.",
    "policy": "Policies: set when alerts are sent, or never.",
    "stats": "Show what a person has taken and thrown away.",
    "import": "Import products from a file.",
    "export": "Export all stock of a person to a file.",
    "calendar": "Calendars: create secret addresses of a person's dates, end them.",
    "scan": "Read a scanned barcode and find a person's product by it.",
    "catalogue": "Catalogue: load names of products by their barcodes.",
    "channel": "Channels: list what delivers notifications elsewhere, and test it.",
    "notify": "Send a notification to all devices of a person.",
    "migrate": "Create the database, or migrate it to this version.",
    "backup": "Copy the database and the file of its signing key.",
    "restore": "Check a backup and put it in the place of the database.",
    "copy": "Copy a SQLite database to PostgreSQL.",
    "doctor": "Check for misconfiguration and change nothing.",
}
"""Each command's module and its line in the list of commands, which imports none of the modules."""


class _Commands(TyperGroup):
    """The commands by name; a module is imported only when its command is called."""

    _only_listed = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        if self._only_listed:
            return TyperCommand(cmd_name, help=COMMANDS[cmd_name])
        command = typer.main.get_command(import_module(f"useby.cli.{cmd_name}").app)
        command.name = cmd_name
        return command

    def format_help(self, ctx: Any, formatter: Any) -> None:
        with self._listed():
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        with self._listed():
            return super().shell_complete(ctx, incomplete)

    @contextlib.contextmanager
    def _listed(self) -> Iterator[None]:
        """Within the block, commands have a name and a line, and are not imported."""
        self._only_listed = True
        try:
            yield
        finally:
            self._only_listed = False


# Rich would take longer to import than everything else that the list of commands needs.
app = typer.Typer(cls=_Commands, rich_markup_mode=None)


def _version(requested: bool) -> None:
    if requested:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def useby(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Store products with expiry dates and notify every device of a person when one is due."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; report an error in one line on stderr.

    Args:
        arguments: The words after the program's name; by default the process's own.

    Returns:
        The exit status: 0, 1 if the command failed, 2 if its arguments were wrong.
    """
    # The interpreter's last collection would visit everything that was imported: a fifth of the CPU
    # of a short command (`useby notify`: 0.84 s, and 0.66 without).
    atexit.register(gc.freeze)
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = typer.main.get_command(app)
    try:
        status = command.main(args=words, prog_name="useby", standalone_mode=False)
    except typer.TyperException as error:
        return _refused(error, command, words)
    except (typer.Abort, KeyboardInterrupt):
        _print_error("stopped")
        return 130
    except Exception as error:  # noqa: BLE001 - users get one line, not a traceback
        return _unexpected(error)
    return status if isinstance(status, int) else 0


def _refused(error: typer.TyperException, command: Any, words: list[str]) -> int:
    from useby.cli.options import CommandError  # noqa: PLC0415 - needed after an error only
    from useby.cli.usage import refusal  # noqa: PLC0415

    own = isinstance(error, CommandError)
    _print_error(error.message if own else refusal(error, command, words))
    return error.exit_code


def _unexpected(error: Exception) -> int:
    from useby.cli.terminal import print_line  # noqa: PLC0415 - needed after an error only
    from useby.logs import redact  # noqa: PLC0415

    if os.environ.get("USEBY_LOG_LEVEL", "").upper() == "DEBUG":
        for line in redact("".join(traceback.format_exception(error))).splitlines():
            print_line(line, err=True)
    hint = "USEBY_LOG_LEVEL=DEBUG shows where"
    _print_error(
        redact(f"something unexpected went wrong ({hint}): {type(error).__name__}: {error}")
    )
    return 1


def _print_error(message: str) -> None:
    from useby.cli.terminal import print_line  # noqa: PLC0415 - needed after an error only

    print_line(f"useby: {' '.join(message.split())}", err=True)
