"""``useby serve``: a node, until SIGTERM or Ctrl-C."""

from typing import Annotated

import typer

from useby.app import serve as run_node
from useby.cli.beside import refusals
from useby.cli.options import DatabaseUrl, Refused, settings_with

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")
    ] = None,
    database: DatabaseUrl = None,
) -> None:
    """Run a node: REST, the WebSocket, and at `/` a page, on one port."""
    settings = settings_with(host=host, port=port, database_url=database)
    with refusals(f"{settings.host}:{settings.port}"):
        try:
            status = run_node(settings, lambda url: typer.echo(f"useby is listening on {url}"))
        except ValueError as error:
            raise Refused(str(error)) from None
    raise typer.Exit(status)
