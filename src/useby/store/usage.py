"""What an account keeps, and the limits of what it may keep.

Triggers of the database count (migration 0005), in the transaction that writes. So a figure is
exact whatever program wrote, and reading one is a look at one row.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.store.rows import Prepared
from useby.store.schema import usage as table

_OF: Final = Prepared(
    sa.select(table.c.products, table.c.unread, table.c.bytes).where(
        table.c.user_id == sa.bindparam("owner")
    )
)


class Quota(StrEnum):
    """A figure of an account that has a limit."""

    PRODUCTS = "products"
    UNREAD = "unread"
    BYTES = "bytes"


class QuotaReached(Exception):  # noqa: N818 - named as the caller sees it
    """The account keeps as much as it may; nothing was written."""

    def __init__(self, quota: Quota, limit: int) -> None:
        """Name the figure and its limit; both may be shown to the account's owner."""
        super().__init__(f"{quota}: {limit}")
        self.quota = quota
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Limits:
    """What one account may keep."""

    products: int
    """Products, closed ones included."""
    unread: int
    """Unread notifications. Alerts of the clock count and are kept beyond it."""
    bytes: int
    """Estimated space on disk. The request that passes it is the last one that is kept."""

    def check(self, kept: "Usage", *, products: int = 0, unread: int = 0) -> QuotaReached | None:
        """Compare an account with its limits.

        Args:
            kept: What the account keeps now.
            products: Products that are to be added.
            unread: Notifications that are to be added.

        Returns:
            The error to raise; ``None`` if what is to be added may be kept.
        """
        if products and kept.products + products > self.products:
            return QuotaReached(Quota.PRODUCTS, self.products)
        if kept.unread + unread > self.unread:
            return QuotaReached(Quota.UNREAD, self.unread)
        if kept.bytes >= self.bytes:
            return QuotaReached(Quota.BYTES, self.bytes)
        return None


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account keeps now."""

    products: int
    unread: int
    bytes: int
    """Estimated space on disk: a fixed figure for each row, and the length of its texts."""


def of(connection: Connection, user_id: str) -> Usage:
    """What a user's account keeps; nothing if there is no such user."""
    row = _OF(connection, owner=user_id).first()
    return Usage(*row) if row else Usage(0, 0, 0)


def require(
    connection: Connection, user_id: str, limits: Limits, *, products: int = 0, unread: int = 0
) -> None:
    """Refuse to add to an account beyond its limits.

    Call it in the transaction that adds, and after ``owners.hold``: then no other request adds in
    between.

    Args:
        connection: The connection of the write under way.
        user_id: The owner.
        limits: What an account may keep.
        products: Products that are to be added.
        unread: Notifications that are to be added.

    Raises:
        QuotaReached: The account would keep more than it may.
    """
    reached = limits.check(of(connection, user_id), products=products, unread=unread)
    if reached is not None:
        raise reached
