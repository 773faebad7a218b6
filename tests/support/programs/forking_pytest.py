"""Run pytest in a fork for each line of the input, ``[folder, *arguments]``.

The answer to a line is ``[status, output]``. pytest, its plugins and the libraries that the Python
client uses are imported once. ``useby`` is not: each fork imports it from its own folder.
"""

import json
import os
import sys
import tempfile
import traceback
from typing import IO

import httpx  # noqa: F401 - imported for the forks
import hypothesis  # noqa: F401
import pytest
import pytest_asyncio.plugin
import pytest_timeout  # type: ignore[import-untyped]
import websockets.asyncio.client
import websockets.asyncio.server  # noqa: F401


def run(folder: str, arguments: list[str], output: IO[bytes]) -> None:
    """Run pytest in this process, and end it."""
    status = 1  # that of a process which ends by an exception
    try:
        for descriptor in (1, 2):
            os.dup2(output.fileno(), descriptor)
        sys.path.insert(0, folder)
        os.environ["PYTHONPATH"] = folder  # for processes that a test starts
        status = int(pytest.main(arguments, plugins=[pytest_asyncio.plugin, pytest_timeout]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


for line in sys.stdin:
    folder, *arguments = json.loads(line)
    with tempfile.TemporaryFile() as output:
        process = os.fork()
        if not process:
            run(folder, arguments, output)
        _, status = os.waitpid(process, 0)
        output.seek(0)
        text = output.read().decode(errors="replace")
    print(json.dumps([os.waitstatus_to_exitcode(status), text]), flush=True)
