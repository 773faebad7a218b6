"""JSON models of the numbers of a household."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, PlainSerializer

from useby.domain.stats import LEAST_LOTS, MOST_THROWN_AWAY, Amount, Group, Stats, ThrownAway
from useby.schemas.fields import ApiModel

Number = Annotated[
    Decimal, PlainSerializer(lambda value: format(value, "f"), return_type=str, when_used="json")
]
"""A decimal as plain digits."""


class AmountOut(ApiModel):
    """Amounts that were taken, or thrown away."""

    lots: Annotated[int, Field(description="Number of lots that were closed in this way.")]
    quantities: Annotated[
        dict[str, Number], Field(description="Quantities by unit, of open lots too.")
    ]
    money: Annotated[
        Number | None,
        Field(description="Quantities times their prices; null if no price is known."),
    ]

    @classmethod
    def of(cls, amount: Amount) -> Self:
        """Return an amount in its JSON form."""
        return cls(lots=amount.lots, quantities=dict(amount.quantities), money=amount.money)


class GroupOut(ApiModel):
    """Numbers of one group."""

    key: Annotated[
        str,
        Field(
            description="A category, a location, the id of a product, an ISO week (`2026-W10`) or"
            " a month (`2026-03`)."
        ),
    ]
    name: Annotated[str, Field(description="Name of the product; otherwise the key.")]
    taken: AmountOut
    thrown_away: AmountOut
    share_thrown_away: Annotated[
        Number | None,
        Field(description=f"Part of the lots, 0 to 1; null under {LEAST_LOTS} lots."),
    ]
    average_days_left: Annotated[
        Number | None,
        Field(description="Average of the days that were left when a lot was taken."),
    ]
    taken_after_alert: Annotated[
        int,
        Field(description="Number of lots taken after an alert of their date and before it ended."),
    ]

    @classmethod
    def of(cls, group: Group) -> Self:
        """Return a group in its JSON form."""
        return cls(
            key=group.key,
            name=group.name,
            taken=AmountOut.of(group.taken),
            thrown_away=AmountOut.of(group.thrown_away),
            share_thrown_away=group.share_thrown_away,
            average_days_left=group.average_days_left,
            taken_after_alert=group.taken_after_alert,
        )


class ThrownAwayOut(AmountOut):
    """A product of which something was thrown away."""

    product_id: str
    name: str

    @classmethod
    def of_product(cls, each: ThrownAway) -> Self:
        """Return a product in its JSON form."""
        return cls(
            product_id=each.product_id,
            name=each.name,
            lots=each.amount.lots,
            quantities=dict(each.amount.quantities),
            money=each.amount.money,
        )


class StatsOut(ApiModel):
    """Numbers of taking and throwing away in a household."""

    currency: Annotated[str | None, Field(description="Currency of the prices; null if not set.")]
    groups: Annotated[list[GroupOut], Field(description="Groups by name, or by time.")]
    most_thrown_away: Annotated[
        list[ThrownAwayOut],
        Field(description=f"At most {MOST_THROWN_AWAY} products, most lots first."),
    ]

    @classmethod
    def of(cls, stats: Stats) -> Self:
        """Return the numbers in their JSON form."""
        return cls(
            currency=stats.currency,
            groups=[GroupOut.of(each) for each in stats.groups],
            most_thrown_away=[ThrownAwayOut.of_product(each) for each in stats.most_thrown_away],
        )
