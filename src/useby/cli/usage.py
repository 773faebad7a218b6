"""Words for a wrong command line: what was typed, what is expected, an example.

The help text of each option and argument states both the expectation and an example, so a refusal
repeats it in place of the parser's own message, which names types of Python.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import typer


def refusal(error: typer.TyperException, program: Any, words: Sequence[str]) -> str:
    """Return the line for an error.

    Args:
        error: An error of the parser, or of ours.
        program: The command whose subcommands are ours.
        words: The words after the program's name.
    """
    path, command, unknown = _called(program, words)
    option = getattr(error, "option_name", None)
    typed = getattr(error, "param_hint", None) or option
    parameter = getattr(error, "param", None)
    if parameter is None:
        parameter = next((each for each in command.params if _name(each) == typed), None)
    if typed is None and parameter is not None:
        typed = _name(parameter)
    if typed is None:
        return _wrong_words(path, command, unknown)
    if parameter is None and option is not None:
        names = ["--help", *map(_name, command.params)]
        return f"`{path}` has no option {option}{_nearest(option, names)}"
    return f"{typed} {_fault(error, parameter)}{_expected(error, parameter)}"


def _called(program: Any, words: Sequence[str]) -> tuple[str, Any, str | None]:
    """Return the command that was called, as words and object, and a word that names none."""
    path, command = "useby", program
    for word in words:
        if not hasattr(command, "get_command"):
            break
        if word.startswith("-"):
            continue
        found = command.get_command(typer.Context(command), word)
        if found is None:
            return path, command, word
        path, command = f"{path} {word}", found
    return path, command, None


def _name(parameter: Any) -> str:
    """Return an option as it is typed, or an argument as the help names it."""
    if parameter.param_type_name == "option":
        return str(parameter.opts[0])
    return str(parameter.metavar or parameter.name.upper())


def _fault(error: typer.TyperException, parameter: Any) -> str:
    if getattr(error, "param_hint", None):  # ours
        return error.message
    if getattr(error, "option_name", None):
        return "takes no value" if parameter.is_flag else "has no value"
    return "has a wrong value" if error.message else "is missing"


def _expected(error: typer.TyperException, parameter: Any) -> str:
    if parameter is None or "e.g." in error.message:
        return ""
    if getattr(parameter, "is_flag", False):
        return f", e.g. {_name(parameter)}"
    return f"; expected: {parameter.help.rstrip('.')}"


def _wrong_words(path: str, command: Any, unknown: str | None) -> str:
    if unknown is not None:
        names = command.list_commands(typer.Context(command))
        return f"`{path}` has no command {unknown}{_nearest(unknown, names)}"
    if hasattr(command, "list_commands"):
        names = ", ".join(command.list_commands(typer.Context(command)))
        return f"`{path}` needs a command: {names}; `{path} --help` explains them"
    names = [_name(each) for each in command.params if each.param_type_name == "argument"]
    takes = " ".join(names) or "options only"
    return f"`{path}` takes {takes}: quote a text with spaces, e.g. 'Organic Milk'"


def _nearest(typed: str, names: Sequence[str]) -> str:
    matches = get_close_matches(typed, names, 1)
    return f"; the nearest is {matches[0]}" if matches else f"; it has {', '.join(names)}"
