# ruff: noqa: N999 - it is named after its command
"""``useby import``: another name of ``useby product import``.

Python's word ``import`` can name a module that is loaded by its name only.
"""

import typer

from useby.cli.import_file import import_

app = typer.Typer(add_completion=False)
app.command()(import_)
