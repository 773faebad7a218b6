"""Write the icons of the page in PNG from its SVG, in Chromium, for devices that install it."""

import asyncio
from pathlib import Path
from typing import Final

from playwright.async_api import async_playwright

WEB: Final = Path(__file__).parents[1] / "src" / "useby" / "web"
GREEN: Final = "#2f7d4f"
ICONS: Final = {
    # A device cuts a maskable icon to a shape; what counts is within the inner 80 %.
    "icon-192.png": (192, "transparent", 1.0),
    "icon-512.png": (512, "transparent", 1.0),
    "icon-maskable-512.png": (512, GREEN, 0.86),
}
"""Size in pixels, ground, and share of the drawing in the width, by the name of the file."""


async def main() -> None:
    """Draw each icon once."""
    drawing = (WEB / "icon.svg").read_text()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium-headless-shell"
        )
        for name, (size, ground, share) in ICONS.items():
            page = await browser.new_page(viewport={"width": size, "height": size})
            await page.set_content(
                f"<style>body {{ margin: 0; height: 100vh; display: grid; place-items: center;"
                f" background: {ground} }} svg {{ width: {share:.0%} }}</style>{drawing}"
            )
            await page.screenshot(path=WEB / name, omit_background=True)
        await browser.close()


asyncio.run(main())
