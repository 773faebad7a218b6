"""What happens elsewhere shows on the page: other devices, a lost line, a restart, a long sleep."""

import socket
from pathlib import Path

from playwright.async_api import Browser, expect
from tests.support.offline_pages import LOST, cut, mend
from tests.support.pages import a_window, add, connection, opened, row, sign_up
from tests.support.process_node import NodeProcess, serving

WEEK = 7 * 24 * 3_600_000


async def test_two_devices_of_a_person_show_each_others_changes(
    browser: Browser, server: NodeProcess
) -> None:
    async with (
        a_window(browser, *LOST) as here,
        a_window(browser, *LOST) as there,
        server.rest() as rest,
    ):
        await sign_up(rest)
        await add(rest, "Milk", 2)
        one, other = await opened(here, server), await opened(there, server)
        requests: list[str] = []
        await expect(row(other, "Milk")).to_be_visible()
        other.on("request", lambda request: requests.append(request.url))
        await row(one, "Milk").get_by_role("button", name="Opened").click()
        await expect(row(other, "Milk")).to_contain_text("opened")
        await row(one, "Milk").get_by_role("button", name="Used").click()
        await expect(row(other, "Milk")).to_have_count(0)
        await one.get_by_role("button", name="Undo").click()
        await expect(row(other, "Milk")).to_be_visible()
        assert not [url for url in requests if url.endswith("/api/lots")], "nothing is polled"


async def test_a_line_that_was_cut_comes_back_with_the_changes_of_that_time(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, *LOST) as context, server.rest() as rest:
        await sign_up(rest)
        milk = await add(rest, "Milk", 2)
        ham = await add(rest, "Ham", 3)
        page = await opened(context, server, "products")
        await expect(row(page, "Milk")).to_be_visible()
        await cut(context, page)
        await add(rest, "Tea", 0)
        await rest.delete(f"/api/products/{milk['id']}")
        await rest.post(f"/api/products/{ham['id']}/consume")
        await mend(context, page)
        await expect(row(page, "Tea")).to_be_visible()
        await expect(row(page, "Milk")).to_have_count(0)
        await expect(row(page, "Ham").get_by_role("button")).to_have_count(0)
        await page.get_by_role("link", name="Due", exact=True).click()
        await expect(row(page, "Tea")).to_be_visible()
        await expect(page).to_have_title("(2) useby")


async def test_a_page_is_live_again_after_the_node_has_restarted(
    browser: Browser, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with serving(tmp_path, arguments=("--port", port)) as server:
        async with a_window(browser, *LOST) as context:
            async with server.rest() as rest:
                await sign_up(rest)
                await add(rest, "Milk", 2)
                token = rest.headers["Authorization"]
            page = await opened(context, server)
            await expect(row(page, "Milk")).to_be_visible()
            assert server.stop() == 0
            await expect(connection(page)).not_to_have_text("Live")
            await row(page, "Milk").get_by_role("button", name="Opened").click()
            await expect(page.get_by_text("1 change waits to be sent")).to_be_visible()
            server.start()
            async with server.rest() as rest:
                rest.headers["Authorization"] = token
                await expect(connection(page)).to_have_text("Live")
                await expect(page.get_by_text("1 change waits")).to_have_count(0)
                items = (await rest.get("/api/movements")).json()["items"]
                assert [each["kind"] for each in items] == ["opened", "received"]
                await add(rest, "Tea", 5)
            await expect(row(page, "Tea")).to_be_visible()


async def test_an_access_token_that_ends_is_exchanged_without_a_sign_of_it(
    browser: Browser, tmp_path: Path
) -> None:
    with serving(tmp_path, access_token_seconds=4) as server:
        async with a_window(browser) as context, server.rest() as rest:
            await sign_up(rest)
            page = await opened(context, server)
            async with page.expect_response("**/api/auth/refresh") as exchanged:
                pass  # before the socket's token ends, or when it has ended
            assert (await exchanged.value).status == 200
            await sign_up(rest)
            await add(rest, "Milk", 2)
            await expect(row(page, "Milk")).to_be_visible()
            await expect(connection(page)).to_have_text("Live")


async def test_a_tab_that_slept_a_week_comes_back_and_counts_the_days_again(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, *LOST) as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 2)
        page = await context.new_page()
        await page.clock.install()
        await page.goto(server.url)
        await page.get_by_label("E-mail").fill("ada@useby.example")
        await page.get_by_label("Password").fill("the quick brown fox")
        await page.keyboard.press("Enter")
        await expect(row(page, "Milk")).to_contain_text("in 2 days")
        await expect(connection(page)).to_have_text("Live")
        await expect(page.get_by_role("status", name="State of the page")).to_be_attached()
        await cut(context, page)
        await page.clock.fast_forward(WEEK)
        await expect(row(page, "Milk")).to_contain_text("expired 5 days ago")
        await expect(page.get_by_text("As of")).to_be_visible()
        async with page.expect_request("**/api/auth/refresh"):
            await context.set_offline(False)
        await expect(connection(page)).to_have_text("Live")


async def test_five_thousand_unread_are_one_announcement_and_few_requests(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, *LOST) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "inbox")
        await cut(context, page)
        for thousand in range(5):
            items = [{"message": f"Tea {thousand}-{number}"} for number in range(1000)]
            answer = await rest.post("/api/notifications/batch", json={"items": items})
            assert answer.is_success, answer.text
        await page.evaluate("""() => {
            globalThis.said = [];
            const place = document.querySelector("p.unseen[role=status]");
            new MutationObserver(() => said.push(place.textContent)).observe(place, {
              childList: true, subtree: true, characterData: true});
        }""")
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        await mend(context, page)
        await expect(page).to_have_title("(5000) useby")
        await expect(page.locator("p.unseen[role=status]")).to_contain_text("5,000")
        said = await page.evaluate("[...new Set(said.filter(Boolean))]")
        assert said == ["5,000 new notifications"]
        assert len([url for url in requests if "/api/notifications" in url]) < 100
        assert not [url for url in requests if url.endswith("/read")]
        await page.get_by_role("button", name="Mark all read").click()
        await expect(page).to_have_title("useby")
