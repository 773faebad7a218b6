"""Let time pass for the REST application of a test: what falls due is sent when it falls due."""

from datetime import datetime, timedelta

from tests.support.rest_app import Rest

from useby.actions.alerts import send_due
from useby.store import alerts, slices
from useby.store.database import Database

AN_HOUR = timedelta(hours=1)


async def send_now(rest: Rest) -> None:
    """Do what the scheduler does at the present moment: slices of large writes, then alerts."""
    while await rest.database.write(lambda t: slices.do_slice(t, rest.now)):
        pass
    while (await rest.database.write(lambda t: send_due(t, rest.now))).claimed:
        pass


async def pass_until(rest: Rest, at: str) -> None:
    """Wake the scheduler at each time at which something is due, until ``at``."""
    end = datetime.fromisoformat(at)
    await send_now(rest)
    due = await rest.database.read(alerts.next_due)
    while due is not None and due <= end:
        rest.now = max(rest.now, due)
        await send_now(rest)
        due = await rest.database.read(alerts.next_due)
    rest.now = end


async def send_hourly(database: Database, now: datetime, end: datetime) -> None:
    """Send alerts at each full hour at which any are due, after ``now`` and until ``end``."""
    while (due := await database.read(alerts.next_due)) is not None:
        hour = due.replace(minute=0, second=0, microsecond=0)
        now = max(now + AN_HOUR, hour if hour == due else hour + AN_HOUR)
        if now > end:
            return
        while (await database.write(lambda t: send_due(t, now))).claimed:  # noqa: B023 - runs at once
            pass
