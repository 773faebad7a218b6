"""JSON models of the names from which a person picks."""

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field

from useby.schemas.fields import ApiModel


class NamedLots(ApiModel):
    """A location or a category, in its most frequent spelling."""

    name: str
    lots: Annotated[int, Field(description="Number of open lots.")]


class NamesOut(ApiModel):
    """Locations or categories, sorted by name."""

    items: list[NamedLots]
    next_cursor: Annotated[None, Field(description="Always null: the list is whole.")] = None

    @classmethod
    def of(cls, counts: Iterable[tuple[str, int]]) -> Self:
        """Return names with their number of lots."""
        return cls(items=[NamedLots(name=name, lots=lots) for name, lots in counts])
