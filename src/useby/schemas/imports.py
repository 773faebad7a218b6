"""JSON models of an import's report."""

import json
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import Field

from useby.schemas.fields import ApiModel
from useby.schemas.problems import ProblemBody

MOST_FINDINGS: Final = 1000
"""Maximum number of bad values, and of warnings, that a report lists."""
MOST_DATES: Final = 5
"""Maximum number of dates that a report shows as they were understood."""
MOST_VALUE: Final = 100
"""Maximum length of a value that a report repeats, in characters."""


class Finding(ApiModel):
    """A value of the file that is bad, or that its owner should look at."""

    line: Annotated[int | None, Field(description="Line of the file; null: the whole file.")]
    column: Annotated[str | None, Field(description="Our name of the column.")] = None
    value: Annotated[str | None, Field(description="The value; a list or object as JSON.")] = None
    message: str


class UnderstoodDate(ApiModel):
    """A date that the file writes in another way than the REST API."""

    line: Annotated[int, Field(description="First line of the file that has it.")]
    text: Annotated[str, Field(description="The date as the file has it.")]
    date: Annotated[str | None, Field(description="The day as it is read; null: never.")]


class ImportReport(ApiModel):
    """Everything that an import found out and did."""

    format: Annotated[str | None, Field(description="`csv`, `xlsx`, `grocy`, …")] = None
    encoding: Annotated[str | None, Field(description="`utf-8`, `cp1252`, …")] = None
    separator: Annotated[str | None, Field(description="Separator of a CSV file.")] = None
    date_order: Annotated[str | None, Field(description="`dmy`, `mdy`, or null.")] = None
    date_order_line: Annotated[int | None, Field(description="Line that decided the order.")] = None
    dates: Annotated[
        list[UnderstoodDate],
        Field(description=f"The first dates of `expiryDate`; at most {MOST_DATES}."),
    ] = Field(default_factory=list)
    columns: Annotated[
        dict[str, str | None],
        Field(description="Our name by the file's name of each column; null: it is left out."),
    ] = Field(default_factory=dict)
    dry_run: Annotated[bool, Field(description="True if nothing was to be stored.")] = False
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    bad: Annotated[
        list[Finding], Field(description=f"Bad values; at most {MOST_FINDINGS} are listed.")
    ] = Field(default_factory=list)
    warnings: Annotated[
        list[Finding],
        Field(description=f"Values to look at; at most {MOST_FINDINGS} are listed."),
    ] = Field(default_factory=list)


class ImportProblem(ProblemBody, ImportReport):
    """A problem (RFC 9457) that has the members of the report: nothing was stored."""


def shown(value: Any) -> str | None:
    """Return a value of a file as a report repeats it."""
    if value is None:
        return None
    if isinstance(value, str | Decimal):
        text = str(value)
    else:
        text = json.dumps(value, ensure_ascii=False, default=float)
    short = text if len(text) <= MOST_VALUE else text[: MOST_VALUE - 1] + "…"
    return short.encode(errors="replace").decode()
