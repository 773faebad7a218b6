"""Changes that waited, and that the node then fails to do."""

from http import HTTPStatus

from playwright.async_api import Browser, Route, expect
from tests.support import pages
from tests.support.axe import violations
from tests.support.offline_pages import KEPT, LOST, cut, mend, ready
from tests.support.pages import a_window, add, opened, row, sign_up
from tests.support.process_node import NodeProcess, until


async def test_a_change_that_fails_again_and_again_is_shown_and_holds_back_no_other_product(
    browser: Browser, server: NodeProcess
) -> None:
    keys: list[str] = []
    tries = 5

    async def fail(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > tries:
            await route.continue_()
        else:
            await route.fulfill(status=HTTPStatus.INTERNAL_SERVER_ERROR)

    async with a_window(browser, *LOST, service_workers="allow") as context, server.rest() as rest:

        async def done() -> list[str]:
            items = (await rest.get("/api/movements")).json()["items"]
            return [each["kind"] for each in reversed(items) if each["kind"] != "received"]

        await sign_up(rest)
        for name in ("Milk", "Tea"):
            await add(rest, name, 2)
        page = await opened(context, server)
        await ready(page, "Tea")
        await page.clock.install()
        await page.route("**/open", fail)
        await cut(context, page)
        for name, deed in (("Milk", "Opened"), ("Milk", "Used"), ("Tea", "Frozen")):
            await row(page, name).get_by_role("button", name=deed).click()
        await expect(page.get_by_text("3 changes wait to be sent")).to_be_visible()
        await mend(context, page)
        await expect(page.get_by_text("2 changes wait to be sent")).to_be_visible()
        assert await done() == ["frozen"]
        for tried in range(1, tries):
            await pages.until(page, f"(await ({KEPT})()).includes('\"tries\":{tried}')")
            await page.clock.fast_forward(130_000)  # the longest pause is 120 s
        conflicts = page.get_by_role("region", name="1 change needs a choice")
        await expect(conflicts).to_contain_text("failed to do this 5 times (error 500)")
        await expect(page.get_by_text("1 change waits to be sent")).to_be_visible()
        assert await violations(page) == []
        assert await done() == ["frozen"]
        await conflicts.get_by_role("button", name="Try again").click()
        await expect(conflicts).to_have_count(0)
        await expect(page.get_by_text("to be sent")).to_have_count(0)

        async def is_done() -> bool:
            return await done() == ["frozen", "opened", "consumed"]

        await until(is_done)
        assert keys == keys[:1] * (tries + 1), "the node may have done it at an earlier try"
