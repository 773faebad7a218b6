"""Write docs/page.png: the page of a real ``useby demo``, in Debian's Chromium."""

import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright, expect

PICTURE = Path(__file__).parent / "page.png"
SHOWN = 6


async def main() -> None:
    """Sign in with the account of the demo, and take the picture of the first notifications."""
    with tempfile.TemporaryDirectory() as folder:
        demo = subprocess.Popen(  # noqa: ASYNC220 - this script does nothing else until the demo has printed its lines
            [sys.executable, "-m", "useby", "demo"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert demo.stdout is not None  # noqa: S101
            url = None
            for line in demo.stdout:
                url = re.search(r"page +(\S+)", line) or url
                if account := re.search(r"login +(\S+) +password +(\S+)", line):
                    break
            else:
                raise SystemExit("the demo did not start")
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path="/usr/bin/chromium", args=["--no-sandbox"]
                )
                page = await browser.new_page(viewport={"width": 920, "height": 560})
                await page.goto(url[1])
                await page.get_by_label("E-mail").fill(account[1])
                await page.get_by_label("Password").fill(account[2])
                await page.get_by_role("button", name="Sign in").click()
                shown = page.locator('li[id^="notification-"]')
                await expect(shown.nth(SHOWN - 1)).to_be_visible(timeout=120_000)
                await page.screenshot(path=PICTURE)
                await browser.close()
        finally:
            demo.terminate()
            demo.wait()


if __name__ == "__main__":
    asyncio.run(main())
