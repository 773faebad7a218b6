"""Logging: structlog over the standard library, to stderr, with all secrets redacted.

Redaction applies to the finished line, just before it is written, so that it covers every logger
(uvicorn, SQLAlchemy, httpx, asyncio) and every traceback. It is needed because an access token may
stand in the WebSocket's URL (section 9 of the protocol page).
"""

import io
import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from useby.domain.visible import visible
from useby.settings import Settings

REDACTED: Final = "[redacted]"
ACCESS: Final = "useby.access"
"""Logger of the line that each request gets, if the access log is enabled."""


def _spelled(word: str) -> str:
    """Return a pattern for ``word`` in which any letter may be percent-encoded, even repeatedly."""
    return "".join(
        f"(?:{letter}|%(?:25){{0,3}}(?:{ord(letter):x}|{ord(letter.upper()):x}))" for letter in word
    )


# Each pattern takes linear time: the sender of a URL chooses the text that is searched here.
_COLOUR: Final = r"(?:\x1b\[[\d;]*m)*"
_QUOTE: Final = r"\\?[\"']"
_NAMES: Final = "|".join(map(_spelled, ("token", "ticket", "password", "secret", "secret_key")))
_NAMED: Final = re.compile(
    rf"((?:{_NAMES})(?:{_COLOUR}(?:=|%(?:25){{0,3}}3d){_COLOUR}(?:{_QUOTE})?"
    rf"|{_QUOTE}\s*[:,]\s*b?(?:{_QUOTE})?))"
    r"[^\s&\"'\\\x1b,}\])]+",
    re.IGNORECASE,
)
"""``access_token=…`` in a URL or a form, ``"refreshToken": "…"`` in JSON or a ``repr``."""
_SIGNS: Final = ("=", "%", '"', "'")
"""Each match of ``_NAMED`` contains one of them; the search takes longer than all the others."""
_BEARER: Final = re.compile(r"(bearer(?:\s|%20|\+)+)[^\s\"'\\,\]})]+", re.IGNORECASE)
_JWT: Final = re.compile(r"eyJ[\w%.=+/-]{16,}+", re.ASCII)
"""A JWT, whole or truncated: the base64url of ``{"`` and what follows."""
_OPAQUE: Final = re.compile(r"(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{43,}+", re.ASCII)
"""Our refresh tokens, tickets and keys: 32 random bytes or more in base64url."""


_KEY: Final = re.compile(r"uby_[0-9A-Za-z]{7,}+", re.ASCII)
"""An API key, whole or truncated; its prefix, which the list of keys shows, has 6 characters."""


def redact(text: str) -> str:
    """Replace everything that is, or looks like, a token, a ticket, a password or a key."""
    if any(sign in text for sign in _SIGNS):
        text = _NAMED.sub(rf"\1{REDACTED}", text)
    text = _BEARER.sub(rf"\1{REDACTED}", text)
    text = _KEY.sub(REDACTED, _JWT.sub(REDACTED, text))
    return _OPAQUE.sub(REDACTED, text)


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send every log line of the process to ``stream``, redacted.

    May be called again; the last call counts.

    Args:
        settings: ``log_level``, and ``log_format``: console text, or one JSON object per line.
        stream: The destination; stderr by default.
    """
    stream = stream or sys.stderr
    handler = _Handler(stream)
    handler.setFormatter(_formatter(settings, colours=stream.isatty()))
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(settings.log_level)
    for name in ("sqlalchemy.engine", "alembic.runtime.plugins", "httpcore"):
        # The first logs each statement with its parameters: password hashes and users' texts. The
        # second lists its plug-ins. The third logs hosts that users have chosen.
        logging.getLogger(name).setLevel(logging.WARNING)
    logs_access = settings.access_log or settings.log_level == "DEBUG"
    logging.getLogger(ACCESS).setLevel(logging.INFO if logs_access else logging.CRITICAL)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


class _Handler(logging.StreamHandler[TextIO]):
    """Write lines; drop a line that cannot be written, without exposing its content."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Write that a line was lost. logging's own method would print its arguments unredacted."""
        try:
            self.stream.write(f"a log line of {record.name} could not be written\n")
            self.flush()
        except (OSError, ValueError):
            pass  # the stream itself is closed


class _Redacting(structlog.stdlib.ProcessorFormatter):
    is_json: bool

    def format(self, record: logging.LogRecord) -> str:
        if record.name == ACCESS:
            return self._access_line(record)
        return redact(super().format(record))

    def _access_line(self, record: logging.LogRecord) -> str:
        """Format a line of the access log as the others are, without structlog's chain."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        event, level = redact(visible(record.getMessage())), record.levelname.lower()
        if self.is_json:
            return json.dumps({"event": event, "level": level, "logger": ACCESS, "timestamp": time})
        return f"{time} [{level:<9}] {event} [{ACCESS}]"


def _formatter(settings: Settings, *, colours: bool) -> logging.Formatter:
    last: list[Processor]
    if settings.log_format == "json":
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        # The default prints the local variables of a traceback, tokens among them.
        renderer = structlog.dev.ConsoleRenderer
        last = [renderer(colors=colours, exception_formatter=_plain_traceback)]
    formatter = _Redacting(
        foreign_pre_chain=_shared(),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _visible, *last],
    )
    formatter.is_json = settings.log_format == "json"
    return formatter


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _visible(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Escape control characters, so that a text can neither fake a line nor control a terminal."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = visible(value)
    event["event"] = visible(str(event.get("event", "")))
    return event


def _plain_traceback(stream: TextIO, exc_info: ExcInfo) -> None:
    """Write a traceback with control characters escaped: its last line may quote untrusted text."""
    written = io.StringIO()
    structlog.dev.plain_traceback(written, exc_info)
    stream.write("\n".join(map(visible, written.getvalue().split("\n"))))


def _log_uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    logging.getLogger("useby").critical("uncaught", exc_info=(kind, error, traceback))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
