"""A person in an empty folder, with terminals and a browser, who follows a page of the docs."""

import asyncio
import contextlib
import os
import re
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from playwright.async_api import Page, async_playwright, expect
from tests.support.chromium import launched
from tests.support.postgres import free_port
from tests.support.process_node import PASSED_ON
from tests.support.time_limits import HANG_TIMEOUT

USEBY: Final = (sys.executable, "-m", "useby")


class Pupil:
    """A person in a folder with nothing but ``.venv``, with terminals."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".venv").symlink_to(sys.prefix)
        self.port = free_port()
        self.printed: dict[str, str] = {}
        """What ``demo`` has printed, by name."""
        self.environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
            "USEBY_PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
        }

    @contextlib.asynccontextmanager
    async def pastes(self, script: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run a block of a page in a shell, which Ctrl-C ends at the end of this block."""
        process = await asyncio.create_subprocess_exec(
            *("sh", "-eu", "-c", script),
            cwd=self.folder,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            async with asyncio.timeout(HANG_TIMEOUT):
                await process.communicate()

    async def types(self, line: str) -> asyncio.subprocess.Process:
        """Start a command in a terminal; its first word, the path of ``useby``, is left out."""
        return await asyncio.create_subprocess_exec(
            *USEBY,
            *shlex.split(line)[1:],
            cwd=self.folder,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

    @contextlib.asynccontextmanager
    async def terminal(self, line: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """A command that runs until Ctrl-C at the end of the block."""
        process = await self.types(line)
        try:
            yield process
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(HANG_TIMEOUT):
                await process.communicate()
            assert process.returncode == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    @contextlib.asynccontextmanager
    async def demo(self, line: str = "useby demo") -> AsyncIterator[dict[str, str]]:
        """The first step; what it prints, by name."""
        async with self.terminal(line) as node:
            printed = await read_until(node, " watch --url ")
            names = "page|docs|login|password|database|kept"
            shown = dict(re.findall(rf"({names}) +(.+?)(?=\n|  password)", printed))
            watch = re.search(r"(\S+ watch --url \S+ --token \S+)\n", printed)
            assert watch
            self.printed = shown | {"watch": watch[1], "url": shown["page"].rstrip("/")}
            yield self.printed


async def read_until(process: asyncio.subprocess.Process, text: str) -> str:
    """Return a program's output up to a line that contains the text."""
    assert process.stdout is not None
    printed = ""
    async with asyncio.timeout(HANG_TIMEOUT * 2):
        async for line in process.stdout:
            printed += line.decode()
            if text in line.decode():
                return printed
    raise AssertionError(f"it ended without {text!r}:\n{printed}")


@contextlib.asynccontextmanager
async def browser(*arguments: str) -> AsyncIterator[Page]:
    """Open a page in Chromium, started with these arguments."""
    expect.set_options(timeout=HANG_TIMEOUT * 1000)
    async with async_playwright() as playwright:
        chromium = await launched(playwright, *arguments)
        yield await chromium.new_page()
        await chromium.close()
