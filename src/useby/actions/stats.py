"""Report what a household has taken and thrown away."""

from datetime import datetime

from useby.actions import stock
from useby.domain.account import User
from useby.domain.stats import By, Period, Stats, stats_of
from useby.store import stats
from useby.store.database import Connection, Database


async def report(database: Database, user: User, by: By, period: Period, now: datetime) -> Stats:
    """Return the numbers of a period.

    Args:
        database: The database.
        user: The household's owner, whose zone gives the days.
        by: Grouping of the numbers.
        period: Local days whose takings count.
        now: The current time, aware.
    """

    def work(connection: Connection) -> Stats:
        return stats_of(
            stats.sums(connection, user, by, period, now),
            stats.thrown_away(connection, user, period, now),
            by,
            user.currency,
        )

    return await stock.read_in_line(database, user, work)
