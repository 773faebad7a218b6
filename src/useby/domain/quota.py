"""Limits of what one account may keep."""

from dataclasses import dataclass
from enum import StrEnum


class Quota(StrEnum):
    """A figure of an account that has a limit."""

    PRODUCTS = "products"
    UNREAD = "unread"
    BYTES = "bytes"


class QuotaReached(Exception):  # noqa: N818 - named as the caller sees it
    """The account keeps as much as it may; nothing was written."""

    def __init__(self, quota: Quota, limit: int) -> None:
        """Name the figure and its limit; both may be shown to the account's owner."""
        super().__init__(f"{quota} {limit}")
        self.quota = quota
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account keeps now."""

    products: int
    unread: int
    bytes: int
    """Estimated space on disk: a fixed figure for each row, and the length of its texts."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an account may keep."""

    products: int
    """Products, closed ones included."""
    unread: int
    """Unread notifications. The clock's alerts count, and are kept beyond the limit."""
    bytes: int
    """Estimated space on disk. The request that passes the limit is the last that is kept."""

    def reached(self, kept: Usage, *, products: int = 0, unread: int = 0) -> QuotaReached | None:
        """Compare what an account would keep with its limits.

        Args:
            kept: What the account keeps now.
            products: The number of products to be added.
            unread: The number of notifications to be added.

        Returns:
            The error to raise; ``None`` if all of it may be kept.
        """
        if products and kept.products + products > self.products:
            return QuotaReached(Quota.PRODUCTS, self.products)
        if kept.unread + unread > self.unread:
            return QuotaReached(Quota.UNREAD, self.unread)
        if kept.bytes >= self.bytes:
            return QuotaReached(Quota.BYTES, self.bytes)
        return None
