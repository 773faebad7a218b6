"""The page as an app: its manifest and badge, and the release that replaces another."""

import json
import shutil
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, expect
from tests.support import pages
from tests.support.offline_pages import ready
from tests.support.pages import FOLDER, a_window, add, enter, opened, sign_up
from tests.support.process_node import NodeProcess, serving

OTHER_RELEASE: Final = """
import sys
from pathlib import Path
from useby.api import page
page.FOLDER = Path({folder!r})
from useby.cli import main
sys.exit(main())
"""
"""Program of a node that serves a copy of the page, which a test may change."""


async def test_a_new_release_replaces_the_page_at_the_press_of_a_button(
    browser: Browser, tmp_path: Path
) -> None:
    folder = tmp_path / "web"
    shutil.copytree(FOLDER, folder)
    program = tmp_path / "release.py"
    program.write_text(OTHER_RELEASE.format(folder=str(folder)))
    with serving(tmp_path / "node", program=(str(program),)) as server:
        async with (
            a_window(browser, service_workers="allow") as context,
            server.rest() as rest,
        ):
            await sign_up(rest)
            await add(rest, "Milk", 2)
            page = await opened(context, server)
            await ready(page, "Milk")
            texts = folder / "text" / "en.js"
            texts.write_text(texts.read_text().replace('"Next 3 days"', '"Next three days"'))
            await page.reload()
            await expect(page.get_by_role("heading", name="Next 3 days")).to_be_visible()
            await expect(page.get_by_text("A new version of this page is ready.")).to_be_visible()
            await page.get_by_role("button", name="Show it").click()
            await expect(page.get_by_role("heading", name="Next three days")).to_be_visible()
            await pages.until(
                page,
                "(await caches.keys()).length === 1"
                " && !document.body.textContent.includes('A new version')",
            )


async def test_the_page_can_be_installed_and_its_badge_follows_the_unread(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await context.new_page()
        await page.add_init_script("""
            globalThis.badges = [];
            navigator.setAppBadge = async (count) => void badges.push(count);
            navigator.clearAppBadge = async () => void badges.push(0);
        """)
        await page.goto(server.url)
        await enter(page, "Sign in")
        await add(rest, "Milk", 2)
        await expect(page).to_have_title("(1) useby")
        assert await page.evaluate("badges.at(-1)") == 1
        await page.get_by_role("link", name="Inbox").click()
        await page.get_by_role("button", name="Mark read").click()
        await expect(page).to_have_title("useby")
        assert await page.evaluate("badges.at(-1)") == 0

        devtools = await context.new_cdp_session(page)
        found = await devtools.send("Page.getAppManifest")
        assert found["errors"] == []
        manifest = json.loads(found["data"])
        assert manifest["display"] == "standalone"
        for icon in manifest["icons"]:
            size = await page.evaluate(
                """async (address) => {
                    const image = new Image();
                    image.src = address;
                    await image.decode();
                    return `${image.naturalWidth}x${image.naturalHeight}`;
                }""",
                f"web/{icon['src']}",
            )
            assert size == icon["sizes"] or icon["sizes"] == "any"
        assert {"any", "maskable"} == {icon["purpose"] for icon in manifest["icons"]}
