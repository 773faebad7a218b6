"""Access to the database from a command, whether or not a node runs on it.

A command never checkpoints (only the node's writer may, see ``store.sqlite``). The node detects a
command's commits within a second. The nodes of a cluster receive hints over NATS.
"""

import asyncio
import contextlib
import errno
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from useby.auth.key import SettingsError, key_id, key_path, signing_key, signing_keys
from useby.cli.options import CommandError
from useby.cli.terminal import print_line
from useby.domain.account import User
from useby.domain.events import Event
from useby.settings import Settings
from useby.store import accounts, migrate
from useby.store.database import Database, StoreUnavailable
from useby.store.lock import AlreadyServed, DatabaseGone, refuse_if_gone
from useby.store.migrate import DatabaseNewer
from useby.store.open import open_database
from useby.store.signing_keys import current_id
from useby.store.url import database_file, database_name

if TYPE_CHECKING:
    from useby.bus.nats import NatsBus

T = TypeVar("T")

DEMO_DATABASE: Final = Path("useby-demo.db")
"""File of ``useby demo``, in the folder in which it runs."""

BY_ID: Final = "id:"
"""Prefix of an id that may also be the e-mail of another user."""
PUBLISH_BATCH: Final = 1000
"""Events per flush: the queue of hints for NATS is bounded and drops the oldest."""
PUBLISH_SECONDS: Final = 3.0
"""Maximum time that a command waits for NATS; its commits are safe without."""


@contextlib.contextmanager
def friendly_errors(address: str = "") -> Iterator[None]:
    """Turn errors of settings, files and the database into one clear line.

    Args:
        address: The address on which the block listens, if it does; the system's error omits it.
    """
    try:
        yield
    except (SettingsError, AlreadyServed, DatabaseGone, DatabaseNewer) as error:
        raise CommandError(str(error)) from None
    except StoreUnavailable as error:
        raise CommandError(f"the database can't be used: {error}") from None
    except OSError as error:
        place = error.filename or address
        if error.errno == errno.EADDRINUSE:
            remedy = "stop the other program or set USEBY_PORT"
            raise CommandError(f"{place}: {error.strerror}: {remedy}") from None
        raise CommandError(f"{place}: {error.strerror}" if place else str(error)) from None


def run_on_database(
    settings: Settings, work: Callable[[Database], Awaitable[T]], *, make: bool = False
) -> T:
    """Run ``work`` on the database.

    Args:
        settings: Contain the URL of the database.
        work: Called with the open database.
        make: Whether to create a missing database.

    Raises:
        CommandError: The database is missing, has another version, or cannot be used.
    """

    async def run() -> T:
        bus = _bus(settings)
        database = open_database(settings.database_url)
        events: list[Event] = []
        database.on_commit = events.append
        try:
            return await work(database)
        finally:
            await database.close()
            if bus is not None and events:
                await _publish(bus, events)

    with friendly_errors():
        _prepare(settings.database_url, make=make)
        return asyncio.run(run())


def _bus(settings: Settings) -> "NatsBus | None":
    """Return the bus of a cluster; made before any work, because its settings may be wrong."""
    if not settings.nats_url:
        return None
    from useby.bus.nats import NatsBus  # noqa: PLC0415 - only commands of a cluster need it

    return NatsBus(settings)


async def _publish(bus: "NatsBus", events: Sequence[Event]) -> None:
    """Publish what was committed to the nodes of a cluster, if NATS can be reached."""
    carrying = asyncio.create_task(bus.run())
    try:
        for start in range(0, len(events), PUBLISH_BATCH):
            for event in events[start : start + PUBLISH_BATCH]:
                bus.publish(event)
            async with asyncio.timeout(PUBLISH_SECONDS):
                await bus.flush()
    except TimeoutError:
        print_line("NATS can't be reached: the nodes notice with their next sweep", err=True)
    finally:
        carrying.cancel()
        await asyncio.wait([carrying])


async def user_of(database: Database, email_or_id: str) -> User:
    """Return the user with an e-mail or an id; ``id:`` before an id excludes e-mails.

    Raises:
        CommandError: There is none, or it is the e-mail of one user and the id of another.
    """
    name = email_or_id.removeprefix(BY_ID)
    found = await database.read(lambda c: accounts.find_users(c, name))
    if name != email_or_id:
        found = [user for user in found if user.id == name]
    if not found:
        raise CommandError(f"no user has the e-mail or the id {email_or_id}")
    if len(found) > 1:
        (other,) = (user.id for user in found if user.id != name)
        raise CommandError(
            f"{name} is the e-mail of one user and the id of another: name them {other} and"
            f" {BY_ID}{name}"
        )
    return found[0]


async def node_key(settings: Settings, database: Database) -> bytes:
    """Return the key with which the nodes of a database sign; create none.

    Raises:
        CommandError: There is no key here, or the nodes sign with another.
    """
    file = database_file(settings.database_url)
    with friendly_errors():
        key = signing_key(settings, file, make=False)
    theirs = await database.read(current_id)
    if theirs is not None and theirs != key_id(key):
        given = settings.secret_key is not None or file is None
        raise CommandError(
            f"{'USEBY_SECRET_KEY' if given else key_path(file)} is not the key that the node signs"  # type: ignore[arg-type]
            " with. Run the command with the node's environment: docs/how-to/deploy.md shows how."
            " After a change of the key, restart the node first"
        )
    return key


async def accepted_keys(settings: Settings, database: Database) -> Collection[str] | None:
    """Return the ids of the keys whose sign-ins the nodes accept, the previous one included.

    ``None`` if that cannot be determined, because this shell has another key than the nodes.
    """
    try:
        keys = signing_keys(settings, database_file(settings.database_url), make=False)
    except SettingsError:
        return None
    return keys.by_id if await database.read(current_id) == keys.signing_id else None


def _prepare(url: str, *, make: bool) -> None:
    name = database_name(url)
    there = migrate.revision(url)
    if there is None and not make:
        hint = "make it with `useby migrate`"
        if DEMO_DATABASE.is_file():
            hint += f", or use the demo's with `--database sqlite:///{DEMO_DATABASE}`"
        raise CommandError(f"there is no database at {name}: {hint}")
    if there is None:
        make_database(url)
    elif there != migrate.HEAD:
        raise CommandError(
            f"{name} is at revision {there} and not {migrate.HEAD}: run `useby migrate`"
        )


def make_database(url: str) -> None:
    """Create a missing database, or migrate an existing one to this version.

    Raises:
        DatabaseGone: The database file existed and is missing.
        StoreUnavailable: The database cannot be written.
    """
    file = database_file(url)
    if file is not None:
        refuse_if_gone(file, key_path(file))
    migrate.upgrade(url)
