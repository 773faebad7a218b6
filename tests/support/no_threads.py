"""A system that has no more threads."""

import contextlib
import threading
from collections.abc import Iterator
from unittest import mock


@contextlib.contextmanager
def no_new_threads() -> Iterator[None]:
    """Refuse each new thread, as the limit of a container does."""
    refused = RuntimeError("can't start new thread")
    with mock.patch.object(threading.Thread, "start", side_effect=refused):
        yield
