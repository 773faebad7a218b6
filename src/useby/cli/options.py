"""Options, settings and errors that commands share."""

import os
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from useby.cli.setting_names import misspelt
from useby.schemas.problems import field_errors
from useby.settings import Settings

Shape = TypeVar("Shape", bound=BaseModel)

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="The database, e.g. sqlite:///useby.db; by default USEBY_DATABASE_URL.",
    ),
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
        return Settings(**given)
    except ValidationError as error:
        raise CommandError("; ".join(_setting_errors(error))) from None
    except (ValueError, OSError) as error:
        raise CommandError(f"the settings can't be read: {error}") from None


def checked(shape: type[Shape], **values: Any) -> Shape:
    """Return ``values`` validated by a model of the API.

    Raises:
        BadParameter: The values are invalid; the message is the first reason. Exit status 2.
    """
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        first, *_ = field_errors(error.errors(include_input=False, include_url=False))
        raise typer.BadParameter(first.message, param_hint=first.at.replace("_", "-")) from None


def _setting_errors(error: ValidationError) -> list[str]:
    return [
        f"USEBY_{each.at.upper()}: {each.message}" if each.at else each.message
        for each in field_errors(error.errors(include_input=False, include_url=False))
    ]
