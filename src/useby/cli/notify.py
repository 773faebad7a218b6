"""``useby notify``: send a notification to all devices of a person."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from useby.actions import notifications
from useby.cli.database import run_on_database, user_of
from useby.cli.options import AsJson, DatabaseUrl, checked, settings_with
from useby.cli.terminal import print_json, print_line
from useby.domain.notification import Notification, Severity
from useby.schemas.notifications import NotificationIn, NotificationOut
from useby.store.database import Database

TYPED: Final = {"message": "MESSAGE", "productName": "--product", "product_name": "--product"}

app = typer.Typer(add_completion=False)


@app.command()
def notify(
    email: Annotated[str, typer.Argument(help="E-mail or id of the person, e.g. ada@example.org.")],
    message: Annotated[str, typer.Argument(help="Text of the notification, e.g. 'Tea is ready'.")],
    kind: Annotated[
        Severity, typer.Option("--type", help="info, warning or error, e.g. error.")
    ] = Severity.INFO,
    product: Annotated[str, typer.Option(metavar="NAME", help="The product, e.g. Milk.")] = "",
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Send a notification to all devices of a person; offline ones get it on reconnection."""
    new = checked(NotificationIn, TYPED, message=message, type=kind, product_name=product)

    async def work(database: Database) -> Notification:
        user = await user_of(database, email)
        now, draft = datetime.now(UTC), new.draft(user.id)
        (notification,) = await database.write(lambda t: notifications.add(t, [draft], now))
        return notification

    notification = run_on_database(settings_with(database_url=database), work)
    if as_json:
        print_json(NotificationOut.of(notification).model_dump(mode="json", by_alias=True))
    else:
        print_line(f"{email} was notified ({notification.id})")
