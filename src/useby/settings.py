"""Every knob of a node, once, with its unit and its default.

Read from flags (by the command line), the environment (``USEBY_…``) and ``.env``, in that order.
"""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from useby.domain.quota import Limits

Names = Annotated[tuple[str, ...], NoDecode]

DEFAULT_DATABASE_URL = "sqlite:///useby.db"
LISTS = ("allowed_origins", "allowed_hosts", "trusted_proxies", "jwt_algorithms", "nats_url")


class Settings(BaseSettings):
    """A node's settings. Durations are seconds and sizes bytes unless a name says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix="USEBY_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    # where it listens, and on what it stands
    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = Field(default=8000, ge=0, le=65535)
    """0 takes a free one and says which."""
    database_url: str = Field(default=DEFAULT_DATABASE_URL, repr=False)
    """``sqlite:///PATH``, four slashes for an absolute path; or ``postgresql://…`` as PostgreSQL's
    own programs take it."""
    nats_url: Names = Field(default=(), repr=False)
    """``nats://HOST`` or ``tls://HOST``, several if there are; ``USER:PASSWORD@`` before the host.
    By it nodes that share a PostgreSQL hurry news to each other."""
    nats_credentials: Path | None = None
    """A ``.creds`` file for NATS."""
    nats_ca: Path | None = None
    """A PEM file of the authority that has signed the certificates of NATS."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """What is less than this is not logged."""
    log_format: Literal["console", "json"] = "console"
    """For a person, or for a program."""

    # who may come in
    secret_key: SecretStr | None = None
    """Signs our own tokens (HS256); at least 32 bytes (RFC 7518 §3.2)."""
    allowed_origins: Names = ()
    """Origins that may open the socket from a browser; none named means any."""
    allowed_hosts: Names = ()
    """``Host`` names answered; none named means any. Health checks are answered by any."""
    trusted_proxies: Names = ("127.0.0.1",)
    """Addresses and networks whose ``X-Forwarded-For`` is believed: sign-ins are limited by it."""
    signup: bool = True
    """Whether ``POST /api/auth/signup`` makes accounts."""
    access_token_seconds: int = Field(default=15 * 60, ge=1, le=24 * 3600)
    """How long an access token is good."""
    refresh_token_seconds: int = Field(default=30 * 24 * 3600, ge=60)
    """How long a refresh token is good; each use begins it anew."""
    refresh_grace_seconds: int = Field(default=10, ge=0, le=60)
    """How long the immediate predecessor of a refresh token still answers the same successor."""
    ticket_seconds: int = Field(default=30, ge=1, le=300)
    """How long a ticket for the socket is good."""
    login_rate: str = "10/minute"
    """Attempts to sign in of a network and of a known device, in the notation of the library
    ``limits``; more attempts at one e-mail than this are slowed down."""
    signup_rate: str = "10/minute"
    """New accounts that a network may ask for."""

    # tokens of an outside issuer
    jwt_algorithms: Names = ("RS256", "ES256", "EdDSA")
    """What an outside issuer may sign with; a token never chooses beyond these."""
    jwt_jwks_url: str | None = None
    """Where an outside issuer's keys are; https."""
    jwt_public_key: str | None = None
    """PEM text, or the path of a PEM file."""
    jwt_issuer: str | None = None
    """The ``iss`` that is wanted."""
    jwt_audience: str | None = None
    """The ``aud`` that is wanted."""
    jwt_user_claim: str = "sub"
    """The claim that holds the user's id."""
    jwt_auto_provision: bool = False
    """Whether a user is made at the first sight of their token."""

    # the socket's bounds (contract section 7)
    head_max_bytes: int = Field(default=16 * 1024, ge=1024)
    """Of a request's head (431)."""
    head_max_headers: int = Field(default=64, ge=8)
    """Headers of a request (431)."""
    url_max_bytes: int = Field(default=8 * 1024, ge=256)
    """Of a URL (414)."""
    head_timeout: float = Field(default=10.0, gt=0)
    """Until a request's head is complete."""
    body_max_bytes: int = Field(default=2 * 1024 * 1024, ge=1024)
    """Maximum size of a batch's body; other requests have smaller bounds of their own (413)."""
    body_timeout: float = Field(default=30.0, gt=0)
    """Until a request's body is complete."""
    answer_timeout: float = Field(default=30.0, gt=0)
    """Longest time in which a peer may read nothing of an answer that waits for it."""
    token_max_bytes: int = Field(default=4 * 1024, ge=256)
    """Of an access token."""
    message_max_bytes: int = Field(default=4 * 1024, ge=128)
    """Of a client's message (1009)."""
    message_max_fragments: int = Field(default=64, ge=1)
    """Of a client's message (1009)."""
    message_timeout: float = Field(default=10.0, gt=0)
    """From a message's first byte to its last (1008)."""
    frames_per_second: float = Field(default=20.0, gt=0)
    """Client frames of every kind (1008)."""
    frames_burst: int = Field(default=60, ge=1)
    """Client frames at once (1008)."""
    connections_per_user: int = Field(default=32, ge=1)
    """More are closed with 1013."""
    max_connections: int | None = Field(default=None, ge=1)
    """For the node; by default the process's file limit less a reserve."""
    send_buffer_bytes: int = Field(default=256 * 1024, ge=1024)
    """Waiting in the process for a peer to read (1013)."""
    kernel_send_buffer_bytes: int = Field(default=64 * 1024, ge=4096)
    """The same in the kernel (``SO_SNDBUF``)."""
    ping_interval: float = Field(default=25.0, gt=0)
    """Between the protocol's pings to a connection."""
    ping_timeout: float = Field(default=20.0, gt=0)
    """For a ping's answer (1011)."""
    close_timeout: float = Field(default=5.0, gt=0)
    """For the answer to our Close; then the line is cut."""

    # what an account may keep (409)
    max_products: int = Field(default=50_000, ge=1)
    """Products of an account, closed ones included."""
    max_unread: int = Field(default=250_000, ge=1)
    """Unread notifications of an account. Alerts of the clock count and are kept beyond it."""
    max_account_bytes: int = Field(default=256 * 1024 * 1024, ge=64 * 1024)
    """Estimated space on disk of an account. The request that passes it is the last one kept."""

    # stopping
    drain_seconds: float = Field(default=1.0, ge=0)
    """Over how long the sockets are closed with 1001 on a stop, so that not all return at once."""

    @model_validator(mode="before")
    @classmethod
    def _split_names(cls, values: dict[str, object]) -> dict[str, object]:
        """Take comma-separated lists as people write them in an environment."""
        for name in LISTS:
            value = values.get(name)
            if isinstance(value, str):
                values[name] = tuple(part.strip() for part in value.split(",") if part.strip())
        return values

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        minimum = 32
        if self.secret_key is not None:
            size = len(self.secret_key.get_secret_value().encode())
            if size < minimum:
                msg = f"USEBY_SECRET_KEY has {size} bytes; HS256 wants at least {minimum}"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _check_proxies(self) -> Self:
        for proxy in self.trusted_proxies:
            try:
                ipaddress.ip_network(proxy)
            except ValueError as error:  # uvicorn would take it for a name, and trust nobody
                msg = f"USEBY_TRUSTED_PROXIES takes addresses and networks with commas: {error}"
                raise ValueError(msg) from None
        return self

    @model_validator(mode="after")
    def _check_nats(self) -> Self:
        for url in self.nats_url:  # it may hold a password, and is not repeated
            try:
                parsed = urlsplit(url)
                good = parsed.scheme in {"nats", "tls"} and parsed.hostname and parsed.port != 0
            except ValueError:
                good = False
            if not good:
                msg = "USEBY_NATS_URL must be nats://HOST or tls://HOST, or several with commas"
                raise ValueError(msg)
        return self

    @property
    def limits(self) -> Limits:
        """What an account may keep."""
        return Limits(self.max_products, self.max_unread, self.max_account_bytes)

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the node."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
