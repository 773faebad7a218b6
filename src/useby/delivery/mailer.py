"""Send mails by SMTP, and check the mail server.

The server is the operator's, so any address is allowed here, unlike for targets of users. A reason
for which a mail was not sent names no host and no address: it is shown to users.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import IPv4Address
from typing import Final, Self
from urllib.parse import urlsplit

import aiosmtplib

from useby.delivery.channel import NotDelivered
from useby.delivery.name_look_ups import CONNECT_SECONDS, NameLookUps
from useby.domain.addresses import IpAddress
from useby.domain.mail import Mail, MailServer, SenderAddress, Tls, is_mailbox, mail_server, sender
from useby.settings import Settings

FINAL: Final = range(500, 600)
"""Codes of SMTP after which a mail is not repeated (RFC 5321 section 4.2.1)."""
CODES: Final = range(200, 600)
"""Codes of SMTP; anything else is no answer of a mail server."""
QUIT_SECONDS: Final = 1.0
"""Time for the server's answer to QUIT. The mail has been accepted by then."""
NO_MAIL: Final = "this server sends no mail, because USEBY_SMTP_URL is not set"
NO_MAILBOX: Final = "mail cannot be sent to an address of this form"
NO_STARTTLS: Final = (
    "the mail server offers no STARTTLS: use smtps:// in USEBY_SMTP_URL, or add ?starttls=no, which"
    " sends everything unencrypted"
)
BAD_CERTIFICATE: Final = "the certificate of the mail server is not valid"
NO_TLS: Final = "the mail server and this one agree on no encryption: is the port the right one?"
UNREACHABLE: Final = "the mail server cannot be reached"
BROKEN_OFF: Final = "the mail server closed the connection"
NO_LOGIN: Final = "the mail server accepts no user name and password on this connection"


class Mailer:
    """Sends mails over the server of the settings, with one connection for each."""

    def __init__(self, server: MailServer, sender: SenderAddress, name: str) -> None:
        """Store the server.

        Args:
            server: The mail server.
            sender: The sender of all mails.
            name: The name or address by which this node introduces itself (EHLO).
        """
        self._server = server
        self._sender = sender
        self._name = f"[{name}]" if ":" in name or name.replace(".", "").isdecimal() else name
        self._tls: ssl.SSLContext | None = None
        self._names = NameLookUps()

    async def send(self, mail: Mail) -> str:
        """Send a mail. The caller cancels an attempt that takes too long.

        Returns:
            What the server answered, in a few words.

        Raises:
            NotDelivered: The attempt has failed; it is final for a code of 500 to 599 that refuses
                the sender, the address or the mail.
        """
        if not is_mailbox(mail.to):
            raise NotDelivered(NO_MAILBOX, is_final=True)
        message = message_of(mail, self._sender)
        with _reasons():
            async with self._connected() as smtp:
                await smtp.sendmail(self._sender.address, [mail.to], message)
        return "the mail server accepted the mail"

    async def check(self) -> None:
        """Connect, encrypt and sign in as for a mail, and send none.

        Raises:
            NotDelivered: One of these has failed.
        """
        with _reasons():
            async with self._connected():
                pass

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        server = self._server
        if server.tls is not Tls.NONE and self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)  # it reads files
        smtp = aiosmtplib.SMTP(
            hostname=server.host,
            sock=await self._socket(),
            local_hostname=self._name,
            use_tls=server.tls is Tls.IMPLICIT,
            start_tls=False,
            tls_context=self._tls,
            timeout=None,
        )
        try:
            await smtp.connect()
            await smtp.ehlo()
            if server.tls is Tls.STARTTLS:
                if not smtp.supports_extension("starttls"):
                    raise NotDelivered(NO_STARTTLS)
                await smtp.starttls()
                await smtp.ehlo()
            if server.user is not None:
                if not smtp.supported_auth_methods:
                    raise NotDelivered(NO_LOGIN)
                await smtp.login(server.user, server.password or "")
            yield smtp
            with contextlib.suppress(OSError, aiosmtplib.SMTPException):
                async with asyncio.timeout(QUIT_SECONDS):
                    await smtp.quit()
        finally:
            smtp.close()

    async def _socket(self) -> socket.socket:
        """Return a connection to the first address of the server that accepts one.

        Raises:
            OSError: The name cannot be resolved, or no address accepts a connection.
        """
        port, error = self._server.port, OSError("the host has no address")
        addresses = await self._names.addresses(self._server.host, port)
        for number, address in enumerate(addresses, start=1):
            limit = None if number == len(addresses) else CONNECT_SECONDS
            try:
                async with asyncio.timeout(limit):
                    return await _connection(address, port)
            except OSError as failed:  # a TimeoutError is one
                error = failed
        raise error


async def _connection(address: IpAddress, port: int) -> socket.socket:
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    with contextlib.ExitStack() as opened:
        connection = opened.enter_context(socket.socket(family, socket.SOCK_STREAM))
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, (str(address), port))
        opened.pop_all()
        return connection


def mailer(settings: Settings) -> Mailer | None:
    """Return the mailer of a node; ``None`` if its settings name no mail server."""
    url, from_, base = settings.smtp_url, settings.mail_from, settings.public_url
    if url is None or from_ is None or base is None:
        return None
    return Mailer(mail_server(url), sender(from_), urlsplit(base).hostname or "localhost")


def message_of(mail: Mail, sender: SenderAddress) -> bytes:
    """Return a mail as the server gets it.

    All of it is ASCII: headers are encoded words (RFC 2047), the parts are quoted-printable.
    """
    message = EmailMessage(policy.SMTP)
    message["From"] = Address(sender.name, addr_spec=sender.address)
    message["To"] = Address(addr_spec=mail.to)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.at)
    message["Message-ID"] = f"<{mail.id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe is not None:
        message["List-Unsubscribe"] = _Unfolded("List-Unsubscribe", f"<{mail.unsubscribe}>")
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message.as_bytes()


class _Unfolded(str):
    """Value of a header that is written as it is.

    ``email`` would write a URL that is longer than a line as encoded words, which no reader of this
    header decodes.
    """

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: str, value: str) -> Self:
        made = super().__new__(cls, value)
        made.name = name
        return made

    def fold(self, *, policy: policy.Policy) -> str:
        """Return the header's line, as ``email`` calls for it."""
        return f"{self.name}: {self}{policy.linesep}"


@contextlib.contextmanager
def _reasons() -> Iterator[None]:
    """Raise each error of SMTP as ``NotDelivered``, with a reason in our words.

    The server's own words are left out: they may contain the address, or whatever they like.
    """
    try:
        yield
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _refused("the address", error.recipients[0].code) from None
    except aiosmtplib.SMTPSenderRefused as error:
        raise _refused("the sender, which is USEBY_MAIL_FROM,", error.code) from None
    except aiosmtplib.SMTPDataError as error:
        raise _refused("the mail", error.code) from None
    except aiosmtplib.SMTPAuthenticationError as error:
        reason = f"the mail server refused the user name or the password ({error.code})"
        raise NotDelivered(reason) from None
    except aiosmtplib.SMTPResponseException as error:
        raise NotDelivered(_unexpected(error.code)) from None
    except aiosmtplib.SMTPServerDisconnected:
        raise NotDelivered(BROKEN_OFF) from None
    except (OSError, aiosmtplib.SMTPException) as error:
        cause = error.__cause__ or error
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise NotDelivered(f"{BAD_CERTIFICATE}: {cause.verify_message}") from None
        raise NotDelivered(NO_TLS if isinstance(cause, ssl.SSLError) else UNREACHABLE) from None


def _refused(what: str, code: int) -> NotDelivered:
    if code not in CODES:
        return NotDelivered(_unexpected(code))
    return NotDelivered(f"the mail server refused {what} ({code})", is_final=code in FINAL)


def _unexpected(code: int) -> str:
    return "the mail server gave an unexpected answer" + (f" ({code})" if code in CODES else "")
