"""Write docs/page.png and docs/page/*.png: the page of a real ``useby demo``, in Chromium."""

import asyncio
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, Page, async_playwright, expect
from running_demo import Demo, running_demo

HERE: Final = Path(__file__).parent
FOLDER: Final = HERE / "page"
VIEWS: Final = ("due", "products", "add", "inbox", "settings")


async def signed_in(browser: Browser, demo: Demo, width: int, height: int) -> Page:
    """Open the page in a new window, and sign in with the account of the demo."""
    context = await browser.new_context(viewport={"width": width, "height": height})
    page = await context.new_page()
    await page.goto(demo.url)
    await page.get_by_label("E-mail").fill(demo.email)
    await page.get_by_label("Password").fill(demo.password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("status", name="Connection")).to_have_text("Live")
    await expect(page.locator(".lot").first).to_be_visible()
    return page


async def main() -> None:
    """Take the picture of the README, and one of each view on a phone."""
    FOLDER.mkdir(exist_ok=True)
    with running_demo() as demo:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox"]
            )
            wide = await signed_in(browser, demo, 920, 560)
            await wide.wait_for_load_state("networkidle")
            await wide.screenshot(path=HERE / "page.png")
            phone = await signed_in(browser, demo, 390, 844)
            for view in VIEWS:
                await phone.goto(f"{demo.url}/#/{view}")
                if view in ("due", "products"):
                    await expect(phone.locator(".lot").first).to_be_visible()
                await phone.wait_for_load_state("networkidle")
                await phone.screenshot(path=FOLDER / f"{view}.png")
            await phone.goto(f"{demo.url}/#/products")
            await phone.locator(".lot a").first.click()
            await expect(phone.get_by_role("heading", name="History")).to_be_visible()
            await phone.wait_for_load_state("networkidle")
            await phone.screenshot(path=FOLDER / "product.png")
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
