"""Quotas of an account, and of each of its products."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from useby.domain.movement import ActionRefused


class Quota(StrEnum):
    """A figure of an account, or of one of its products, that has a limit."""

    PRODUCTS = "products"
    UNREAD = "unread"
    BYTES = "bytes"
    LOTS = "lots"
    """Open lots of a product."""
    MOVEMENTS = "movements"
    """Movements of a product."""


class QuotaReached(Exception):  # noqa: N818 - callers see this name
    """The account has reached a limit; nothing was written."""

    def __init__(self, quota: Quota, limit: int) -> None:
        """Store the figure and its limit; both may be shown to the account's owner."""
        super().__init__(f"{quota} {limit}")
        self.quota = quota
        self.limit = limit


_FULL: Final = {
    Quota.LOTS: "the product would have more than {:,} open lots; use some of them up or delete"
    " them first",
    Quota.MOVEMENTS: "the product would have more than {:,} movements; delete lots of it first,"
    " whose movements go with them",
}


class ProductFull(ActionRefused):
    """A product has reached a limit; nothing was written."""

    def __init__(self, quota: Quota, limit: int) -> None:
        """Store the figure and its limit; the message names both."""
        super().__init__(_FULL[quota].format(limit))
        self.quota = quota


MOST_MOVEMENTS: Final = 100_000
"""Largest limit of movements that an operator can set; also the maximum of lots, and of movements
other than undos, that a product has in a file."""


@dataclass(frozen=True, slots=True)
class ProductLimits:
    """Limits of each product. One that exceeds them already may be changed, but not grow."""

    lots: int = 2_000
    """Number of open lots."""
    movements: int = 20_000
    """Number of movements. Each lot has at least one, so it bounds the closed lots, too. An undo is
    stored beyond it: each movement has one at most."""

    def exceeded(
        self, *, lots: int, movements: int, lots_before: int = 0, movements_before: int = 0
    ) -> ProductFull | None:
        """Compare a product after a change to its limits.

        Args:
            lots: Number of open lots after the change.
            movements: Number of new movements that are no undos.
            lots_before: Number of open lots before the change.
            movements_before: Number of movements before the change.

        Returns:
            The error to raise; ``None`` if the change may be stored.
        """
        if lots > max(lots_before, self.lots):
            return ProductFull(Quota.LOTS, self.lots)
        if movements and movements_before + movements > self.movements:
            return ProductFull(Quota.MOVEMENTS, self.movements)
        return None


@dataclass(frozen=True, slots=True)
class Usage:
    """Current figures of an account."""

    products: int
    unread: int
    bytes: int
    """Estimated space on disk: a fixed figure for each row, plus the length of its texts."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of an account."""

    products: int
    """Number of products, closed ones included."""
    unread: int
    """Number of unread notifications. Alerts count, but are stored beyond the limit."""
    bytes: int
    """Estimated space on disk. The request that passes the limit is the last one stored."""
    of_product: ProductLimits = ProductLimits()
    """Limits of each of its products."""

    def reached(self, kept: Usage, *, products: int = 0, unread: int = 0) -> QuotaReached | None:
        """Compare an account's figures, with additions, to its limits.

        Args:
            kept: Current figures of the account.
            products: Number of products to add.
            unread: Number of notifications to add.

        Returns:
            The error to raise; ``None`` if everything may be stored.
        """
        for quota, limit, exceeded in self.compared(kept, products=products, unread=unread):
            if exceeded:
                return QuotaReached(quota, limit)
        return None

    def compared(
        self, kept: Usage, *, products: int = 0, unread: int = 0
    ) -> list[tuple[Quota, int, bool]]:
        """Return each limit, and the comparison that is true if it is reached.

        The figures may also be columns of a statement; then the comparisons are SQL.
        """
        of_products = (
            [(Quota.PRODUCTS, self.products, kept.products + products > self.products)]
            if products
            else []
        )
        return [
            *of_products,
            (Quota.UNREAD, self.unread, kept.unread + unread > self.unread),
            (Quota.BYTES, self.bytes, kept.bytes >= self.bytes),
        ]
