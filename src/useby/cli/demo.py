"""``useby demo``: a node with a full fridge, to try useby."""

import asyncio
import base64
import hmac
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import available_timezones

import typer

from useby.actions import accounts, inventory
from useby.auth.key import key_id, signing_key
from useby.auth.passwords import Passwords
from useby.auth.tokens import Issuer
from useby.cli import demo_lots
from useby.cli.database import DEMO_DATABASE, friendly_errors
from useby.cli.demo_data import MARK, SAMPLES, redated, stock
from useby.cli.options import settings_with
from useby.cli.terminal import console
from useby.domain.account import User
from useby.domain.policy import Policy
from useby.domain.quota import Usage
from useby.serving import serve
from useby.settings import Settings
from useby.store import migrate, products, usage
from useby.store.accounts import user_by_email
from useby.store.database import Transaction
from useby.store.lock import serving_lock
from useby.store.open import open_database

EMAIL: Final = "demo@useby.example"
TOKEN_SECONDS: Final = 24 * 3600

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class _Demo:
    """A demo that is ready to be served."""

    password: str
    token: str
    kept: Usage | None
    """Figures of the account from earlier starts; ``None`` if it is new."""


@app.command()
def demo(
    *,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Delete the demo's database and begin again.")
    ] = False,
) -> None:
    """Run a node on ./useby-demo.db with a demo account whose products expire before your eyes.

    A later start keeps the database and moves the dates of the demo's own products: some expire
    within the minute again.
    """
    settings = settings_with(database_url=f"sqlite:///{DEMO_DATABASE}", demo=True)
    with friendly_errors(f"{settings.host}:{settings.port}"):
        # The products are dated from this moment on: their alerts come within the first minute.
        ready = _prepare(settings, datetime.now(UTC), fresh=fresh)
        status = serve(settings, lambda url: _welcome(url, ready))
    raise typer.Exit(status)


def _prepare(settings: Settings, now: datetime, *, fresh: bool) -> _Demo:
    """Create the database or bring the kept one up to date, while no node serves it."""
    with serving_lock(DEMO_DATABASE, new=True):  # fails while another demo runs
        if fresh or DEMO_DATABASE.stat().st_size == 0:
            for suffix in ("", "-wal", "-shm"):
                DEMO_DATABASE.with_name(DEMO_DATABASE.name + suffix).unlink(missing_ok=True)
        key = signing_key(settings, DEMO_DATABASE)
        migrate.upgrade(settings.database_url)
        return asyncio.run(_fill(settings, key, now))


async def _fill(settings: Settings, key: bytes, now: datetime) -> _Demo:
    # Derived from the key, the password is the same at each start and stored nowhere.
    digest = hmac.digest(key, b"the password of the demo account", "sha256")
    password = base64.urlsafe_b64encode(digest[:9]).decode()
    passwords = Passwords()
    hashed = await passwords.hash(password)
    passwords.close()

    def work(transaction: Transaction) -> tuple[str, str, Usage | None]:
        user, kept = _account(transaction, hashed, now)
        lifetime = timedelta(seconds=TOKEN_SECONDS)
        session_id = accounts.open_session(
            transaction, user.id, now=now, lifetime=lifetime, key_id=key_id(key)
        )
        return user.id, session_id, kept

    database = open_database(settings.database_url)
    try:
        user_id, session_id, kept = await database.write(work)
    finally:
        await database.close()
    token = Issuer(key, TOKEN_SECONDS).access(user_id, session_id, now)
    return _Demo(password, token, kept)


def _account(
    transaction: Transaction, password_hash: str, now: datetime
) -> tuple[User, Usage | None]:
    """Return the demo's account with its products dated from ``now`` on, and what it had before."""
    user = user_by_email(transaction.connection, EMAIL)
    if user is None:
        user = accounts.create(
            transaction,
            email=EMAIL,
            name="Demo",
            time_zone=_time_zone(),
            # All alerts of a day count from midnight, so that alerts already due are sent at once.
            policy=Policy(alert_time=datetime.min.time()),
            password_hash=password_hash,
            now=now,
        )
        for product in stock(user, now):
            demo_lots.add(transaction, product, user, now)
        return user, None
    kept = usage.of(transaction.connection, user.id)
    accounts.set_password_hash(transaction, user.id, password_hash)
    ids = [f"{MARK}{number}" for number in range(len(SAMPLES))]
    existing = products.by_external_id(transaction.connection, user.id, ids)
    for product in redated(existing, user, now):
        before = existing.get(product.external_id or "")
        if before is not None and before.id == product.id:
            inventory.replace(transaction, product, user, now)
            continue
        if before is not None:
            inventory.delete(transaction, user, before.id, now)
        demo_lots.add(transaction, product, user, now)
    return user, kept


def _time_zone() -> str:
    """Return this machine's IANA time zone, or UTC if it cannot be determined."""
    _, _, name = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")
    return name if name in available_timezones() else "UTC"


def _welcome(url: str, demo: _Demo) -> None:
    useby = "useby" if shutil.which("useby") else sys.argv[0]
    out = console()
    out.soft_wrap = True
    out.print(f"useby is listening on {url}\n", style="bold green")
    out.print(f"  page      {url}/")
    out.print(f"  docs      {url}/api/docs")
    out.print(f"  login     {EMAIL}  password  {demo.password}")
    out.print(f"  database  {DEMO_DATABASE.resolve()}")
    if demo.kept is not None:
        figures = f"{demo.kept.products} products and {demo.kept.unread} unread notifications"
        out.print(f"  kept      {figures}; `{useby} demo --fresh` begins again")
        out.print("  changed   the dates of the demo's own products: they count from now")
    out.print("\nIn a second terminal, watch its products expire:\n")
    out.print(f"  {useby} watch --url {url} --token {demo.token}\n")
    out.print("In a third, send a notification of your own:\n")
    out.print(f'  {useby} notify --database sqlite:///{DEMO_DATABASE} {EMAIL} "Tea is ready"\n')
