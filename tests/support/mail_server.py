"""A real SMTP server on this machine, in the test's loop, that answers as a test wants."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import ssl
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.support.time_limits import HANG_TIMEOUT

FROM = "useby <useby@mail.example>"
PUBLIC_URL = "https://useby.example/app"
USER, PASSWORD = "useby", "hunter2/ß"
ACCEPTED = "250 OK"


@dataclass
class ReceivedMail:
    """A mail as the server got it."""

    sender: str
    to: list[str]
    content: bytes
    is_encrypted: bool
    port: int = 0
    """Port from which the connection came."""

    @property
    def parsed(self) -> EmailMessage:
        message = message_from_bytes(self.content, policy=policy.SMTP)
        assert isinstance(message, EmailMessage)
        return message

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.parsed.get_body((kind,))
        assert part is not None
        content: str = part.get_content()
        return content.replace("\r\n", "\n")

    @property
    def links(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.startswith("http")]


Answer = Callable[[ReceivedMail], str | None]
"""What is answered to a mail: a line of SMTP, or ``None`` to hang until the sender gives up."""


@dataclass
class MailReceiver:
    """Mails that came, in their order."""

    port: int = 0
    answer: Answer = lambda _: ACCEPTED
    recipient: str = ACCEPTED
    """Answer to each RCPT."""
    from_: str = ACCEPTED
    """Answer to each MAIL."""
    mails: list[ReceivedMail] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def settings(self, url: str | None = None) -> dict[str, Any]:
        """Settings of a node that sends its mails here."""
        return {
            "smtp_url": url or f"smtp://127.0.0.1:{self.port}",
            "mail_from": FROM,
            "public_url": PUBLIC_URL,
        }

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds, which is looked at after each mail."""
        async with asyncio.timeout(HANG_TIMEOUT), self.changed:
            await self.changed.wait_for(condition)

    async def until_count(self, count: int) -> None:
        await self.until(lambda: len(self.mails) >= count)

    async def answer_to(self, mail: ReceivedMail) -> str | None:
        return self.answer(mail)

    # the handler of aiosmtpd

    async def handle_EHLO(
        self, server: SMTP, session: Session, _: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.sessions.append(session)
        return lines

    async def handle_MAIL(
        self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.from_ == ACCEPTED:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return self.from_

    async def handle_RCPT(
        self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipient == ACCEPTED:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return self.recipient

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        assert isinstance(session.peer, tuple)
        mail = ReceivedMail(
            envelope.mail_from or "",
            list(envelope.rcpt_tos),
            envelope.content,
            session.ssl is not None,
            session.peer[1],
        )
        async with self.changed:
            self.mails.append(mail)
            self.changed.notify_all()
        answer = await self.answer_to(mail)
        if answer is None:
            await asyncio.Event().wait()  # until the connection is cut
        return answer or ""


def _authenticated(_: SMTP, __: Session, ___: Envelope, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=good, handled=False)


@contextlib.asynccontextmanager
async def receiving_mail(
    tls: ssl.SSLContext | None = None,
    *,
    implicit: bool = False,
    needs_login: bool = False,
    receiver: MailReceiver | None = None,
) -> AsyncIterator[MailReceiver]:
    """Run a server until the block ends.

    Args:
        tls: Its certificate; ``None`` for a server that cannot encrypt.
        implicit: Whether connections are encrypted from the first byte, in place of STARTTLS.
        needs_login: Whether it takes mails of ``USER`` with ``PASSWORD`` only.
        receiver: Receives the mails; a new one by default.
    """
    receiver = receiver or MailReceiver()
    loop = asyncio.get_running_loop()
    protocols: list[SMTP] = []

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it takes an implicit encryption for none
            made = SMTP(
                receiver,
                hostname="mail.test",
                loop=loop,
                tls_context=None if implicit else tls,
                authenticator=_authenticated if needs_login else None,
                auth_exclude_mechanism=() if needs_login else ("LOGIN", "PLAIN"),
                auth_required=needs_login,
                auth_require_tls=tls is not None and not implicit,
            )
        protocols.append(made)
        return made

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls if implicit else None)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for each in protocols:
            if isinstance(each.transport, asyncio.Transport):
                each.transport.abort()
        tasks = [each._handler_coroutine for each in protocols if each._handler_coroutine]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


@contextlib.contextmanager
def served_mail() -> Iterator[MailReceiver]:
    """Run a server in a thread of its own, for commands, which have loops of their own."""
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), list[MailReceiver]()
    stop = asyncio.Event()

    async def serve() -> None:
        async with receiving_mail() as receiver:
            found.append(receiver)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(HANG_TIMEOUT)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def certificate(folder: Path, *names: str) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for names and addresses; return it, and the file that makes it trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.IPAddress(ipaddress.ip_address(each))
                    if each[0].isdigit()
                    else x509.DNSName(each)
                    for each in names
                ]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(Encoding.PEM)
    trusted, both = folder / "trusted.pem", folder / "server.pem"
    trusted.write_bytes(pem)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both.write_bytes(pem + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, trusted
