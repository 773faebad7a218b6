"""An address of this machine that lets everybody who connects wait."""

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def unanswering(host: str, port: int) -> Iterator[None]:
    """Let connections wait, as if their packets were lost: the queue of the listener is full."""
    with socket.socket() as listener, socket.socket() as first:
        listener.bind((host, port))
        listener.listen(0)
        first.connect((host, port))
        yield
