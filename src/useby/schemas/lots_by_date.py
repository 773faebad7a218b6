"""JSON models of the list of all open lots, and of their counts."""

from datetime import date, datetime
from operator import attrgetter
from typing import Annotated, Final, Self

from pydantic import Field

from useby.domain.account import User
from useby.domain.lot import Lot
from useby.domain.product import DateKind, Product
from useby.schemas.fields import ApiModel
from useby.schemas.lots import LotOut, fields_of


class ProductOfLot(ApiModel):
    """The fields of a product that a list of lots shows."""

    id: str
    name: str
    category: str
    unit: str
    date_kind: DateKind
    lot_count: Annotated[int, Field(description="Number of open lots.")]


class ListedLot(LotOut):
    """A lot in a list of all lots, with its product."""

    product: ProductOfLot

    @classmethod
    def with_product(cls, lot: Lot, product: Product, user: User, now: datetime) -> Self:
        """Return a lot of a product as ``user`` sees it at ``now``."""
        shown = ProductOfLot(**dict(zip(_OF_PRODUCT, _of_product(product), strict=True)))
        return cls(**fields_of(lot, product, user, now), product=shown)


class OpenLotPage(ApiModel):
    """A page of open lots, and the cursor of the next page if there is one."""

    items: list[ListedLot]
    next_cursor: str | None


class LotCounts(ApiModel):
    """Numbers of open lots by the calendar days left, in the household's zone."""

    expired: Annotated[int, Field(description="The day has passed, or the exact time is over.")]
    today: Annotated[int, Field(description="0 days are left.")]
    next_3_days: Annotated[int, Field(description="1 to 3 days are left.")]
    next_7_days: Annotated[int, Field(description="4 to 7 days are left.")]
    later: Annotated[int, Field(description="More than 7 days are left.")]
    never: Annotated[int, Field(description="There is no date now.")]


class WeekCount(ApiModel):
    """Number of open lots with a date in one week."""

    monday: Annotated[date, Field(description="First day of the week.")]
    lots: int


class WeekCounts(ApiModel):
    """Numbers of open lots by the week of their date, the present week first."""

    items: list[WeekCount]


_OF_PRODUCT: Final = tuple(ProductOfLot.model_fields)
_of_product: Final = attrgetter(*_OF_PRODUCT)
