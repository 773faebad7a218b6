"""Runs the two complete programs in ``programs/`` and counts what they were sent."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.support.foreign_clients import require_ws
from tests.support.time_limits import HANG_TIMEOUT

PROGRAMS = Path(__file__).parent / "programs"
INTERVAL = 0.1
"""Seconds between pings, in place of the document's thirty: with a ``mark_read`` after each pong
that is as much as the contract's 20 frames a second let through."""


class Follower:
    """A program under way, and the frames that it has been sent."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._reading = asyncio.create_task(self._read())
        self._changed = asyncio.Event()
        self.frames: list[dict[str, Any]] = []
        self.summary: dict[str, int] = {}

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            frame = json.loads(line)
            if "pings" in frame:
                self.summary = frame
            else:
                self.frames.append(frame)
            self._changed.set()

    def of_type(self, *kinds: str) -> list[dict[str, Any]]:
        """The frames whose ``type`` is one of these."""
        return [frame for frame in self.frames if frame.get("type") in kinds]

    @property
    def notifications(self) -> list[str]:
        """The ids of the notifications, as they came."""
        return [frame["id"] for frame in self.of_type("info", "warning", "error")]

    async def until(self, *, pongs: int = 0, notifications: int = 0) -> None:
        """Wait until it has had so many of each."""
        async with asyncio.timeout(HANG_TIMEOUT):
            while len(self.of_type("pong")) < pongs or len(self.notifications) < notifications:
                assert not self._reading.done(), "it has ended"
                self._changed.clear()
                await self._changed.wait()

    async def stop(self) -> None:
        """Close its standard input, and wait until it has ended."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(HANG_TIMEOUT):
            assert await self._process.wait() == 0
            await self._reading

    def assert_not_one_frame_more(self, posted: list[str]) -> None:
        """One first frame, a pong a ping, each notification once: and nothing else."""
        assert self.frames[0]["type"] == "CONNECTION_ESTABLISHED"
        assert len(self.of_type("pong")) == self.summary["pings"] >= 40
        assert self.notifications == posted
        assert len(self.frames) == 1 + self.summary["pings"] + len(posted)


@contextlib.asynccontextmanager
async def following(program: str, url: str) -> AsyncIterator[Follower]:
    """``follow.py`` or ``follow.mjs`` on the socket at ``url``."""
    command = [sys.executable]
    if program.endswith(".mjs"):
        require_ws()
        command = ["node"]
    process = await asyncio.create_subprocess_exec(
        *command,
        str(PROGRAMS / program),
        url,
        str(INTERVAL),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    follower = Follower(process)
    try:
        yield follower
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await follower._reading
