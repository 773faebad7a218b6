"""Export all of a household's stock as a file, page by page."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from functools import partial

from useby.actions import stock
from useby.domain.account import User
from useby.domain.household import SharedStock, UnknownHousehold, as_seen
from useby.domain.policy import StoredPolicy
from useby.domain.policy_scopes import with_policy_of_member
from useby.exports.writing import ExportFormat, writer_of
from useby.store import exports, households, member_policies
from useby.store.database import Connection, Database
from useby.store.exports import Kept


async def export(
    database: Database, user: User, format_: ExportFormat
) -> AsyncGenerator[bytes, None]:
    """Yield the file of a household's stock in pieces.

    Each product is as it is stored at one moment; others may change between two pages. Memory is
    bounded by a page, however many products there are.

    Args:
        database: The database.
        user: The household's owner, as the person who exports sees it.
        format_: Format of the file.

    Raises:
        StoreUnavailable: The database cannot be read now.
        UnknownUser: The account does not exist any more.
        UnknownHousehold: The person is no member of the household any more.
    """
    writer = await asyncio.to_thread(writer_of, format_, user)
    try:
        after = ""
        while page := await stock.read_in_line(
            database, user, partial(_page, user=user, after=after, whole=writer.whole)
        ):
            if piece := await asyncio.to_thread(writer.write, page):
                yield piece
            after = page[-1].product.id
        pieces = writer.end()
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece
    finally:
        writer.close()


def _page(connection: Connection, user: User, after: str, *, whole: bool) -> list[Kept]:
    """Return the products after one as the person who exports sees them.

    Those of the whole stock have this person's policies. A table has none: its leads would count
    for all members of the household that imports it.

    Raises:
        UnknownHousehold: The person is no member of the household any more.
    """
    found = exports.page(connection, user.id, after, whole=whole)
    own: Mapping[tuple[str, str], StoredPolicy] = {}
    if isinstance(user, SharedStock) and (acting := user.acting) is not None:
        if households.role_of(connection, user.id, acting) is None:
            raise UnknownHousehold(user.id)
        if whole:
            ids = [each.product.id for each in found]
            own = member_policies.of_products(connection, user.id, acting, ids)
    return [_as_seen(user, each, own) for each in found]


def _as_seen(user: User, kept: Kept, own: Mapping[tuple[str, str], StoredPolicy]) -> Kept:
    product = as_seen(user, kept.product)
    if (stored := own.get((product.id, member_policies.OF_PRODUCT))) is not None:
        product = with_policy_of_member(product, stored.fields)
    lots = []
    for each in kept.lots:
        lot = as_seen(user, each)
        lots.append(replace(lot, policy=own.get((product.id, lot.id), lot.policy)))
    return replace(kept, product=product, lots=tuple(lots))
