"""Logging: structlog's rendering over the standard library, with secrets taken out at the root.

A line is redacted after it has been rendered, traceback and all, so that whatever wrote it (ours,
uvicorn's access log, the event loop's debug output) and however, no token leaves the process.
"""

import logging
import re
import sys
from typing import Any, Final

import structlog

from useby.settings import Settings

HIDDEN: Final = "[hidden]"
_SECRETS: Final = (
    # a query's or a form's token, up to where its value can no longer go on
    re.compile(r"((?:access|refresh)(?:_|%5f|%5F)?token(?:=|%3d|%3D))[^&\s\"'#]+", re.IGNORECASE),
    re.compile(r"(\bbearer\s+)[^\s\"',;]+", re.IGNORECASE),
    # a JWT, wherever it stands; it need not be whole
    re.compile(r"()\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*"),
    # a ticket
    re.compile(r"()\bt_[A-Za-z0-9_-]{43}\b"),
    re.compile(
        r"((?:refresh_?token|access_?token|password|secret_?key)[\"']?\s*[:=]\s*[\"'])[^\"']+",
        re.IGNORECASE,
    ),
)


def redact(text: str) -> str:
    """``text`` with every secret that can be told from its surroundings taken out."""
    for pattern in _SECRETS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text


class _Redacting(structlog.stdlib.ProcessorFormatter):
    """Renders a record, then redacts the whole line."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def configure(settings: Settings) -> None:
    """Send every logger of the process to standard error, in the form settings say."""
    renderer: Any
    if settings.log_format == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if settings.log_format == "json":
        last.append(structlog.processors.format_exc_info)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting(foreign_pre_chain=shared, processors=[*last, renderer]))
    logging.raiseExceptions = False
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(settings.log_level)
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
