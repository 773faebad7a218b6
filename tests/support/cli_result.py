"""The result of a command: its output and the side effects that it leaves."""

import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog

from useby import logs


@dataclass(frozen=True)
class CliResult:
    """A command's exit status and what it wrote."""

    status: int
    out: str
    err: str


Useby = Callable[..., CliResult]


@contextlib.contextmanager
def logging_put_back() -> Iterator[None]:
    """Undo, after the block, what configuring the log changes in this process."""
    root = logging.root
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook
    access = logging.getLogger(logs.ACCESS)
    access_level = access.level
    yield
    access.setLevel(access_level)
    root.handlers[:], level, sys.excepthook, threading.excepthook = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
