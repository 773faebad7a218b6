"""Debian's Chromium without a window: the headless shell, which has no interface of its own.

A window with the page of a node costs 2.5 s of CPU time in it, and 3.4 s in the whole browser.
"""

from pathlib import Path
from typing import Final

from playwright.async_api import Browser, Playwright

PROGRAM: Final = Path("/usr/bin/chromium-headless-shell")
WHOLE: Final = Path("/usr/bin/chromium")
"""The whole browser, without a window, too; only it shows notifications."""


async def launched(playwright: Playwright, *flags: str, program: Path = PROGRAM) -> Browser:
    """Start a browser, in which each test has a context of its own, as in a private window."""
    assert program.exists(), f"it is missing; on Debian: apt-get install {program.name}"
    return await playwright.chromium.launch(
        executable_path=program, args=["--no-sandbox", "--disable-gpu", *flags]
    )
