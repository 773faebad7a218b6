"""Mails that people request, sent in the background.

A request only puts its mail into a queue. So its answer takes the same time whether or not an
account exists and however slow the mail server is. A node that stops sends what waits, within its
time for that. What a node that is killed has not sent is lost, and the person asks for another one:
the links end soon anyway, and a stored queue would keep them.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from uuid_utils import uuid7

from useby import metrics
from useby.auth.address_links import confirm_token
from useby.auth.key import SigningKeys
from useby.auth.password_links import PasswordLink, new_token
from useby.delivery.attempts import ATTEMPT_SECONDS
from useby.delivery.channel import NotDelivered
from useby.delivery.mail_texts import confirmation_mail, reset_mail
from useby.delivery.mailer import Mailer, mailer
from useby.domain.account import User
from useby.domain.channel import Channel
from useby.domain.mail import Mail, link
from useby.settings import Settings
from useby.store import accounts, channels
from useby.store.database import Connection, Database, StoreUnavailable

log = logging.getLogger(__name__)

PLACES: Final = 8
"""Maximum number of mails that are sent at once."""
MOST_WAITING: Final = 200
"""Maximum number of mails that wait for a place."""
PAUSES: Final = (0.0, 5.0, 60.0)
"""Seconds before each attempt."""
RESET_PATH: Final = "mail/reset"
CONFIRM_PATH: Final = "mail/confirm"

Make = Callable[[], Awaitable[Mail | None]]
"""Returns the mail, or ``None`` if nothing is to be sent."""


class MailQueueFull(Exception):  # noqa: N818 - the name describes the caller's view
    """Too many mails wait; the same request may succeed later."""


@dataclass(frozen=True, slots=True)
class _Job:
    purpose: str
    make: Make


class AccountMail:
    """Sends the mails of accounts; ``run`` does the work."""

    def __init__(
        self,
        mailer: Mailer,
        database: Database,
        keys: SigningKeys,
        base: str,
        now: Callable[[], datetime],
    ) -> None:
        """Store the parts.

        Args:
            mailer: Sends a mail.
            database: The database.
            keys: The keys, the first of which signs links.
            base: The public URL of the node.
            now: The wall clock: aware, UTC.
        """
        self._mailer = mailer
        self._database = database
        self._keys = keys
        self._base = base
        self._now = now
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue(MOST_WAITING)
        self._leaving = asyncio.Event()
        self._aborted = asyncio.Event()

    def forgot(self, email: str) -> None:
        """Send a link that sets a new password, if an account has this e-mail.

        Raises:
            MailQueueFull: Too many mails wait.
        """
        self._put("reset", partial(self._reset, email))

    def confirm(self, channel: Channel) -> None:
        """Send a link that confirms the address of a channel.

        Raises:
            MailQueueFull: Too many mails wait.
        """
        self._put("confirmation", partial(self._confirmation, channel))

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(PLACES):
                group.create_task(self._work(), name=f"account-mail-{number}")

    async def finish(self, seconds: float) -> None:
        """Send what waits without further pauses, for at most some time."""
        self._leaving.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                joined = asyncio.create_task(self._jobs.join())
                aborted = asyncio.create_task(self._aborted.wait())
                try:
                    await asyncio.wait([joined, aborted], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    joined.cancel()
                    aborted.cancel()

    def abort(self) -> None:
        """End ``finish``: mails that are not sent yet are lost."""
        self._aborted.set()

    def _put(self, purpose: str, make: Make) -> None:
        try:
            self._jobs.put_nowait(_Job(purpose, make))
        except asyncio.QueueFull:
            raise MailQueueFull from None

    async def _work(self) -> None:
        while True:
            job = await self._jobs.get()
            await self._send(job)
            self._jobs.task_done()

    async def _send(self, job: _Job) -> None:
        mail, reason = None, ""
        for pause in PAUSES:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._leaving.wait()
            try:
                mail = mail or await job.make()
                if mail is None:
                    return
                async with asyncio.timeout(ATTEMPT_SECONDS):
                    await self._mailer.send(mail)
            except NotDelivered as failed:
                reason = failed.reason
                if failed.is_final:
                    break
            except TimeoutError:
                reason = f"no answer within {ATTEMPT_SECONDS:.0f} seconds"
            except StoreUnavailable as error:
                reason = f"the database is unavailable: {error}"
            except Exception as error:
                log.exception("a mail could not be written")
                reason = type(error).__name__
            else:
                metrics.account_mails.labels(job.purpose, "sent").inc()
                return
        metrics.account_mails.labels(job.purpose, "failed").inc()
        log.warning("a mail (%s) was not sent: %s", job.purpose, reason)

    async def _confirmation(self, asked: Channel) -> Mail | None:
        channel = await self._database.read(lambda c: channels.get(c, *asked.key))
        if channel is None or channel.is_confirmed or channel.target != asked.target:
            return None  # it was deleted or changed while the mail waited
        now = self._now()
        url = link(self._base, CONFIRM_PATH, token=confirm_token(channel, now))
        return confirmation_mail(
            str(uuid7()), channel.target, url, self._base, now, channel.language
        )

    async def _reset(self, email: str) -> Mail | None:
        def find(connection: Connection) -> tuple[User, str, str | None] | None:
            user = accounts.user_by_email(connection, email)
            if user is None or user.email is None or user.disabled_at is not None:
                return None
            return user, user.email, accounts.password_hash(connection, user.id)

        found = await self._database.read(find)
        if found is None:
            return None
        user, address, hashed = found
        now = self._now()
        token = new_token(self._keys.signing, PasswordLink.RESET, user.id, hashed, now)
        url = link(self._base, RESET_PATH, token=token)
        return reset_mail(str(uuid7()), address, url, now, user.language)


def account_mail(
    settings: Settings, database: Database, keys: SigningKeys, now: Callable[[], datetime]
) -> AccountMail | None:
    """Return the mails of a node's accounts; ``None`` if its settings name no mail server."""
    sending = mailer(settings)
    if sending is None or settings.public_url is None:
        return None
    return AccountMail(sending, database, keys, settings.public_url, now)
