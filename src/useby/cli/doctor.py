"""``useby doctor``: check the configuration."""

import asyncio
import errno
import os
import resource
import shutil
import socket
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Final
from zoneinfo import available_timezones

import typer
from rich.table import Table

from useby.auth.key import SettingsError, key_id, key_path, signing_key
from useby.auth.rate_limits import RateLimiter
from useby.auth.tokens import FOR_ANYBODY, Verifier
from useby.cli.options import (
    AsJson,
    CommandError,
    DatabaseUrl,
    misspelt_settings,
    read_settings,
)
from useby.cli.terminal import cell, console, print_json
from useby.delivery.apprise import LIBRARY
from useby.delivery.attempts import ATTEMPT_SECONDS
from useby.delivery.channel import NotDelivered
from useby.delivery.mailer import mailer
from useby.delivery.senders import missing
from useby.domain.channel import ChannelKind
from useby.domain.mail import mail_server
from useby.realtime.slots import SlotLimits
from useby.settings import Settings
from useby.store import migrate
from useby.store.database import StoreUnavailable
from useby.store.health import SQLITE_VERSION, DatabaseHealth, check, has_wal_reset_bug
from useby.store.lock import AlreadyServed, DatabaseGone, serving_lock
from useby.store.migrate import DatabaseNewer
from useby.store.open import open_database
from useby.store.signing_keys import current_id
from useby.store.url import database_file, database_name

FILES_WANTED: Final = 1024
DISK_WANTED: Final = 100 * 1024 * 1024
CLOCK_SLACK: Final = timedelta(minutes=5)
EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Earliest plausible time: this program did not exist before."""


class Level(StrEnum):
    """The outcome of a check."""

    OK = "ok"
    NOTE = "note"
    """Works, but deserves attention."""
    PROBLEM = "problem"


STYLES: Final = {Level.OK: "green", Level.NOTE: "yellow", Level.PROBLEM: "bold red"}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check."""

    what: str
    verdict: Level
    says: str


app = typer.Typer(add_completion=False)


@app.command()
def doctor(*, as_json: AsJson = False, database: DatabaseUrl = None) -> None:
    """Check for misconfiguration and change nothing; exit status 1 if there is a problem."""
    findings = list(_examine(database))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for each in findings:
            table.add_row(each.what, cell(each.verdict, STYLES[each.verdict]), cell(each.says))
        console().print(table)
    if any(finding.verdict is Level.PROBLEM for finding in findings):
        raise typer.Exit(1)


def _examine(url: str | None) -> Iterator[CheckResult]:
    for wrong in misspelt_settings():
        yield CheckResult("settings", Level.PROBLEM, wrong)
    try:
        settings = read_settings(database_url=url)
        path = database_file(settings.database_url)
        RateLimiter(settings)
        Verifier(settings, b"")
    except (CommandError, ValueError, OSError) as error:
        yield CheckResult("settings", Level.PROBLEM, str(error))
        return
    yield CheckResult("settings", Level.OK, "can be read")
    if settings.tokens_are_for_anybody:
        yield CheckResult("tokens", Level.NOTE, FOR_ANYBODY)
    yield _key(settings, path)
    if path is not None:
        yield _folder(path)
    yield from _database(settings, path)
    if path is not None:
        yield _sqlite()
    yield _port(settings, path)
    yield _files()
    yield _zones()
    yield _outbound(settings)
    yield _push(settings)
    yield _mail(settings)
    yield _apprise(settings)


def _key(settings: Settings, path: Path | None) -> CheckResult:
    what = "signing key"
    kept = None if path is None else key_path(path)
    if (
        kept is not None
        and settings.secret_key is None
        and settings.on_loopback
        and not kept.exists()
    ):
        return CheckResult(what, Level.OK, f"none yet; `useby serve` will create {kept}")
    try:
        signing_key(settings, path, make=False)
    except SettingsError as error:
        return CheckResult(what, Level.PROBLEM, str(error))
    source = (
        "USEBY_SECRET_KEY" if settings.secret_key is not None else f"{kept}, private to its owner"
    )
    return CheckResult(what, Level.OK, source)


def _folder(path: Path) -> CheckResult:
    folder = path.absolute().parent
    if not folder.is_dir():
        return CheckResult("folder", Level.NOTE, f"none yet; `useby serve` will create {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        return CheckResult("folder", Level.PROBLEM, f"{folder} is not writable")
    free = shutil.disk_usage(folder).free
    text = f"{folder}, {free // 1024**2} MiB free"
    return CheckResult("folder", Level.OK if free >= DISK_WANTED else Level.PROBLEM, text)


def _database(settings: Settings, path: Path | None) -> Iterator[CheckResult]:
    what, name = "database", database_name(settings.database_url)
    if path is not None and not path.exists():
        yield CheckResult(what, Level.OK, f"none yet; `useby serve` will create {path}")
        return
    if path is not None and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield CheckResult(what, Level.NOTE, f"other users can read {path}: run chmod 600 on it")
    try:
        revision = migrate.revision(settings.database_url)
        if revision != migrate.HEAD:
            text = f"{name} is at revision {revision}, not {migrate.HEAD}: run `useby migrate`"
            yield CheckResult(what, Level.PROBLEM, text)
            return
        health, nodes_key = asyncio.run(_health(settings.database_url))
    except (StoreUnavailable, DatabaseNewer, OSError) as error:
        yield CheckResult(what, Level.PROBLEM, f"{name} can't be read: {error}")
        return
    yield from _judge(name, health)
    yield from _channels(settings, health)
    if nodes_key is not None:
        yield _nodes_key(settings, path, nodes_key)


async def _health(url: str) -> tuple[DatabaseHealth, str | None]:
    database = open_database(url)
    try:
        return await database.read(lambda c: (check(c), current_id(c)))
    finally:
        await database.close()


def _nodes_key(settings: Settings, path: Path | None, nodes_key: str) -> CheckResult:
    what = "node's key"
    try:
        key = signing_key(settings, path, make=False)
    except SettingsError as error:
        return CheckResult(what, Level.PROBLEM, str(error))
    if key_id(key) != nodes_key:
        if settings.secret_key_previous is not None:
            return CheckResult(what, Level.NOTE, "the node uses the new key after its next start")
        text = "the node signs with another key; a restart with this key would end every sign-in"
        return CheckResult(what, Level.PROBLEM, text)
    return CheckResult(what, Level.OK, "the node signs with this key")


def _judge(name: str, health: DatabaseHealth) -> Iterator[CheckResult]:
    if health.faults:
        yield CheckResult(
            "database", Level.PROBLEM, f"{name} is damaged: {'; '.join(health.faults)}"
        )
    else:
        yield CheckResult("database", Level.OK, f"{name} is intact, at revision {migrate.HEAD}")
    verdict = Level.OK if health.durable else Level.PROBLEM
    yield CheckResult("durability", verdict, health.durability)
    if health.alert_faults:
        text = (
            f"{health.alert_faults} products get no alerts: theirs can't be computed (see the log)"
        )
        yield CheckResult("alerts", Level.PROBLEM, text)
    lost = sorted(set(health.time_zones) - available_timezones())
    if lost:
        text = f"no data is installed for the time zones of some users: {', '.join(lost)}"
        yield CheckResult("time zones", Level.PROBLEM, text)
    yield _clock(health.latest_timestamp)


def _channels(settings: Settings, health: DatabaseHealth) -> Iterator[CheckResult]:
    """Return the kinds of enabled channels that this node cannot send to, and what fails."""
    for kind, remedy in missing(settings).items():
        if count := health.enabled_channels.get(kind, 0):
            text = f"{count} of kind {kind} cannot deliver from here: {remedy}"
            yield CheckResult(f"{kind} channels", Level.PROBLEM, text)
    if health.failing_channels:
        text = (
            f"{health.failing_channels} cannot deliver; `useby channel list --failing` shows whose"
            " they are, and the reason of each"
        )
        yield CheckResult("channels", Level.NOTE, text)


def _clock(newest: datetime | None) -> CheckResult:
    now = datetime.now(UTC)
    if now < EARLIEST:
        return CheckResult("clock", Level.PROBLEM, f"{now:%Y-%m-%d} is in the past: set the clock")
    if newest is not None and newest > now + CLOCK_SLACK:
        written = f"{newest:%Y-%m-%d %H:%M}"
        text = f"{now:%Y-%m-%d %H:%M} is before the newest entry of the database, {written}"
        return CheckResult("clock", Level.PROBLEM, text)
    return CheckResult("clock", Level.OK, f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _sqlite() -> CheckResult:
    version = ".".join(map(str, SQLITE_VERSION))
    if has_wal_reset_bug(SQLITE_VERSION):
        text = (
            f"{version} has the WAL-reset bug (3.7.0 to 3.51.2); useby avoids it, because only the"
            " node checkpoints; no other program may write to the file"
        )
        return CheckResult("SQLite", Level.NOTE, text)
    return CheckResult("SQLite", Level.OK, version)


def _port(settings: Settings, path: Path | None) -> CheckResult:
    what, where = "port", f"{settings.host}:{settings.port}"
    if path is not None and path.exists():
        try:
            with serving_lock(path):
                pass
        except AlreadyServed as error:
            return CheckResult(what, Level.OK, str(error))
        except DatabaseGone as error:
            return CheckResult("database", Level.PROBLEM, str(error))
        except OSError as error:
            return CheckResult(what, Level.PROBLEM, f"{error.filename}: {error.strerror}")
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            text = f"can't be used: {error.strerror}"
            if taken:
                text = "is in use by another program: stop it or set USEBY_PORT"
            return CheckResult(what, Level.PROBLEM, f"{where} {text}")
    return CheckResult(what, Level.OK, f"{where} is free")


def _files() -> CheckResult:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        text = f"{hard}: room for {SlotLimits.of(hard).connections} connections"
    except SettingsError as error:
        return CheckResult("file limit", Level.PROBLEM, str(error))
    enough = hard >= FILES_WANTED
    return CheckResult("file limit", Level.OK if enough else Level.PROBLEM, text)


def _zones() -> CheckResult:
    count = len(available_timezones())
    if not count:
        return CheckResult(
            "time zones", Level.PROBLEM, "no time zone data is installed: reinstall tzdata"
        )
    return CheckResult("time zones", Level.OK, f"{count} are installed")


def _outbound(settings: Settings) -> CheckResult:
    what, allowed = "outbound", settings.outbound_allowed_networks
    if not allowed:
        return CheckResult(what, Level.OK, "channels send to public addresses only, by https")
    return CheckResult(what, Level.NOTE, f"channels may also send to {', '.join(allowed)}")


def _push(settings: Settings) -> CheckResult:
    what, subject = "Web Push", settings.push_subject
    if subject is not None:
        return CheckResult(what, Level.OK, f"push services can reach you at {subject}")
    text = "Apple refuses pushes of a server without a contact: set USEBY_PUSH_CONTACT"
    return CheckResult(what, Level.NOTE, f"{text}, e.g. mailto:ada@useby.example")


def _apprise(settings: Settings) -> CheckResult:
    what, remedy = "Apprise", missing(settings).get(ChannelKind.APPRISE)
    if remedy is not None:
        return CheckResult(what, Level.OK, f"not installed; for channels of its services, {remedy}")
    return CheckResult(what, Level.OK, f"{version(LIBRARY)}, channels reach its services")


def _mail(settings: Settings) -> CheckResult:
    what, sending = "mail", mailer(settings)
    if sending is None:
        return CheckResult(what, Level.OK, "none is sent: USEBY_SMTP_URL is not set")
    server = mail_server(settings.smtp_url or "")
    where = f"{server.host}:{server.port}"

    async def work() -> None:
        async with asyncio.timeout(ATTEMPT_SECONDS):
            await sending.check()

    try:
        asyncio.run(work())
    except NotDelivered as failed:
        return CheckResult(what, Level.PROBLEM, f"{where}: {failed.reason}")
    except TimeoutError:
        text = f"{where} does not answer within {ATTEMPT_SECONDS:.0f} seconds"
        return CheckResult(what, Level.PROBLEM, text)
    signed_in = "accepts the sign-in" if server.user is not None else "accepts mail without sign-in"
    return CheckResult(what, Level.OK, f"{where} {signed_in}, encryption: {server.tls}")
