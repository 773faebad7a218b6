"""One parser of each command for all tests of a process that imports this module.

A process builds the parsers of the commands that it runs, once. The tests run thousands of commands
in one process, which would build them each time.
"""

import functools

import typer.main

typer.main.get_command = functools.cache(typer.main.get_command)
