"""``useby channel``: what delivers a person's notifications elsewhere, as ``/api/channels``."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Column, Table

from useby.cli.database import run_on_database, user_of
from useby.cli.options import AsJson, CommandError, DatabaseUrl, Owner, settings_with
from useby.cli.terminal import cell, console, print_json, print_line
from useby.delivery.attempts import attempt, test_message
from useby.delivery.channel import NotDelivered
from useby.delivery.senders import senders
from useby.delivery.vapid import stored_vapid
from useby.domain.channel import Channel
from useby.schemas.channels import ChannelOut
from useby.store import channels
from useby.store.database import Database

app = typer.Typer(
    add_completion=False, help="Channels: list what delivers notifications elsewhere, and test it."
)


@app.command("list")
def list_(email_or_id: Owner, *, as_json: AsJson = False, database: DatabaseUrl = None) -> None:
    """List a person's channels, with the state of their last attempts."""

    async def work(database: Database) -> list[Channel]:
        user = await user_of(database, email_or_id)
        return await database.read(lambda c: channels.list_(c, user.id))

    found = run_on_database(settings_with(database_url=database), work)
    if as_json:
        print_json([ChannelOut.of(each).model_dump(mode="json", by_alias=True) for each in found])
    elif not found:
        print_line("there are none")
    else:
        whole = Column("id", min_width=36)  # it is copied, and a long reason would cut it
        table = Table(whole, "kind", "name", "state", "reason", box=None, pad_edge=False)
        for each in found:
            state = each.state.value if each.is_confirmed else "unconfirmed"
            state = state if each.enabled else "off"
            table.add_row(each.id, each.kind.value, cell(each.name), state, cell(each.error or ""))
        console().print(table)


@app.command("test")
def send_test(
    channel_id: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Id of the channel, as `useby channel list` shows it, e.g. 01a20b6e-fb6e-74c6.",
        ),
    ],
    *,
    email_or_id: Owner,
    database: DatabaseUrl = None,
) -> None:
    """Send a test message over a channel from this machine; exit status 1 if that fails."""
    settings = settings_with(database_url=database)

    async def work(database: Database) -> str:
        user = await user_of(database, email_or_id)
        channel = await database.read(lambda c: channels.get(c, user.id, channel_id))
        if channel is None:
            raise CommandError("the person has no such channel: `useby channel list` shows them")
        vapid = await stored_vapid(database, settings)
        sending = senders(settings, lambda: datetime.now(UTC), vapid)
        try:
            return await attempt(sending, channel, test_message(channel, datetime.now(UTC)))
        except NotDelivered as failed:
            raise CommandError(f"the test message was not delivered: {failed.reason}") from None
        finally:
            for each in sending.values():
                await each.close()

    print_line(f"sent: {run_on_database(settings, work)}")
