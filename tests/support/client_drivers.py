"""The two libraries as processes driven by JSON lines, and one client of either at a time.

The JavaScript one is ``javascript`` on the Node.js that is installed, with npm's ``ws``, and on
what npm brings (``RUNTIMES``) with the platform's own sockets.
"""

import asyncio
import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.time_limits import HANG_TIMEOUT

ROOT = Path(__file__).parents[2]
JAVASCRIPT = ROOT / "clients" / "js"
DRIVER = str(JAVASCRIPT / "test" / "driver.mjs")
MODULES = ROOT / "tests" / "js" / "node_modules"
LIBRARIES = ("python", "javascript")
RUNTIMES = {
    # the program in the package for this platform, and what it is given in front of a script
    "node 22": ("node-*/bin/node", []),
    "deno": ("@deno/*/deno", ["run", "--allow-all", "--cached-only"]),
    "bun": ("@oven/bun-*/bin/bun", ["run"]),
}


def command(library: str) -> list[str]:
    """Return the command that starts a library's driver."""
    if library == "python":
        return [sys.executable, str(ROOT / "tests" / "clients" / "driver.py")]
    if library == "javascript":
        return ["node", DRIVER, "ws"]
    pattern, arguments = RUNTIMES[library]
    program = next(MODULES.glob(pattern), None)
    assert program, f"{library} is missing: run `make test`, or `npm ci --prefix tests/js`"
    return [str(program), *arguments, DRIVER]


class Driver:
    """A library's process. Its clients' events come in on whatever loop each began in."""

    def __init__(self, library: str, *, env: dict[str, str] | None = None) -> None:
        self.library = library
        self._numbers = itertools.count(1)
        self._receivers: dict[int, Callable[[dict[str, Any]], object]] = {}
        self._process = subprocess.Popen(
            command(library), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                event = json.loads(line)
                self._receivers[event.pop("client")](event)

    def begin(self, receive: Callable[[dict[str, Any]], object]) -> int:
        """Begin a client and return its number; ``receive`` is called here for its events."""
        number, loop = next(self._numbers), asyncio.get_running_loop()

        def pass_on(event: dict[str, Any]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(receive, event)

        self._receivers[number] = pass_on
        return number

    def order(self, number: int, do: str, **more: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"client": number, "do": do, **more}) + "\n")
        self._process.stdin.flush()

    def end(self) -> None:
        """End all clients; it has to end well."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            assert self._process.wait(HANG_TIMEOUT) == 0
        finally:
            self._process.kill()
        self._reader.join()
