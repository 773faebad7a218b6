"""List the locations and categories of a household's stock, for pickers."""

from useby.actions import stock
from useby.domain.account import User
from useby.domain.folding import fold
from useby.domain.spellings import counted_together
from useby.store import pickers
from useby.store.database import Database


async def locations(database: Database, user: User) -> list[tuple[str, int]]:
    """Return the locations of open lots by name, each with how many there are.

    Spellings that differ only in case or accents are one location, as in a list of products.
    """
    counts = await stock.read_in_line(
        database, user, lambda c: pickers.open_lots_by_location(c, user.id)
    )
    return counted_together(counts, fold)


async def categories(database: Database, user: User) -> list[tuple[str, int]]:
    """Return the categories of products with open lots by name, each with how many there are.

    Spellings that differ only in case or accents are one category, as in a list of products.
    """
    counts = await stock.read_in_line(
        database, user, lambda c: pickers.open_lots_by_category(c, user.id)
    )
    return counted_together(counts, fold)
