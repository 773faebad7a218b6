"""Policies, summaries and snoozes through the client, against a real node.

covers: useby.client.policies
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.process_node import NodeProcess, until

from useby.client import Api, NotFound, Notification, Notifications, Policy, Repeat


@contextlib.asynccontextmanager
async def _api(node: NodeProcess) -> AsyncIterator[Api]:
    async with Api(node.url, token=node.person().token) as api:
        yield api


async def test_a_policy_that_is_put_is_listed_until_it_is_deleted(node: NodeProcess) -> None:
    async with _api(node) as api:
        until_then = datetime(2090, 1, 1, tzinfo=UTC)
        account = await api.policies.put("account", leads=["24h"], on_expiry=False)
        dairy = await api.policies.put(
            "category", "Dairy/cold", repeat={"every": "P3D", "most": 4}, muted=until_then
        )
        assert account == Policy(scope="account", leads=("24h",), on_expiry=False)
        assert dairy == Policy(
            scope="category",
            key="dairy/cold",
            repeat=Repeat(every="P3D", most=4),
            muted="2090-01-01T00:00:00Z",
        )
        assert [each async for each in api.policies.all(limit=1)] == [account, dairy]

        await api.policies.delete("account")

        assert [each async for each in api.policies.all()] == [dairy]


async def test_a_policy_of_a_product_that_is_not_there_is_not_found(node: NodeProcess) -> None:
    async with _api(node) as api:
        with pytest.raises(NotFound):
            await api.policies.put("product", "no-such-product", leads=[])


async def _summary(api: Api) -> Notification:
    """The summary of six products that are past their date."""
    await api.add_products([{"name": f"Milk {n}", "expiry_date": "2020-01-01"} for n in range(6)])
    found: list[Notification] = []

    async def is_sent() -> bool:
        found[:] = [each async for each in api.notifications() if each.event == "summary"]
        return bool(found)

    await until(is_sent)
    return found[0]


async def test_a_summary_has_its_items_over_rest_and_in_an_extended_session(
    node: NodeProcess,
) -> None:
    async with _api(node) as api:
        summary = await _summary(api)
        items = [each async for each in api.notification_items(summary.id)]
        assert {each.message.split(" expired")[0] for each in items} == {
            f"Milk {number}" for number in range(6)
        }
        assert {(each.severity, each.lot_id is None) for each in items} == {("warning", False)}
        async with Notifications(node.url, token=api.token) as notifications:
            async for each in notifications:
                if each.id == summary.id:
                    assert each.items == tuple(items)
                    break


async def test_a_snoozed_notification_has_its_time_and_is_listed(node: NodeProcess) -> None:
    async with _api(node) as api:
        tea = await api.notify("Tea is ready")
        snoozed = await api.snooze(tea.id, duration="PT2H")
        assert snoozed.snoozed_until is not None
        assert snoozed.snoozed_until - datetime.now(UTC) > timedelta(hours=1)
        listed = [each async for each in api.notifications(snoozed=True)]
        assert [(each.id, each.snoozed_until) for each in listed] == [
            (tea.id, snoozed.snoozed_until)
        ]
        assert [each async for each in api.notifications(snoozed=False)] == []


async def test_sample_products_are_added_once_and_removed(node: NodeProcess) -> None:
    async with _api(node) as api:
        added = await api.stock.add_samples()
        assert (added > 0, await api.stock.add_samples()) == (True, 0)
        assert await api.stock.remove_samples() == added
