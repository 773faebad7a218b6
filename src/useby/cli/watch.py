"""``useby watch``: show a person's notifications live in the terminal, over the WebSocket."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.live import Live
from rich.segment import Segment, Segments
from rich.table import Table

from useby.cli.options import AsJson, CommandError, settings_with
from useby.cli.terminal import cell, console, print_json, print_line
from useby.client import ConnectionRejected, Event, Notification, Notifications, State

STYLES: Final = {"info": "cyan", "warning": "yellow", "error": "bold red"}
KEPT: Final = 500
OTHER_ROWS: Final = 2
"""Rows of the screen that are not messages: the table's head and the state."""

app = typer.Typer(add_completion=False)


@app.command()
def watch(
    url: Annotated[str | None, typer.Option(help="The node, e.g. http://127.0.0.1:8000.")] = None,
    token: Annotated[
        str,
        typer.Option(
            envvar="USEBY_TOKEN",
            help="An access token, e.g. from `useby token`.",
            show_envvar=True,
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show a person's notifications as they arrive, until Ctrl-C; none is marked read.

    Unread notifications come first. A lost connection is reestablished without missing any.
    """
    if not token:
        raise typer.BadParameter(
            'is missing, e.g. --token "$(useby token ada@example.org)"', param_hint="--token"
        )
    settings = settings_with()
    address = url or settings.local_url
    out = console()
    on_screen = out.is_terminal and not out.is_dumb_terminal and not as_json
    view = _Screen(out) if on_screen else _Lines(as_json)
    with contextlib.suppress(KeyboardInterrupt), view:
        asyncio.run(_show(address, token, view))


async def _show(url: str, token: str, view: "_Lines | _Screen") -> None:
    def show_state(event: Event) -> None:
        if isinstance(event, State):
            view.state(_words(event))

    try:
        notifications = Notifications(url, token=token, on_event=show_state)
    except ValueError:
        raise typer.BadParameter("is not the URL of a node", param_hint="--url") from None
    try:
        async for notification in notifications:
            view.add(notification)
    except ConnectionRejected as refused:
        raise CommandError(f"the node refused the connection: {refused}") from None


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

    def state(self, text: str) -> None:
        """Print the state of the connection on stderr."""
        print_line(f"useby: {text}", err=True)

    def add(self, notification: Notification) -> None:
        """Print a notification."""
        if self._as_json:
            print_json(_contracts_five(notification), indent=None)
        else:
            when, kind, message, product = _cells(notification)
            print_line(f"{when}  {kind:7}  {message}" + (f"  ({product})" if product else ""))


class _Screen:
    """Fill the terminal with the newest notifications, the newest last, and the state below them.

    The alternate screen is drawn from its first row each time, so a resized terminal is right again
    after the next refresh. The end leaves the last view among the terminal's ordinary lines.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: deque[Notification] = deque(maxlen=KEPT)
        self._state = "connecting"
        self._live = Live(
            console=console, screen=True, get_renderable=self._render, refresh_per_second=4
        )

    def __enter__(self) -> None:
        self._live.start()

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        self._console.print(self._render())

    def state(self, state: str) -> None:
        """Show the state of the connection with the next refresh."""
        self._state = state

    def add(self, notification: Notification) -> None:
        """Show a notification with the next refresh."""
        self._rows.append(notification)

    def _render(self) -> Segments:
        """Return the rows of the terminal: a long or wide message takes several of them."""
        console, room = self._console, max(1, self._console.height - OTHER_ROWS)
        table = Table(box=None, pad_edge=False, expand=True)
        for name in ("time", "type", "message", "product"):
            table.add_column(name, no_wrap=name == "time", overflow="fold")
        for notification in tuple(self._rows)[-room:]:
            when, kind, message, product = _cells(notification)
            style = STYLES.get(kind, "")
            table.add_row(when, cell(kind, style), cell(message), cell(product, "dim"))
        head, *rows = console.render_lines(table, pad=False)
        if len(rows) > room:  # begin with a whole message, unless one alone fills the screen
            rows = rows[-room:]
            rows = rows[next((n for n, row in enumerate(rows) if _is_first(row)), 0) :]
        state = cell(f"{self._state} · {len(self._rows)} shown · Ctrl-C ends", "dim")
        state.truncate(console.width, overflow="ellipsis")
        lines = [head, *rows, *console.render_lines(state, pad=False)]
        return Segments([each for line in lines for each in (*line, Segment.line())])


def _is_first(row: Sequence[Segment]) -> bool:
    """Return whether a row of the table is the first of its message: only that one has a time."""
    return bool(row) and not row[0].text.isspace()


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
