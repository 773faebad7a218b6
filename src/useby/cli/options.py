"""What commands have in common: settings from flags, and how a command says no."""

from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

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
    """What was asked for can't be done; the message, one line, says why. Exit status 1."""


def settings_with(**flags: Any) -> Settings:
    """The settings; a flag that is given wins over the environment and ``.env``.

    Raises:
        Refused: They can't be used.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise CommandError("; ".join(_setting_errors(error))) from None
    except (ValueError, OSError) as error:
        raise CommandError(f"the settings can't be read: {error}") from None


def checked(shape: type[Shape], **values: Any) -> Shape:
    """``values`` in a shape that the API has for them too.

    Raises:
        BadParameter: They don't fit; the first reason is said. Exit status 2.
    """
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]).replace("_", "-")
        raise typer.BadParameter(plain(first["msg"]), param_hint=where) from None


def plain(message: str) -> str:
    """A validator's message without its prefix."""
    return message.removeprefix("Value error, ")


def _setting_errors(error: ValidationError) -> list[str]:
    found = []
    for each in error.errors(include_input=False, include_url=False):
        name = "_".join(str(part) for part in each["loc"])
        message = plain(each["msg"])
        found.append(f"USEBY_{name.upper()}: {message}" if name else message)
    return found
