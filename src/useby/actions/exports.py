"""Export all of a household's stock as a file, page by page."""

import asyncio
from collections.abc import AsyncGenerator
from functools import partial

from useby.actions import stock
from useby.domain.account import User
from useby.exports.writing import ExportFormat, writer_of
from useby.store import exports
from useby.store.database import Database


async def export(
    database: Database, user: User, format_: ExportFormat
) -> AsyncGenerator[bytes, None]:
    """Yield the file of a household's stock in pieces.

    Each product is as it is stored at one moment; others may change between two pages. Memory is
    bounded by a page, however many products there are.

    Args:
        database: The database.
        user: The household's owner.
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
            if piece := await asyncio.to_thread(writer.write, page):
                yield piece
            after = page[-1].product.id
        pieces = writer.end()
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece
    finally:
        writer.close()
