"""Map the dataclasses of lots and movements to the columns of their tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter, itemgetter
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from useby.domain.lot import Lot
from useby.domain.movement import Movement
from useby.store.product_rows import expiry_of

Stored = TypeVar("Stored", Lot, Movement)


class ColumnMapping(Generic[Stored]):
    """Maps a dataclass to the columns of its table and back."""

    def __init__(self, of: type[Stored], table: sa.Table, dates: Mapping[str, str]) -> None:
        """Take the names that the columns of each field with a date begin with."""
        self._of: Callable[..., Stored] = of
        names = [field.name for field in fields(of)]
        self._fields_of = attrgetter(*names)
        columns: list[sa.Column[Any]] = []
        first: list[int] = []
        for name in names:
            first.append(len(columns))
            if name in dates:
                columns += [table.c[f"{dates[name]}_on"], table.c[f"{dates[name]}_at"]]
            else:
                columns.append(table.c[name])
        self.columns = tuple(columns)
        self._first_values: Callable[[Sequence[Any]], tuple[Any, ...]] = itemgetter(*first)
        self._dates = [(field, first[field]) for field, name in enumerate(names) if name in dates]

    def read(self, row: Sequence[Any]) -> Stored:
        """Return what a row that begins with ``columns`` has."""
        values = list(self._first_values(row))
        for field, at in self._dates:
            if row[at] is not None or row[at + 1] is not None:
                values[field] = expiry_of(row[at], row[at + 1])
        return self._of(*values)

    def values(self, stored: Stored) -> list[Any]:
        """Return the values of ``columns``."""
        values = list(self._fields_of(stored))
        for _, at in self._dates:  # those before it have two values each by now
            date = values[at]
            values[at : at + 1] = (None, None) if date is None else (date.day, date.instant)
        return values
