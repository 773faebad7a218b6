"""Show products due and unread notifications in a terminal, and follow changes on any device."""

import asyncio
import contextlib
import os
from collections.abc import Iterable

from rich.console import Group
from rich.live import Live
from rich.table import Table

from useby.client import Api, Error, Event, Notification, Notifications, Product, Read, State

URL = os.environ.get("USEBY_URL", "http://127.0.0.1:8000")
STYLES = {"info": "cyan", "warning": "yellow", "error": "bold red"}


async def main() -> None:
    """Update the screen until Ctrl-C."""
    unread: dict[str, Notification] = {}
    products: list[Product] = []
    state = "idle"
    changed = asyncio.Event()

    def on_event(event: Event) -> None:
        nonlocal state
        if isinstance(event, State):
            state = event.name
        elif isinstance(event, Read):
            all_of_them = () if event.unread else tuple(unread)
            for read in event.ids or all_of_them:
                unread.pop(read, None)
        if state == "connected":
            changed.set()
        live.update(screen(state, products, unread.values()))

    async def keep_products(api: Api) -> None:
        while True:
            await changed.wait()
            changed.clear()
            # An unreachable node is queried again after the next connect.
            with contextlib.suppress(Error):
                products[:] = [each async for each in api.products(expiring_within=7)]
            live.update(screen(state, products, unread.values()))

    async with Api(URL) as api:
        await api.sign_in(os.environ["USEBY_EMAIL"], os.environ["USEBY_PASSWORD"])
        with Live(screen(state, products, ()), screen=True) as live:
            async with (
                asyncio.TaskGroup() as group,
                Notifications(URL, token=api.token, on_event=on_event) as notifications,
            ):
                group.create_task(keep_products(api))
                async for notification in notifications:
                    if notification.read_at is None:
                        unread[notification.id] = notification
                    changed.set()


def screen(state: str, products: Iterable[Product], unread: Iterable[Notification]) -> Group:
    """Return the content of the screen."""
    due = Table("date", "product", "days", title="Due within a week", expand=True)
    for each in products:
        due.add_row(each.expiry_date, each.name, str(each.days_left))
    table = Table("", title=f"Unread ({state})", expand=True, show_header=False)
    for notification in unread:
        table.add_row(notification.message, style=STYLES[notification.type])
    return Group(due, table)


with contextlib.suppress(KeyboardInterrupt):
    asyncio.run(main())
