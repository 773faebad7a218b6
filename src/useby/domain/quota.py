"""Quotas of an account."""

from dataclasses import dataclass
from enum import StrEnum


class Quota(StrEnum):
    """A figure of an account that has a limit."""

    PRODUCTS = "products"
    UNREAD = "unread"
    BYTES = "bytes"


class QuotaReached(Exception):  # noqa: N818 - callers see this name
    """The account has reached a limit; nothing was written."""

    def __init__(self, quota: Quota, limit: int) -> None:
        """Store the figure and its limit; both may be shown to the account's owner."""
        super().__init__(f"{quota} {limit}")
        self.quota = quota
        self.limit = limit


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
