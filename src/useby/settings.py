"""All settings of a node, each with its unit and its default.

The order of precedence: command-line options, the environment (``USEBY_…``), ``.env``.
"""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from useby.domain import mail
from useby.domain.quota import MOST_MOVEMENTS, Limits, ProductLimits

Names = Annotated[tuple[str, ...], NoDecode]

DEFAULT_DATABASE_URL = "sqlite:///useby.db"
LISTS = (
    *("allowed_origins", "allowed_hosts", "trusted_proxies", "jwt_algorithms", "nats_url"),
    "outbound_allowed_networks",
)
NEW_KEY: Final = "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
"""Command that prints a secret key."""
_ORIGIN: Final = re.compile(r"\*|[a-z][a-z0-9+.-]*://[^/?#@\sA-Z]+")
_CONTACT: Final = re.compile(r"mailto:[^\s@:]+@[^\s@:]+|https://[!-~]+")
PATH_PREFIX: Final = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
"""Form of a path below which a proxy publishes the node; no segment is ``.`` or ``..``."""


def http_url(host: str, port: int) -> str:
    """Return the URL of a port; an IPv6 address is put in brackets (RFC 3986, section 3.2.2)."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Settings(BaseSettings):
    """A node's settings. Durations are seconds and sizes bytes unless a name has another unit."""

    model_config = SettingsConfigDict(
        env_prefix="USEBY_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    # address, database, bus and logs
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 selects a free one, which is printed at start."""
    database_url: str = Field(default=DEFAULT_DATABASE_URL, repr=False)
    """URL of the database: ``sqlite:///PATH`` (four slashes for an absolute path), or
    ``postgresql://…`` as PostgreSQL's own programs accept it."""
    nats_url: Names = Field(default=(), repr=False)
    """URLs of NATS servers: ``nats://HOST`` or ``tls://HOST``, with ``USER:PASSWORD@`` before the
    host if needed. Lets nodes on the same PostgreSQL notify each other."""
    nats_credentials: Path | None = None
    """Path of a ``.creds`` file for NATS."""
    nats_ca: Path | None = None
    """Path of a PEM file with the certificate authority of the NATS servers."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Minimum log level."""
    log_format: Literal["console", "json"] = "console"
    """Log format: ``console`` for people, ``json`` for programs."""
    access_log: bool = False
    """Log a line for each request: client, method, route, status and duration. With the log level
    ``DEBUG`` the lines are always logged."""

    # access
    secret_key: SecretStr | None = None
    """Key that signs our own tokens (HS256); at least 32 bytes (RFC 7518 §3.2)."""
    secret_key_previous: SecretStr | None = None
    """Second key, accepted while ``USEBY_SECRET_KEY`` is replaced: its tokens, sign-ins and tickets
    are valid, and nothing is signed with it. Without it, a new key ends every sign-in."""
    allowed_origins: Names = ()
    """Origins whose pages may use the node from a browser, REST (CORS) and the WebSocket; ``*``
    means any. The node's own origin always may. Unset, any page may open the WebSocket, which
    requires a token, and only the node's own pages may use REST."""
    allowed_hosts: Names = ()
    """``Host`` names that are served; empty means any. Health checks are served under any name."""
    trusted_proxies: Names = ("127.0.0.1",)
    """Addresses and networks of proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Prefix`` are
    trusted; the rates of sign-ins are limited by the resulting address."""
    root_path: str = ""
    """Path below which a proxy publishes the node, e.g. ``/useby``. The proxy removes it from each
    request. Its ``X-Forwarded-Prefix``, if it sends one, is used instead."""
    signup: bool | None = None
    """Allow accounts to be created by ``POST /api/auth/signup``. Unless it is set, sign-up is open
    only if ``USEBY_HOST`` is loopback; set it to ``false`` on a node behind a proxy."""
    demo: bool = False
    """Mark the node as a demo, which the page at ``/`` shows; ``useby demo`` sets it."""
    access_token_seconds: int = Field(default=15 * 60, ge=1, le=24 * 3600)
    """Lifetime of an access token."""
    refresh_token_seconds: int = Field(default=30 * 24 * 3600, ge=60)
    """Lifetime of a refresh token; each use starts a new one."""
    refresh_grace_seconds: int = Field(default=10, ge=0, le=60)
    """Time for which the previous refresh token of a sign-in still returns the same successor."""
    ticket_seconds: int = Field(default=30, ge=1, le=300)
    """Lifetime of a ticket for the WebSocket."""
    login_rate: str = "10/minute"
    """Maximum rate of sign-in attempts per network and per known device, in the notation of the
    library ``limits``; more attempts for one e-mail are slowed down."""
    signup_rate: str = "10/minute"
    """Maximum rate of sign-ups per network."""

    # tokens of an external issuer
    jwt_secret: SecretStr | None = None
    """Secret that an application's own backend shares and signs its tokens with (HS256, HS384 or
    HS512); at least 32 bytes, and not ``USEBY_SECRET_KEY``."""
    jwt_algorithms: Names = (
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA"),
    )
    """Algorithms with which an external issuer's public keys may be used; a token cannot choose any
    other. A key that names its own (``alg``) is used with that one only."""
    jwt_jwks_url: str | None = None
    """URL of an external issuer's keys (JWKS); https. A token without ``kid`` is accepted if
    exactly one key is for its algorithm."""
    jwt_public_key: str | None = Field(default=None, repr=False)
    """Public key of an external issuer: PEM text, or the path of a PEM file."""
    jwt_issuer: str | None = None
    """Required ``iss`` claim."""
    jwt_audience: str | None = None
    """Required ``aud`` claim."""
    jwt_user_claim: str = "sub"
    """Claim that contains the user's id: a text, or a whole number, which is taken as its text."""
    jwt_auto_provision: bool = False
    """Create a user when their first token is verified."""

    # channels
    push_contact: str | None = None
    """Contact for the operators of push services: ``mailto:`` and an address, or an https URL.
    Without it they get ``USEBY_PUBLIC_URL``. Apple's push service requires one of the two."""
    outbound_allowed_networks: Names = ()
    """Networks and addresses that are not public and that channels may send to all the same, also
    by plain http, e.g. ``192.168.1.0/24,127.0.0.1``. Without it, a channel reaches public addresses
    by https only."""

    # mail
    smtp_url: str | None = Field(default=None, repr=False)
    """Server that sends the node's mails: ``smtps://USER:PASSWORD@HOST``, or ``smtp://`` for
    STARTTLS, which is required unless the server is on this machine or the URL ends with
    ``?starttls=no``. Needs ``USEBY_MAIL_FROM`` and ``USEBY_PUBLIC_URL``. Unset, no mail is sent."""
    mail_from: str | None = None
    """Sender of all mails, e.g. ``useby <useby@mail.example>``."""
    public_url: str | None = None
    """URL at which people reach the node, with which each link in a message begins, e.g.
    ``https://useby.example``."""
    mail_rate: str = "5/hour"
    """Maximum rate of mails that one network or one account requests, and of those to one address:
    for a forgotten password, and to confirm an address."""

    # limits of connections (section 7 of docs/reference/protocol.md)
    head_max_bytes: int = Field(default=16 * 1024, ge=1024)
    """Maximum size of a request head; larger ones get 431."""
    head_max_headers: int = Field(default=64, ge=8)
    """Maximum number of headers of a request; more get 431."""
    url_max_bytes: int = Field(default=8 * 1024, ge=256)
    """Maximum length of a URL; longer ones get 414."""
    head_timeout: float = Field(default=10.0, gt=0)
    """Maximum time until a request head is complete."""
    body_max_bytes: int = Field(default=2 * 1024 * 1024, ge=1024)
    """Maximum size of a batch's body; larger ones get 413. A file to import has at most 8 MiB, and
    other requests have smaller limits of their own."""
    body_timeout: float = Field(default=30.0, gt=0)
    """Maximum time until a request body is complete."""
    answer_timeout: float = Field(default=30.0, gt=0)
    """Time in which a peer has to read 16 KiB of a pending answer, or what is left of it."""
    token_max_bytes: int = Field(default=4 * 1024, ge=256)
    """Maximum size of an access token."""
    message_max_bytes: int = Field(default=4 * 1024, ge=128)
    """Maximum size of a client's message; larger ones are closed with 1009."""
    message_max_fragments: int = Field(default=64, ge=1)
    """Maximum number of fragments of a client's message; more are closed with 1009."""
    message_timeout: float = Field(default=10.0, gt=0)
    """Maximum time from a message's first byte to its last; slower ones are closed with 1008."""
    frames_per_second: float = Field(default=20.0, gt=0)
    """Maximum sustained rate of client frames of every kind; more are closed with 1008."""
    frames_burst: int = Field(default=60, ge=1)
    """Maximum burst of client frames; more are closed with 1008."""
    connections_per_user: int = Field(default=32, ge=1)
    """Maximum number of connections of a user; more are closed with 1013."""
    max_connections: int | None = Field(default=None, ge=1)
    """Maximum number of connections of the node; by default the process's file limit less a
    reserve."""
    send_buffer_bytes: int = Field(default=256 * 1024, ge=1024)
    """Maximum unsent bytes per connection; slower peers are closed with 1013."""
    kernel_send_buffer_bytes: int = Field(default=64 * 1024, ge=4096)
    """Size of the kernel's send buffer of a connection (``SO_SNDBUF``)."""
    ping_interval: float = Field(default=25.0, gt=0)
    """Interval between the protocol's pings to a connection."""
    ping_timeout: float = Field(default=20.0, gt=0)
    """Maximum time until a ping is answered; slower peers are closed with 1011."""
    close_timeout: float = Field(default=5.0, gt=0)
    """Maximum time until our Close is answered; the connection is cut afterwards."""

    # quotas of an account (409)
    max_products: int = Field(default=50_000, ge=1)
    """Maximum number of products of an account, closed ones included."""
    max_unread: int = Field(default=250_000, ge=1)
    """Maximum number of unread notifications of an account. Alerts count, but are stored beyond the
    maximum."""
    max_account_bytes: int = Field(default=256 * 1024 * 1024, ge=64 * 1024)
    """Maximum estimated disk space of an account. The request that exceeds it is still stored;
    later ones are refused."""
    max_lots: int = Field(default=2_000, ge=1)
    """Maximum number of open lots of a product."""
    max_movements: int = Field(default=20_000, ge=1, le=MOST_MOVEMENTS)
    """Maximum number of movements of a product, those of its closed lots included. An undo is
    stored beyond it."""

    # keeping
    keep_read_days: int = Field(default=90, ge=0)
    """Days after which a read notification is deleted; 0 keeps all. Unread ones and the newest of
    each account stay."""

    # stopping
    drain_seconds: float = Field(default=1.0, ge=0)
    """Time over which a stopping node closes its connections with 1001, so that clients do not all
    reconnect at once."""

    @model_validator(mode="before")
    @classmethod
    def _split_names(cls, values: dict[str, object]) -> dict[str, object]:
        """Split lists that are comma-separated in the environment."""
        for name in LISTS:
            value = values.get(name)
            if isinstance(value, str):
                values[name] = tuple(part.strip() for part in value.split(",") if part.strip())
        return values

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        minimum = 32
        for name in ("secret_key", "secret_key_previous", "jwt_secret"):
            key: SecretStr | None = getattr(self, name)
            size = minimum if key is None else len(key.get_secret_value().encode())
            if size < minimum:
                msg = f"USEBY_{name.upper()} has {size} bytes; HS256 requires at least"
                msg += f" {minimum}, e.g. the output of: {NEW_KEY}"
                raise ValueError(msg)
        if self.jwt_secret in {self.secret_key, self.secret_key_previous} - {None}:
            msg = "USEBY_JWT_SECRET must be another secret than USEBY_SECRET_KEY"
            raise ValueError(f"{msg}, e.g. the output of: {NEW_KEY}")
        return self

    @field_validator("host")
    @classmethod
    def _check_host(cls, host: str) -> str:
        if not host:  # it would be every address of the machine
            raise ValueError("must be an address, e.g. 127.0.0.1")
        return host

    @field_validator("root_path")
    @classmethod
    def _check_root_path(cls, path: str) -> str:
        path = path.rstrip("/")
        if path and not PATH_PREFIX.fullmatch(path):
            raise ValueError("must be a path, e.g. /useby")
        return path

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:  # one that a browser never sends would not match
            if not _ORIGIN.fullmatch(origin):
                msg = (
                    "must be origins with commas, in lower case and without a path,"
                    f" e.g. https://app.example, and {origin!r} is none"
                )
                raise ValueError(msg)
        return origins

    @model_validator(mode="after")
    def _check_proxies(self) -> Self:
        for proxy in self.trusted_proxies:
            try:
                ipaddress.ip_network(proxy)
            except ValueError:  # uvicorn would take it for a name and trust no proxy
                msg = (
                    "USEBY_TRUSTED_PROXIES must be addresses or networks with commas,"
                    f" e.g. 10.0.0.0/8, and {proxy!r} is neither"
                )
                raise ValueError(msg) from None
        return self

    @field_validator("outbound_allowed_networks")
    @classmethod
    def _check_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                msg = "must be addresses or networks with commas, e.g. 192.168.1.0/24"
                raise ValueError(f"{msg}, and {network!r} is neither") from None
        return networks

    @model_validator(mode="after")
    def _check_nats(self) -> Self:
        for url in self.nats_url:  # an error must not repeat a URL, which may contain a password
            try:
                parsed = urlsplit(url)
                good = parsed.scheme in {"nats", "tls"} and parsed.hostname and parsed.port != 0
            except ValueError:
                good = False
            if not good:
                msg = (
                    "USEBY_NATS_URL must be nats://HOST or tls://HOST, or several with commas,"
                    " e.g. nats://127.0.0.1:4222"
                )
                raise ValueError(msg)
        return self

    @field_validator("smtp_url", "mail_from", "public_url")
    @classmethod
    def _check_mail(cls, text: str | None, info: ValidationInfo) -> str | None:
        if not text:
            return None
        if info.field_name == "public_url":
            return mail.public_url(text)
        (mail.mail_server if info.field_name == "smtp_url" else mail.sender)(text)
        return text

    @model_validator(mode="after")
    def _check_mail_is_complete(self) -> Self:
        if self.smtp_url is not None and None in (self.mail_from, self.public_url):
            msg = "USEBY_SMTP_URL needs USEBY_MAIL_FROM, e.g. useby <useby@mail.example>, and"
            raise ValueError(f"{msg} USEBY_PUBLIC_URL, e.g. https://useby.example")
        return self

    @field_validator("push_contact")
    @classmethod
    def _check_push_contact(cls, url: str | None) -> str | None:
        if url and not _CONTACT.fullmatch(url):
            raise ValueError("must be mailto: and an address, e.g. mailto:ada@useby.example")
        return url or None

    @property
    def push_subject(self) -> str | None:
        """Return the URL by which push services reach the operator (RFC 8292 section 2.1)."""
        if self.push_contact is not None or self.public_url is None:
            return self.push_contact
        return self.public_url if self.public_url.startswith("https:") else None

    @property
    def limits(self) -> Limits:
        """Quotas of an account."""
        return Limits(
            self.max_products,
            self.max_unread,
            self.max_account_bytes,
            ProductLimits(self.max_lots, self.max_movements),
        )

    @property
    def tokens_are_for_anybody(self) -> bool:
        """Return whether an outside issuer's tokens are accepted with any ``iss`` and ``aud``."""
        trusted = (self.jwt_secret, self.jwt_public_key, self.jwt_jwks_url)
        checked = (self.jwt_issuer, self.jwt_audience)
        return any(each is not None for each in trusted) and checked == (None, None)

    @property
    def signup_open(self) -> bool:
        """Return whether anybody may create an account."""
        return self.on_loopback if self.signup is None else self.signup

    @property
    def local_url(self) -> str:
        """Return the node's URL on its own machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - read
        return http_url(host, self.port)

    @property
    def on_loopback(self) -> bool:
        """Return whether the node can be reached from this machine only."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
