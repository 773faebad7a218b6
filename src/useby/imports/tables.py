"""The common form of all formats: rows of named values, and what was found out about the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from useby.domain.dates import DateOrder
from useby.domain.policy import PolicyFields, Scope
from useby.imports.headers import FIELDS, LEFT_OUT, WORDS
from useby.schemas.imports import MOST_FINDINGS, Finding, shown

UTC: Final = ZoneInfo("UTC")
MOST_ROWS: Final = 100_000
"""Maximum rows of a file, empty ones included where a program has to read them."""
MOST_COLUMNS: Final = 256
"""Maximum columns of a table."""
BLANKS: Final = " \t\r\n\f\v\u00a0\u2007\u202f\u200b\ufeff"
"""Characters around a cell that mean nothing, no-break spaces included."""


Note = tuple[str, str]
"""A remark on how a value was read: its kind, and a sentence."""


class Number(str):
    """A number of a workbook: its decimal sign is a point, whatever that of the texts is."""

    __slots__ = ()


class Formula(str):
    """A formula of a workbook whose value the workbook does not have."""

    __slots__ = ()


class Format(StrEnum):
    """Format of a file."""

    AUTO = "auto"
    """The format that the file's content shows."""
    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"
    GROCY = "grocy"
    HOMEBOX = "homebox"
    TANDOOR = "tandoor"
    USEBY = "useby"
    """useby's own export, with the history of each lot."""


class UnreadableFile(ValueError):  # noqa: N818 - callers see this name
    """The file as a whole cannot be read; the message is a sentence for its owner."""

    def __init__(self, message: str, columns: Mapping[str, str | None] | None = None) -> None:
        """Keep the columns that were found, so that a person can choose among them."""
        super().__init__(message)
        self.columns = dict(columns or {})


@dataclass(frozen=True, slots=True)
class Options:
    """Choices of the person who imports."""

    today: date
    """The present day in the owner's zone, for dates such as "tomorrow"."""
    format: Format = Format.AUTO
    columns: Mapping[str, str] = field(default_factory=dict)
    """Our names by the file's names of columns; ``-`` leaves a column out."""
    order: DateOrder | None = None
    zone: ZoneInfo = UTC
    """Zone of the household, in which a moment has its day."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file; its values are not validated yet."""

    line: int
    values: Mapping[str, Any]
    """Values by our names of columns: texts, and numbers or lists of a JSON file."""


@dataclass(slots=True)
class Table:
    """The rows of a file, and what was found out about it."""

    format: Format
    encoding: str | None = None
    separator: str | None = None
    columns: dict[str, str | None] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    bad: list[Finding] = field(default_factory=list)
    bad_rows: int = 0
    warnings: list[Finding] = field(default_factory=list)
    policies: dict[tuple[Scope, str], PolicyFields] = field(default_factory=dict)
    """Policies of alerts by scope and key, if the file is useby's own."""

    def refuse(self, line: int, message: str, column: str | None = None, value: Any = None) -> None:
        """Add a bad value to the report."""
        _add(self.bad, Finding(line=line, column=column, value=shown(value), message=message))

    def warn(
        self, line: int | None, message: str, column: str | None = None, value: Any = None
    ) -> None:
        """Add a warning to the report."""
        _add(self.warnings, Finding(line=line, column=column, value=shown(value), message=message))

    def add(self, line: int, values: Mapping[str, Any]) -> None:
        """Add a row.

        Raises:
            UnreadableFile: The file has too many rows.
        """
        if len(self.rows) + self.bad_rows >= MOST_ROWS:
            raise too_many_rows()
        self.rows.append(Row(line, values))

    def refuse_row(self, line: int, message: str, value: Any, column: str | None = None) -> None:
        """Count a row that cannot be read, and add it to the report."""
        self.bad_rows += 1
        if len(self.rows) + self.bad_rows > MOST_ROWS:
            raise too_many_rows()
        self.refuse(line, message, column, value)

    def leave_out(self, column: str, reason: str) -> None:
        """Name a column that is not imported."""
        name = str(shown(column))
        self.columns[name] = None
        self.warn(None, f"the column {name} is left out: {reason}", value=name)


def too_many_rows() -> UnreadableFile:
    """Return the error of a file with too many rows."""
    return UnreadableFile(f"the file has more than {MOST_ROWS:,} rows; import it in parts")


def _add(findings: list[Finding], finding: Finding) -> None:
    if len(findings) < MOST_FINDINGS:
        findings.append(finding)


def column_choice(text: str) -> tuple[str, str]:
    """Return the file's name and our name in ``THEIRS:OURS``.

    Raises:
        ValueError: The text has another form, or there is no such column of ours.
    """
    theirs, _, ours = text.rpartition(":")
    if not theirs.strip() or ours not in (*WORDS, LEFT_OUT):
        names = ", ".join(FIELDS)
        raise ValueError(
            f"must be THEIRS:OURS, e.g. Artikel:name; OURS is one of {names}, or - to leave the"
            " column out"
        )
    return theirs.strip(), ours
