"""``useby serve``: run a node until SIGTERM or Ctrl-C."""

from typing import Annotated

import typer

from useby import serving
from useby.cli.database import friendly_errors
from useby.cli.options import CommandError, DatabaseUrl, settings_with
from useby.cli.terminal import print_line

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, e.g. 0.0.0.0.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port, 0 to 65535, e.g. 8000; 0 is any."),
    ] = None,
    database: DatabaseUrl = None,
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            max=256,
            help="Processes on that port, 1 to 256, e.g. 4; two or more need PostgreSQL and NATS.",
        ),
    ] = 1,
    new_database: Annotated[
        bool,
        typer.Option(
            "--new-database",
            help="Start with an empty SQLite file in place of one that existed and is missing.",
        ),
    ] = False,
    worker: Annotated[bool, typer.Option("--worker", hidden=True)] = False,
) -> None:
    """Run a node: REST, the WebSocket and a web page at `/`, on one port."""
    settings = settings_with(host=host, port=port, database_url=database)

    def ready(url: str) -> None:
        print_line(f"useby is listening on {url}")

    with friendly_errors(f"{settings.host}:{settings.port}"):
        try:
            if workers > 1:
                from useby import workers as processes  # noqa: PLC0415 - usually there is one

                status = processes.serve(settings, workers, ready)
            else:
                status = serving.serve(
                    settings, ready, share_port=worker, new_database=new_database
                )
        except ValueError as error:
            raise CommandError(str(error)) from None
    raise typer.Exit(status)
