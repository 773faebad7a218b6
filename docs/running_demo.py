"""A real ``useby demo``, of which the scripts beside this one draw pictures."""

import contextlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Demo:
    """Addresses and credentials that a demo prints."""

    url: str
    email: str
    password: str
    token: str


@contextlib.contextmanager
def running_demo() -> Iterator[Demo]:
    """Run a new demo in an empty folder until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "useby", "demo"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            yield _printed_by(process)
        finally:
            process.terminate()
            process.wait()


def _printed_by(process: subprocess.Popen[str]) -> Demo:
    assert process.stdout is not None  # noqa: S101
    printed = ""
    for line in process.stdout:
        printed += line
        if command := re.search(r"watch --url (\S+) --token (\S+)", line):
            break
    else:
        raise SystemExit("the demo did not start")
    account = re.search(r"login +(\S+) +password +(\S+)", printed)
    assert account is not None  # noqa: S101
    return Demo(command[1], account[1], account[2], command[2])
