"""``useby demo``: a node with a full fridge, to try useby."""

import asyncio
import secrets
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import available_timezones

import typer
from uuid_utils import uuid7

from useby.app import serve
from useby.auth.key import signing_key
from useby.auth.passwords import Passwords
from useby.auth.tokens import Issuer
from useby.cli.database import friendly_errors
from useby.cli.demo_data import stock
from useby.cli.options import settings_with
from useby.cli.terminal import console
from useby.domain.account import User
from useby.domain.policy import Policy
from useby.settings import Settings
from useby.store import accounts, migrate, products, sessions
from useby.store.database import Transaction
from useby.store.lock import serving_lock
from useby.store.open import open_database

DATABASE: Final = Path("useby-demo.db")
EMAIL: Final = "demo@useby.example"
TOKEN_SECONDS: Final = 24 * 3600

app = typer.Typer(add_completion=False)


@app.command()
def demo() -> None:
    """Run a node on ./useby-demo.db with a demo account whose products expire before your eyes.

    Each start creates a new database.
    """
    settings = settings_with(database_url=f"sqlite:///{DATABASE}")
    with friendly_errors(f"{settings.host}:{settings.port}"):
        # The products are dated from this moment on: their alerts come within the first minute.
        password, token = _stock(settings, datetime.now(UTC))
        status = serve(settings, lambda url: _welcome(url, password, token))
    raise typer.Exit(status)


def _stock(settings: Settings, now: datetime) -> tuple[str, str]:
    """Create the database; return the demo account's password and an access token."""
    with serving_lock(DATABASE, new=True):  # fails while another demo runs
        for suffix in ("", "-wal", "-shm"):
            DATABASE.with_name(DATABASE.name + suffix).unlink(missing_ok=True)
        key = signing_key(settings, DATABASE)
        migrate.upgrade(settings.database_url)
        password = secrets.token_urlsafe(9)
        return password, asyncio.run(_fill(settings, Issuer(key, TOKEN_SECONDS), password, now))


async def _fill(settings: Settings, issuer: Issuer, password: str, now: datetime) -> str:
    # All alerts of a day count from midnight, so that alerts already due are sent at once.
    policy = Policy(alert_time=datetime.min.time())
    user = User(str(uuid7()), EMAIL, "Demo", _time_zone(), policy, now)
    passwords = Passwords()
    hashed = await passwords.hash(password)
    passwords.close()
    session_id = str(uuid7())

    def work(transaction: Transaction) -> None:
        accounts.add_user(transaction, user=user, password_hash=hashed)
        for product in stock(user, now):
            products.add(transaction, product, user, now)
        sessions.open_session(
            transaction,
            user_id=user.id,
            session_id=session_id,
            token_hash=None,
            now=now,
            expires_at=now + timedelta(seconds=TOKEN_SECONDS),
        )

    database = open_database(settings.database_url)
    try:
        await database.write(work)
    finally:
        await database.close()
    return issuer.access(user.id, session_id, now)


def _time_zone() -> str:
    """Return this machine's IANA time zone, or UTC if it cannot be determined."""
    _, _, name = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")
    return name if name in available_timezones() else "UTC"


def _welcome(url: str, password: str, token: str) -> None:
    useby = "useby" if shutil.which("useby") else sys.argv[0]
    out = console()
    out.soft_wrap = True
    out.print(f"useby is listening on {url}\n", style="bold green")
    out.print(f"  page      {url}/")
    out.print(f"  docs      {url}/api/docs")
    out.print(f"  login     {EMAIL}  password  {password}")
    out.print(f"  database  {DATABASE.resolve()}\n")
    out.print("In a second terminal, watch its products expire:\n")
    out.print(f"  {useby} watch --url {url} --token {token}\n")
