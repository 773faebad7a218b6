"""Write docs/page.png and docs/page/*.png: the page of a real ``useby demo``, in Chromium."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.async_api import Browser, Page, async_playwright, expect
from running_demo import Demo, running_demo

HERE: Final = Path(__file__).parent
FOLDER: Final = HERE / "page"
VIEWS: Final = ("due", "products", "add", "inbox", "settings")
MODES: Final[dict[str, dict[str, Any]]] = {
    "wide": {"viewport": {"width": 1280, "height": 800}},
    "dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
    "german": {"viewport": {"width": 390, "height": 844}, "locale": "de-DE"},
}
"""Windows in which the two lists are shown as well, by the end of the names of their files."""
expect.set_options(timeout=60_000)  # a busy machine takes its time


async def signed_in(browser: Browser, demo: Demo, **window: Any) -> Page:
    """Open the page in a new window of any language, and sign in with the account of the demo."""
    context = await browser.new_context(**window)
    page = await context.new_page()
    await page.goto(demo.url)
    await page.locator("input[name=email]").fill(demo.email)
    await page.locator("input[name=password]").fill(demo.password)
    await page.keyboard.press("Enter")
    await expect(page.locator(".connection")).to_have_text("Live")
    await expect(page.locator(".lot").first).to_be_visible()
    await page.mouse.move(0, 0)  # off the button that was pressed
    return page


async def live_a_year(demo: Demo) -> None:
    """Use and throw away products of the last months: by chance, but each time the same."""
    chance = random.Random(7)  # noqa: S311 - no secret
    foods = [("Milk", "Dairy"), ("Yogurt", "Dairy"), ("Lettuce", "Produce"), ("Berries", "Produce")]
    foods += [("Bread", "Bakery"), ("Ham", "Meat"), ("Soup", "Leftovers")]
    today = datetime.now(UTC)
    async with httpx.AsyncClient(base_url=demo.url) as rest:
        account = {"email": demo.email, "password": demo.password}
        token = (await rest.post("/api/auth/login", json=account)).json()["accessToken"]
        rest.headers["Authorization"] = f"Bearer {token}"
        await rest.patch("/api/me", json={"currency": "EUR"})
        ids = {}
        for name, category in foods:
            product = {"name": name, "category": category, "expiryDate": None}
            made = (await rest.post("/api/products", json=product)).raise_for_status()
            ids[name] = made.json()["id"]
        for ago in range(3, 340, 4):
            received, taken = today - timedelta(ago + 3), today - timedelta(ago)
            lot = {
                "price": f"{chance.randint(99, 499) / 100}",
                "receivedOn": str(received.date()),
                "expiryDate": str((taken + timedelta(chance.randint(-1, 5))).date()),
            }
            address = f"/api/products/{ids[chance.choice(foods)[0]]}/lots"
            made = (await rest.post(address, json=lot)).raise_for_status()
            # Less is thrown away as the months pass.
            how = "discard" if chance.random() < 0.1 + ago / 900 else "consume"
            at = {"at": taken.isoformat(timespec="seconds")}
            (await rest.post(f"/api/lots/{made.json()['id']}/{how}", json=at)).raise_for_status()


async def invite(page: Page, demo: Demo) -> None:
    """Name the household, make a link for another member, and take the picture of that section."""
    await page.goto(f"{demo.url}/#/settings")
    section = page.get_by_role("region", name="Household", exact=True)
    await section.get_by_label("Name").fill("Our kitchen")
    await section.get_by_role("button", name="Save the household").click()
    await expect(page.locator("[role=status].message")).to_contain_text("Saved")
    await page.get_by_role("button", name="Dismiss").click()
    await section.get_by_role("button", name="Make a link").click()
    await expect(section.get_by_role("img", name="QR code")).to_be_visible()
    # The links at the bottom stay where they are, and would cover a part of the section.
    await page.locator("nav").evaluate("each => each.remove()")
    await section.screenshot(path=FOLDER / "household.png")


async def main() -> None:
    """Take the picture of the README, one of each view on a phone, and those of ``MODES``."""
    FOLDER.mkdir(exist_ok=True)
    with running_demo() as demo:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path="/usr/bin/chromium-headless-shell", args=["--no-sandbox"]
            )
            wide = await signed_in(browser, demo, viewport={"width": 920, "height": 560})
            await wide.wait_for_load_state("networkidle")
            await wide.screenshot(path=HERE / "page.png")
            for mode, window in MODES.items():
                page = await signed_in(browser, demo, **window)
                for view in ("due", "products"):
                    await page.goto(f"{demo.url}/#/{view}")
                    await expect(page.locator(".lot").first).to_be_visible()
                    await page.wait_for_load_state("networkidle")
                    await page.screenshot(path=FOLDER / f"{view}-{mode}.png")
                await page.context.close()
            phone = await signed_in(browser, demo, viewport={"width": 390, "height": 844})
            for view in VIEWS:
                await phone.goto(f"{demo.url}/#/{view}")
                if view in ("due", "products"):
                    await expect(phone.locator(".lot").first).to_be_visible()
                if view == "inbox":
                    await expect(phone.get_by_role("button", name="Snooze").first).to_be_visible()
                await phone.wait_for_load_state("networkidle")
                await phone.screenshot(path=FOLDER / f"{view}.png")
            await phone.goto(f"{demo.url}/#/products")
            await phone.locator(".lot a").first.click()
            await expect(phone.get_by_role("heading", name="History")).to_be_visible()
            alerts = phone.get_by_role("region", name="What will be sent, and why")
            await expect(alerts.locator("p").first).to_be_visible()
            await phone.wait_for_load_state("networkidle")
            await phone.screenshot(path=FOLDER / "product.png")
            await invite(phone, demo)
            await live_a_year(demo)
            await phone.goto(f"{demo.url}/#/insights")
            await expect(phone.locator(".chart").first).to_be_visible()
            await phone.wait_for_load_state("networkidle")
            await phone.screenshot(path=FOLDER / "insights.png")
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
