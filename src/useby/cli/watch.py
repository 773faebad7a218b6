"""``useby watch``: show a person's notifications live in the terminal, over the WebSocket."""

import asyncio
import contextlib
from collections import deque
from typing import Annotated, Final

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from useby.cli.options import AsJson, CommandError, settings_with
from useby.cli.terminal import cell, console, say, say_json
from useby.client import ConnectionRejected, Event, Notification, Notifications, State

STYLES: Final = {"info": "cyan", "warning": "yellow", "error": "bold red"}
KEPT: Final = 500

app = typer.Typer(add_completion=False)


@app.command()
def watch(
    url: Annotated[str | None, typer.Option(help="The node, e.g. http://127.0.0.1:8000.")] = None,
    token: Annotated[
        str, typer.Option(envvar="USEBY_TOKEN", help="An access token.", show_envvar=True)
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show a person's notifications as they arrive, until Ctrl-C; none is marked read.

    Unread notifications come first. A lost connection is reestablished without missing any.
    """
    if not token:
        raise typer.BadParameter(
            "there is none; `useby token EMAIL` makes one", param_hint="--token"
        )
    settings = settings_with()
    address = url or f"http://{settings.host}:{settings.port}"
    out = console()
    view = _Lines(as_json) if as_json or not out.is_terminal else _Screen(out)
    with contextlib.suppress(KeyboardInterrupt), view:
        asyncio.run(_show(address, token, view))


async def _show(url: str, token: str, view: "_Lines | _Screen") -> None:
    def heard(event: Event) -> None:
        if isinstance(event, State):
            view.state(_words(event))

    try:
        notifications = Notifications(url, token=token, on_event=heard)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from None
    try:
        async for notification in notifications:
            view.add(notification)
    except ConnectionRejected as refused:
        raise CommandError(f"the node won't have us: {refused}") from None


def _words(state: State) -> str:
    if state.name != "waiting":
        return state.name
    code = "" if state.code is None else f"{state.code} "
    return f"not connected ({code}{state.reason}); again in {state.wait:.1f} s"


class _Lines:
    """Print each notification as one line, for a pipe."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def state(self, said: str) -> None:
        """Print the state of the connection on stderr."""
        say(f"useby: {said}", err=True)

    def add(self, notification: Notification) -> None:
        """Print a notification."""
        if self._as_json:
            say_json(_contracts_five(notification), indent=None)
        else:
            when, kind, message, product = _cells(notification)
            say(f"{when}  {kind:7}  {message}" + (f"  ({product})" if product else ""))


class _Screen:
    """Show a growing table, the newest notification last, and the connection's state below it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: deque[Notification] = deque(maxlen=KEPT)
        self._state = "connecting"
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=4)

    def __enter__(self) -> None:
        self._live.start()

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def state(self, said: str) -> None:
        """Show the state of the connection."""
        self._state = said
        self._live.refresh()

    def add(self, notification: Notification) -> None:
        """Show a notification."""
        self._rows.append(notification)
        self._live.refresh()

    def _render(self) -> Group:
        room = max(1, self._console.height - 4)
        table = Table("time", "type", "message", "product", box=None, pad_edge=False, expand=True)
        for row in list(self._rows)[-room:]:
            when, kind, message, product = _cells(row)
            style = STYLES.get(kind, "")
            table.add_row(when, cell(kind, style), cell(message), cell(product, "dim"))
        return Group(table, cell(f"{self._state} · {len(self._rows)} shown · Ctrl-C ends", "dim"))


def _contracts_five(notification: Notification) -> dict[str, str]:
    return {
        "id": notification.id,
        "message": notification.message,
        "type": notification.type,
        "productName": notification.product_name,
        "created_at": f"{notification.created_at:%Y-%m-%dT%H:%M:%SZ}",
    }


def _cells(notification: Notification) -> tuple[str, str, str, str]:
    """Return the local time of day, the type, the message and the product."""
    when = f"{notification.created_at.astimezone():%H:%M:%S}"
    return when, notification.type, notification.message, notification.product_name
