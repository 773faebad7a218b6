"""What was used and thrown away, and the coming weeks: the page shows the node's numbers."""

from datetime import date, timedelta
from typing import Any, Literal

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, expect
from tests.support.axe import violations
from tests.support.offline_pages import LOST, cut, mend
from tests.support.pages import PHONE, SCREEN, a_window, add, day, message, opened, row, sign_up
from tests.support.process_node import NodeProcess


async def closed(
    rest: httpx.AsyncClient, name: str, how: str, ago: int = 0, **fields: object
) -> None:
    """Add a product with three days left, and take all of it so many days ago."""
    received = day(-ago - 1)
    product = await add(rest, name, 3 - ago, receivedOn=received, **fields)
    body = {"at": f"{day(-ago)}T00:00:00Z"} if ago else {}
    answer = await rest.post(f"/api/products/{product['id']}/{how}", json=body)
    assert answer.status_code == 200, answer.text


async def a_history(rest: httpx.AsyncClient) -> None:
    """Movements of two months and three categories; only what is `Dairy` has a price."""
    await rest.patch("/api/me", json={"currency": "EUR"})
    milk: dict[str, Any] = {"category": "Dairy", "unit": "l", "quantity": "1.5", "price": "2"}
    for name in ("Milk", "Kefir", "Cream", "Yogurt"):
        await closed(rest, name, "consume", **milk)
    await closed(rest, "Whey", "discard", **milk)
    await closed(rest, "Whey", "discard", 40, **milk)
    await closed(rest, "Bread", "discard", 40, category="Bakery")
    await closed(rest, "Rice", "consume", 40)


async def numbers(rest: httpx.AsyncClient, by: str) -> dict[str, Any]:
    answer = await rest.get("/api/stats", params={"by": by})
    found: dict[str, Any] = answer.json()
    return found


async def table(page: Page, caption: str) -> list[list[str]]:
    """Open a table, and return its cells without the first row."""
    summary = page.locator("summary", has_text=caption)
    if await summary.evaluate("each => !each.parentElement.open"):
        await summary.click()
    shown = page.get_by_role("table", name=caption)
    await expect(shown).to_be_visible()
    cells: list[list[str]] = await shown.evaluate(
        "each => [...each.tBodies[0].rows].map(({cells}) => [...cells].map(c => c.textContent))"
    )
    return cells


def figure(page: Page, name: str) -> Locator:
    return page.locator("dl.figures div", has=page.get_by_text(name, exact=True)).locator("dd")


def percent(share: str | None) -> str:
    return "–" if share is None else f"{float(share):.1%}".replace(".0%", "%")


def euros(money: str | None) -> str:
    return "–" if money is None else f"€{float(money):.2f}"


def as_shown(group: dict[str, Any], name: str) -> list[str]:
    """The row of a table that a group of the node's answer becomes."""
    taken, thrown = group["taken"], group["thrownAway"]
    return [
        name,
        str(taken["lots"]),
        str(thrown["lots"]),
        percent(group["shareThrownAway"]),
        group["averageDaysLeft"] or "–",
        euros(taken["money"]),
        euros(thrown["money"]),
    ]


async def test_the_numbers_by_month_and_category_are_those_of_the_node(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, size=SCREEN) as context, server.rest() as rest:
        await sign_up(rest)
        await a_history(rest)
        page = await opened(context, server, "insights")
        by_month = (await numbers(rest, "month"))["groups"]
        assert [each["taken"]["lots"] for each in by_month] == [1, 4]
        assert await table(page, "Used and thrown away") == [
            as_shown(each, f"{date.fromisoformat(each['key'] + '-01'):%B %Y}") for each in by_month
        ]
        by_category = {each["key"]: each for each in (await numbers(rest, "category"))["groups"]}
        shown = await table(page, "By category")
        assert [each[0] for each in shown] == ["Dairy", "No category", "Bakery"]
        assert shown == [
            as_shown(by_category[key], key or "No category") for key in ("Dairy", "", "Bakery")
        ]
        bars = page.get_by_role("region", name="By category").get_by_role("listitem")
        await expect(bars).to_contain_text(
            ["Dairy 4 used, 2 thrown away (33.3%)", "No category 1 used", "Bakery 0 used, 1 thrown"]
        )


async def test_the_sums_and_what_is_most_thrown_away_are_shown(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        await a_history(rest)
        page = await opened(context, server)
        main = page.get_by_role("navigation", name="Main")
        await main.get_by_role("link", name="Insights").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Insights")
        await expect(figure(page, "Used")).to_have_text("5 lots")
        await expect(figure(page, "Thrown away")).to_have_text("3 lots")
        await expect(figure(page, "Share thrown away")).to_have_text("37.5%")
        await expect(figure(page, "Money thrown away")).to_have_text("€6.00")
        most = page.get_by_role("region", name="Most thrown away")
        await expect(most.get_by_role("listitem")).to_contain_text(
            [f"{each['name']} 1 lot" for each in (await numbers(rest, "month"))["mostThrownAway"]]
        )
        await expect(most.get_by_role("listitem").filter(has_text="Whey").first).to_contain_text(
            "1 lot · 1.5 l · €3.00"
        )
        await most.get_by_role("link", name="Bread").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Bread")


async def test_under_five_lots_no_share_is_shown_and_without_prices_no_money(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        for name, how in (("Ham", "consume"), ("Tea", "consume"), ("Jam", "discard")):
            await closed(rest, name, how)
        page = await opened(context, server, "insights")
        await expect(figure(page, "Used")).to_have_text("2 lots")
        assert [len(each) for each in await table(page, "Used and thrown away")] == [4]
        await expect(page.get_by_text("Share thrown away")).to_have_count(0)
        await expect(page.get_by_text("Money thrown away")).to_have_count(0)
        await expect(page.locator("main")).not_to_contain_text("%")


async def test_open_lots_are_counted_by_the_week_of_their_date(
    browser: Browser, server: NodeProcess
) -> None:
    today = date.fromisoformat(day(0))
    sunday = 6 - today.weekday()
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        for name, days in (
            ("Ham", -1),  # expired: it is not to come
            ("Milk", 0),
            ("Tea", sunday),
            ("Jam", sunday + 1),
            ("Oil", sunday + 8 * 7 - 7),  # the last day of the last week
            ("Rice", sunday + 8 * 7 - 6),
            ("Salt", None),
        ):
            await add(rest, name, days)
        page = await opened(context, server, "insights")
        rows = await table(page, "The coming weeks")
        assert [each[1] for each in rows] == ["2", "1", "0", "0", "0", "0", "0", "1"]
        monday = today + timedelta(sunday + 1)
        assert rows[1][0].startswith(f"{monday.day} {monday:%b}"[:5])
        await expect(page.get_by_text("4 lots have their date in these weeks.")).to_be_visible()
        chart = page.get_by_role("img", name="The coming weeks")
        assert await chart.locator(".chart__number").all_text_contents() == ["2", "1", "1"]


async def test_without_numbers_the_view_states_what_to_do(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 2)
        page = await opened(context, server, "insights")
        await expect(page.get_by_text("Press “Used” or “Thrown away”")).to_be_visible()
        await expect(page.locator("dl.figures")).to_have_count(0)
        await page.get_by_role("link", name="Go to what is due").click()
        await row(page, "Milk").get_by_role("button", name="Used").click()
        await expect(message(page)).to_contain_text("Milk")
        await page.goto(f"{server.url}/#/insights")
        await expect(figure(page, "Used")).to_have_text("1 lot")


async def test_the_numbers_come_once_there_is_a_connection(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, *LOST) as context, server.rest() as rest:
        await sign_up(rest)
        await closed(rest, "Ham", "consume")
        page = await opened(context, server, "insights")
        await expect(figure(page, "Used")).to_have_text("1 lot")
        await cut(context, page)
        for view in ("Due", "Insights"):
            await page.get_by_role("link", name=view, exact=True).click()
        await expect(page.get_by_text("need a connection")).to_be_visible()
        await mend(context, page)
        await expect(figure(page, "Used")).to_have_text("1 lot")


async def test_an_action_on_another_device_is_counted_while_the_view_is_open(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        await closed(rest, "Ham", "consume")
        milk = await add(rest, "Milk", 2)
        page = await opened(context, server, "insights")
        await expect(figure(page, "Thrown away")).to_have_text("0 lots")
        await rest.post(f"/api/products/{milk['id']}/discard", json={})
        await expect(figure(page, "Thrown away")).to_have_text("1 lot")


@pytest.mark.parametrize(
    ("locale", "modes"),
    [
        ("en-GB", ((SCREEN, "light"), (PHONE, "dark"))),
        ("de-DE", (((320, 640), "light"), ((320, 640), "dark"))),
    ],
    ids=["english", "german"],
)
async def test_charts_and_tables_follow_the_rules_of_axe_and_fit(
    browser: Browser,
    server: NodeProcess,
    locale: str,
    modes: tuple[tuple[tuple[int, int], Literal["light", "dark"]], ...],
) -> None:
    async with a_window(browser, locale=locale) as context, server.rest() as rest:
        await sign_up(rest)
        await a_history(rest)
        await closed(rest, "Donaudampfschiffkapitänsbrot", "discard", category="Delikatessen")
        for days in (1, 2, 9, 30):
            await add(rest, "Milk", days)
        page = await context.new_page()
        await page.goto(f"{server.url}/#/insights")
        await page.locator("input[name=email]").fill("ada@useby.example")
        await page.locator("input[name=password]").fill("the quick brown fox")
        await page.keyboard.press("Enter")
        await expect(page.locator("main details")).to_have_count(3)
        for summary in await page.locator("main summary").all():
            await summary.press("Enter")
        for (width, height), scheme in modes:
            await page.set_viewport_size({"width": width, "height": height})
            await page.emulate_media(color_scheme=scheme)
            assert await violations(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
