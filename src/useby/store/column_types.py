"""Types of columns: times, enumerations, exact decimals and lists of numbers.

Times are stored in UTC, in whole seconds unless a column's description differs, as ISO 8601 text
on SQLite (text order is time order) and ``timestamptz`` on PostgreSQL.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from json.encoder import encode_basestring_ascii
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from useby.domain.iso_duration import Duration

_WIDTH = len("2026-03-04T10:30:00.000000Z")


def utc_text(moment: datetime) -> str:
    """Return SQLite's form of a time: fixed width, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def from_utc_text(text: str) -> datetime:
    """Parse the text that ``utc_text`` returns.

    Raises:
        ValueError: The text is not in that form.
    """
    if len(text) != _WIDTH or not text.endswith("Z"):
        raise ValueError("not a moment in UTC")
    return datetime.fromisoformat(text)  # takes a tenth of the time of strptime


def _read_text(value: str | None) -> datetime | None:
    return None if value is None else from_utc_text(value)


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A time column that takes aware datetimes and returns aware ones in UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use text on SQLite, which has no type for time."""
        kind = sa.String(27) if dialect.name == "sqlite" else sa.DateTime(timezone=True)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Convert to UTC; refuse a naive datetime, because its zone is unclear."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its zone")
        return utc_text(value) if dialect.name == "sqlite" else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any]:  # noqa: ARG002
        """Return a function that makes an aware datetime in UTC; SQLAlchemy's own calls two."""
        return _read_text if dialect.name == "sqlite" else _in_utc


class EnumText(TypeDecorator[StrEnum]):
    """A text column that takes and returns the members of an enumeration."""

    impl = sa.String
    cache_ok = True

    def __init__(self, members: type[StrEnum], length: int) -> None:
        """Store the values of ``members``, each of at most ``length`` characters."""
        super().__init__(length)
        self.members = members

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:  # noqa: ARG002
        """Return a look-up of values by member: a driver may store a member by its name."""
        values: dict[StrEnum | None, str | None] = {each: each.value for each in self.members}
        return (values | {None: None}).__getitem__

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any]:  # noqa: ARG002
        """Return a look-up of members by value, which is faster than a call of their class."""
        members: dict[str | None, StrEnum | None] = {each.value: each for each in self.members}
        return (members | {None: None}).__getitem__


class Numbers(TypeDecorator[tuple[int, ...]]):
    """A column of several whole numbers, stored as JSON."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def process_result_value(self, value: list[int] | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Return a tuple."""
        return None if value is None else tuple(value)


class Texts(TypeDecorator[tuple[str, ...]]):
    """A column of several texts, stored as JSON; without any it is empty."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:  # noqa: ARG002
        """Return a function that writes a list, or nothing: each alert has a list of its own.

        It takes a quarter of the time of ``json.dumps``.
        """
        return _json_of_texts

    def process_result_value(self, value: list[str] | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Return a tuple."""
        return tuple(value or ())


def _json_of_texts(value: tuple[str, ...] | None) -> str | None:
    return f"[{', '.join(map(encode_basestring_ascii, value))}]" if value else None


class Exact(TypeDecorator[Decimal]):
    """A decimal column that is exact on SQLite too, where a number would become a float."""

    impl = sa.Numeric(18, 6)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use text on SQLite."""
        return dialect.type_descriptor(
            sa.String(32) if dialect.name == "sqlite" else sa.Numeric(18, 6)
        )

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Write plain digits without an exponent."""
        if value is None:
            return None
        return format(value, "f") if dialect.name == "sqlite" else value

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any]:  # noqa: ARG002
        """Return a function that makes a decimal; SQLAlchemy's own calls two."""
        return _read_decimal


def _read_decimal(value: str | Decimal | None) -> Decimal | None:
    return None if value is None else Decimal(value)


class IsoDuration(TypeDecorator[Duration]):
    """A column of a storage rule's duration, as ISO 8601 text."""

    impl = sa.String(16)
    cache_ok = True

    def process_bind_param(self, value: Duration | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write the text that ``Duration.parse`` reads."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Duration | None:  # noqa: ARG002
        """Return the duration."""
        return None if value is None else Duration.parse(value)
