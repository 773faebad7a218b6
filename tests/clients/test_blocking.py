"""The client without an event loop: Ctrl-C ends a script as usual.

covers: useby.client.blocking
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from useby.client import SyncRunner


async def _interrupted(script: str) -> tuple[int | None, str]:
    """Run a script, send SIGINT after its first line, and return its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, answer = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, answer.decode()


async def test_ctrl_c_in_an_iteration_is_a_keyboard_interrupt_and_nothing_else() -> None:
    code, answer = await _interrupted(
        """
import asyncio
from useby.client import SyncRunner

async def items():
    yield "begun"
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.05)

with SyncRunner() as run:
    for item in run.each(items()):
        print(item, flush=True)
"""
    )
    assert code == -signal.SIGINT
    assert answer.rstrip().endswith("KeyboardInterrupt")
    assert "During handling" not in answer


async def test_running_work_has_ended_when_ctrl_c_is_raised() -> None:
    code, answer = await _interrupted(
        """
import asyncio, threading
from useby.client import SyncRunner

async def work():
    print("begun", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        was_raised_before.append(await asyncio.to_thread(raised.wait, 0.5))

raised, was_raised_before = threading.Event(), []
with SyncRunner() as run:
    try:
        run(work())
    except KeyboardInterrupt:
        raised.set()
        raise SystemExit(7 if was_raised_before == [False] else 1)
"""
    )
    assert (code, answer) == (7, "")


def test_an_argument_that_is_no_coroutine_is_a_type_error() -> None:
    async def items() -> AsyncIterator[int]:
        yield 1

    mistaken: Any = items()
    with SyncRunner() as run, pytest.raises(TypeError, match="each"):
        run(mistaken)
