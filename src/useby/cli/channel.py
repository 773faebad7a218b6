"""``useby channel``: what delivers a person's notifications elsewhere, as ``/api/channels``."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.table import Column, Table

from useby.actions import channels as actions
from useby.cli.database import run_on_database, user_of
from useby.cli.options import (
    AsJson,
    CommandError,
    DatabaseUrl,
    OptionalOwner,
    Owner,
    settings_with,
)
from useby.cli.terminal import cell, console, print_json, print_line
from useby.delivery.attempts import attempt, test_message
from useby.delivery.channel import NotDelivered
from useby.delivery.senders import senders
from useby.delivery.vapid import stored_vapid
from useby.domain.channel import Channel
from useby.schemas.channels import ChannelOut
from useby.store import accounts, channels
from useby.store.database import Connection, Database

app = typer.Typer(
    add_completion=False, help="Channels: list what delivers notifications elsewhere, and test it."
)

MOST_FAILING: Final = 1000
"""Maximum channels that fail and are listed."""


@app.command("list")
def list_(
    *,
    user: OptionalOwner = None,
    failing: Annotated[
        bool, typer.Option("--failing", help="Those of all people whose last attempt failed.")
    ] = False,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """List a person's channels, or those that fail, with the state of their last attempts."""
    if (user is None) is not failing:
        raise typer.BadParameter(
            "name either the owner, e.g. --user ada@example.org, or --failing", param_hint="--user"
        )

    async def work(database: Database) -> list[tuple[Channel, str]]:
        if user is None:
            return await database.read(_failing)
        owner = await user_of(database, user)
        found = await database.read(lambda c: channels.list_(c, owner.id))
        return [(each, owner.email or owner.id) for each in found]

    found = run_on_database(settings_with(database_url=database), work)
    if len(found) > MOST_FAILING:
        print_line(f"more than {MOST_FAILING} channels fail: these failed first", err=True)
        found = found[:MOST_FAILING]
    if as_json:
        print_json([_json(each) for each, _ in found])
    elif not found:
        print_line("there are none")
    else:
        _print(found, with_owner=failing)


def _failing(connection: Connection) -> list[tuple[Channel, str]]:
    """Return the channels that fail, each with its owner's e-mail or id."""
    found = channels.failing(connection, MOST_FAILING + 1)
    owners = accounts.users_by_id(connection, {each.user_id for each in found})
    return [(each, owners[each.user_id].email or each.user_id) for each in found]


def _json(channel: Channel) -> dict[str, Any]:
    return ChannelOut.of(channel).model_dump(mode="json", by_alias=True) | {
        "userId": channel.user_id
    }


def _print(found: Sequence[tuple[Channel, str]], *, with_owner: bool) -> None:
    whole = Column("id", min_width=36)  # it is copied, and a long reason would cut it
    owner = [Column("owner", min_width=20, overflow="fold")] if with_owner else []  # so is this
    table = Table(whole, *owner, "kind", "name", "state", "reason", box=None, pad_edge=False)
    for each, name in found:
        state = each.state.value if each.is_confirmed else "unconfirmed"
        state = state if each.enabled else "off"
        names = [cell(name)] if with_owner else []
        reason = cell(each.error or "")
        table.add_row(each.id, *names, each.kind.value, cell(each.name), state, reason)
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
            if failed.is_gone:
                now = datetime.now(UTC)
                await database.write(lambda t: actions.delete_gone(t, channel, now))
            raise CommandError(f"the test message was not delivered: {failed.reason}") from None
        finally:
            for each in sending.values():
                await each.close()

    print_line(f"sent: {run_on_database(settings, work)}")
