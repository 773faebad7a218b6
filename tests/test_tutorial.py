"""Every step of the tutorial, done as it is written."""

import contextlib
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx
import pytest
from playwright.async_api import Page, expect
from tests.support.pupil import Pupil, browser, read_until
from tests.support.time_limits import HANG_TIMEOUT

ROOT: Final = Path(__file__).parent.parent
TUTORIAL: Final = (ROOT / "docs" / "tutorial.md").read_text()


async def posts(pupil: Pupil, text: str) -> None:
    """The third step, with a text of one's own."""
    (line,) = re.findall(r"\.venv/bin/useby notify .*", TUTORIAL)
    process = await pupil.types(line.replace("Tea is ready", text))
    assert await process.wait() == 0


async def sign_in(page: Page, demo: dict[str, str]) -> None:
    await page.goto(demo["page"])
    await page.get_by_label("E-mail").fill(demo["login"])
    await page.get_by_label("Password").fill(demo["password"])
    await page.get_by_role("button", name="Sign in").click()


def test_make_run_starts_the_demo() -> None:
    """Compare the target with what ``Pupil.demo`` runs in its place, without an installation."""
    assert "Run `make run`" in TUTORIAL
    assert re.search(
        r"^run: .*\n\t@exec \$\(BIN\)/useby demo$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )


async def test_the_first_four_steps_show_alerts_an_own_notification_and_a_new_product(
    tmp_path: Path,
) -> None:
    pupil = Pupil(tmp_path)
    async with pupil.demo() as demo, pupil.terminal(demo["watch"]) as watch, browser() as page:
        await sign_in(page, demo)
        due = page.get_by_role("region", name="Expired")
        await expect(due).to_contain_text("Cottage Cheese")
        await read_until(watch, "Organic Milk expired")  # dated five seconds after the start

        await posts(pupil, "Tea is ready")
        await read_until(watch, "Tea is ready")
        await page.get_by_role("link", name="Inbox").click()
        notifications = page.get_by_role("list", name="Notifications")
        tea = notifications.get_by_role("listitem").filter(has_text="Tea is ready")
        await expect(tea).to_be_visible()
        await tea.get_by_role("button", name="Mark read").click()
        await expect(tea.get_by_role("button", name="Mark read")).to_have_count(0)

        await add_on_the_page_of_the_routes(page, demo)
        await read_until(watch, "Pancake batter expires")


async def add_on_the_page_of_the_routes(page: Page, demo: dict[str, str]) -> None:
    """Do the fourth step."""
    (printed,) = re.findall(r"`http://127.0.0.1:8000(/api/docs)`", TUTORIAL)
    page.set_default_timeout(HANG_TIMEOUT * 1000)
    await page.goto(demo["url"] + printed)
    account = {"email": demo["login"], "password": demo["password"]}
    status, answer = await executed(page, "login", account)
    assert status == "200"

    await page.get_by_role("button", name="Authorize", exact=True).click()
    dialog = page.locator(".modal-ux")
    await dialog.locator("input").fill(json.loads(answer)["accessToken"])
    await dialog.get_by_role("button", name="Apply credentials").click()
    await dialog.get_by_role("button", name="Close").click()

    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    product = {"name": "Pancake batter", "expiryDate": str(tomorrow)}
    assert (await executed(page, "addProduct", product))[0] == "201"


async def executed(page: Page, operation: str, body: dict[str, str]) -> tuple[str, str]:
    """Execute an operation on the page of the routes; return the status and body of the answer."""
    block = page.locator(f"[id$='-{operation}'].opblock")
    await block.locator(".opblock-summary-control").click()
    await block.get_by_role("button", name="Try it out").click()
    await block.locator("textarea").fill(json.dumps(body))
    await block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response")
    status = await answer.locator(".response-col_status").inner_text()
    return status.split()[0], await answer.locator(".highlight-code code").first.inner_text()


async def test_the_fifth_step_shows_what_arrived_while_the_node_was_stopped_or_begins_again(
    tmp_path: Path,
) -> None:
    pupil = Pupil(tmp_path)
    async with contextlib.AsyncExitStack() as second_terminal:
        async with pupil.demo() as demo:
            assert "kept" not in demo
            watch = await second_terminal.enter_async_context(pupil.terminal(demo["watch"]))
            await read_until(watch, "Organic Milk expired")
        await posts(pupil, "Coffee is ready")
        async with pupil.demo() as again:
            assert again["password"] == demo["password"]
            assert re.match(r"\d+ products and \d+ unread notifications", again["kept"])
            await read_until(watch, "Coffee is ready")
            await read_until(watch, "Organic Milk expired")  # it falls due again
    (fresh,) = re.findall(r"\.venv/bin/useby demo --fresh", TUTORIAL)
    async with pupil.demo(fresh) as demo:
        assert "kept" not in demo
        account = {"email": demo["login"], "password": demo["password"]}
        async with httpx.AsyncClient(
            base_url=demo["url"], trust_env=False, timeout=HANG_TIMEOUT
        ) as rest:
            token = (await rest.post("/api/auth/login", json=account)).json()["accessToken"]
            rest.headers["Authorization"] = f"Bearer {token}"
            items = (await rest.get("/api/notifications?limit=100")).json()["items"]
    assert "Coffee is ready" not in [item["message"] for item in items]


@pytest.mark.parametrize("step", range(1, 6))
def test_the_tutorial_has_five_steps(step: int) -> None:
    assert f"\n{step}. " in TUTORIAL
