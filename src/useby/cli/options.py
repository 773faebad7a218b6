"""Options, settings and errors that commands share."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from useby.cli.setting_names import misspelt
from useby.schemas.problems import FieldError, field_errors
from useby.settings import Settings
from useby.store.url import database_name

Shape = TypeVar("Shape", bound=BaseModel)

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="The database, e.g. sqlite:///useby.db; by default USEBY_DATABASE_URL.",
    ),
]
FLAGS: Final = {"database_url": "--database"}
"""Options that are not named after their setting."""
Owner = Annotated[
    str,
    typer.Option("--user", metavar="WHO", help="The owner's e-mail or id, e.g. ada@example.org."),
]
OptionalOwner = Annotated[
    str | None,
    typer.Option("--user", metavar="WHO", help="The owner's e-mail or id, e.g. ada@example.org."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


class CommandError(typer.TyperException):
    """A command cannot be carried out; the message is one line with the reason. Exit status 1."""


def settings_with(**flags: Any) -> Settings:
    """Return the settings; a given option overrides the environment and ``.env``.

    Raises:
        CommandError: The settings are invalid, or the name of one is misspelt.
    """
    if wrong := misspelt_settings():
        raise CommandError("; ".join(wrong))
    return read_settings(**flags)


def misspelt_settings() -> list[str]:
    """Return a sentence for each name in the environment and in ``.env`` that sets nothing."""
    return misspelt(os.environ, Path(".env"))


def read_settings(**flags: Any) -> Settings:
    """Return the settings as ``settings_with`` does, with misspelt names ignored.

    Raises:
        CommandError: The settings are invalid.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise CommandError("; ".join(_setting_errors(error, given))) from None
    except (ValueError, OSError) as error:
        raise CommandError(f"the settings can't be read: {error}") from None
    try:
        database_name(settings.database_url)
    except ValueError as error:
        raise CommandError(f"{_typed('database_url', given)}: {error}") from None
    return settings


def checked(shape: type[Shape], typed: Mapping[str, str], **values: Any) -> Shape:
    """Return ``values`` validated by a model of the API.

    Args:
        shape: The model.
        typed: Names of arguments and options by their fields; others are named after the field.
        values: The values by field.

    Raises:
        BadParameter: The values are invalid; the message is the first reason. Exit status 2.
    """
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        first, *_ = field_errors(error.errors(include_input=False, include_url=False))
        field = first.at.partition(".")[0]
        name = typed.get(field) or f"--{field.replace('_', '-')}"
        raise typer.BadParameter(first.message, param_hint=name) from None


def _setting_errors(error: ValidationError, given: Mapping[str, Any]) -> list[str]:
    return [
        f"{_typed(each.at, given)} {each.message}{_example(each)}" if each.at else each.message
        for each in field_errors(error.errors(include_input=False, include_url=False))
    ]


def _typed(name: str, given: Mapping[str, Any]) -> str:
    """Return a setting's name where its value came from: the option, or the variable."""
    return FLAGS.get(name, f"--{name}") if name in given else f"USEBY_{name.upper()}"


def _example(wrong: FieldError) -> str:
    if "e.g." in wrong.message:
        return ""
    default = Settings.model_fields[wrong.at].default
    return f", e.g. {'true' if default is None or default is False else default}"
