"""Mail: the server that sends it, the forms of addresses, and one message."""

import ipaddress
import re
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from useby.domain.visible import one_line

MAX_MAILBOX: Final = 254
"""Maximum length of an address (RFC 5321 section 4.5.3.1.3)."""
MAILBOX_FORM: Final = (
    f"must be an e-mail address of at most {MAX_MAILBOX} characters in ASCII, e.g. ada@mail.example"
)
SERVER_FORM: Final = (
    "must be smtps://USER:PASSWORD@HOST or smtp://USER:PASSWORD@HOST, with a percent sign and two"
    " digits for each special character of the password, e.g. smtps://useby:secret@mail.example"
)
NEEDS_TLS: Final = (
    "has a password, which is sent encrypted only: remove ?starttls=no, or use smtps://"
)
SENDER_FORM: Final = "must be a name and an address, e.g. useby <useby@mail.example>"
PUBLIC_FORM: Final = (
    "must be the URL at which people reach the node, e.g. https://useby.example or"
    " https://home.example/useby"
)
_MAILBOX: Final = re.compile(
    r"(?P<local>[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_MAX_LOCAL: Final = 64
_PORTS: Final = {"smtps": 465, "smtp": 587}


class Tls(StrEnum):
    """Encryption of the connection to a mail server."""

    IMPLICIT = "implicit"
    """From the first byte."""
    STARTTLS = "starttls"
    """From the command STARTTLS on; without it, nothing is sent."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MailServer:
    """The server that takes the node's mails, and the sign-in at it."""

    host: str
    port: int
    tls: Tls
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SenderAddress:
    """The ``From`` of all mails."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """Return the part of the address behind the ``@``."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person."""

    id: str
    """The part of the ``Message-ID`` before the ``@``: the same for every repetition."""
    to: str
    at: datetime
    """Time at which it was written, aware."""
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    """The same contents as a document of HTML."""
    unsubscribe: str | None = field(default=None, repr=False)
    """URL that ends such mails with one POST (RFC 8058)."""


def is_mailbox(text: str) -> bool:
    """Return whether a text is an address that any mail server takes: ASCII, without quotes."""
    found = _MAILBOX.fullmatch(text)
    return found is not None and len(found["local"]) <= _MAX_LOCAL and len(text) <= MAX_MAILBOX


def mail_server(url: str) -> MailServer:
    """Parse the URL of a mail server.

    ``smtp:`` takes STARTTLS, except on this machine or with ``?starttls=no``.

    Raises:
        ValueError: The URL has another form; the message does not repeat it, for its password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ValueError(SERVER_FORM) from None
    host = parts.hostname
    good = parts.path in ("", "/") and not parts.fragment and port != 0
    if not good or not host or (parts.username is None) != (parts.password is None):
        raise ValueError(SERVER_FORM)
    tls = _tls(parts, dict(options))
    has_password = parts.password is not None
    if has_password and tls is Tls.NONE and not _is_this_machine(host):
        raise ValueError(NEEDS_TLS)
    return MailServer(
        host,
        _PORTS[parts.scheme] if port is None else port,
        tls,
        unquote(parts.username) if parts.username is not None else None,
        unquote(parts.password) if parts.password is not None else None,
    )


def sender(text: str) -> SenderAddress:
    """Parse the sender of all mails.

    Raises:
        ValueError: The text has another form.
    """
    name, address = parseaddr(text)
    try:
        name = one_line(name).strip()
    except ValueError:
        raise ValueError(SENDER_FORM) from None
    if not is_mailbox(address) or "\n" in text or "\r" in text:
        raise ValueError(SENDER_FORM)
    return SenderAddress(name, address)


def public_url(text: str) -> str:
    """Return the URL with which links begin, without a slash at its end.

    Raises:
        ValueError: The text is no such URL.
    """
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or "@" in parts.netloc or not re.fullmatch(r"[!-~]+", text) or "<" in text:
        raise ValueError(PUBLIC_FORM)
    if parts.query or parts.fragment:
        raise ValueError(PUBLIC_FORM)
    return text.rstrip("/")


def link(base: str, path: str, **query: str) -> str:
    """Return a link for a mail.

    Args:
        base: The public URL of the node.
        path: The path below it.
        query: The query, without escapes.
    """
    return f"{base}/{path}" + (f"?{urlencode(query)}" if query else "")


def _tls(parts: SplitResult, options: dict[str, str]) -> Tls:
    if parts.scheme == "smtps" and not options:
        return Tls.IMPLICIT
    chosen = options.pop("starttls", "")
    if parts.scheme != "smtp" or options or chosen not in ("", "yes", "no"):
        raise ValueError(SERVER_FORM)
    if chosen:
        return Tls.STARTTLS if chosen == "yes" else Tls.NONE
    return Tls.NONE if _is_this_machine(parts.hostname or "") else Tls.STARTTLS


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
