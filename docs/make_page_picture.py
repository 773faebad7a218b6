"""Write docs/page.png: the page of a real ``useby demo``, in Debian's Chromium."""

import asyncio
from pathlib import Path

from playwright.async_api import async_playwright, expect
from running_demo import running_demo

PICTURE = Path(__file__).parent / "page.png"
SHOWN = 6


async def main() -> None:
    """Sign in with the account of the demo, and take the picture of the first notifications."""
    with running_demo() as demo:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox"]
            )
            page = await browser.new_page(viewport={"width": 920, "height": 560})
            await page.goto(demo.url)
            await page.get_by_label("E-mail").fill(demo.email)
            await page.get_by_label("Password").fill(demo.password)
            await page.get_by_role("button", name="Sign in").click()
            shown = page.locator('li[id^="notification-"]')
            await expect(shown.nth(SHOWN - 1)).to_be_visible(timeout=120_000)
            await page.screenshot(path=PICTURE)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
