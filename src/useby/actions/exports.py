"""Export all of a household's stock as a file, page by page."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial

from useby.actions import stock
from useby.domain.account import User
from useby.domain.household import as_seen
from useby.exports.writing import ExportFormat, writer_of
from useby.store import exports
from useby.store.database import Database
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
    """
    writer = await asyncio.to_thread(writer_of, format_, user)
    try:
        after = ""
        while page := await stock.read_in_line(
            database,
            user,
            partial(exports.page, household_id=user.id, after=after, whole=writer.whole),
        ):
            shown = [_as_seen(user, each) for each in page]
            if piece := await asyncio.to_thread(writer.write, shown):
                yield piece
            after = page[-1].product.id
        pieces = writer.end()
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece
    finally:
        writer.close()


def _as_seen(user: User, kept: Kept) -> Kept:
    lots = tuple(as_seen(user, lot) for lot in kept.lots)
    return replace(kept, product=as_seen(user, kept.product), lots=lots)
