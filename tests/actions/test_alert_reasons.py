"""Reasons of notifications, over REST: alerts, summaries, and what is no alert.

covers: useby.actions.alert_reasons
"""

from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.api.conftest import rest
from tests.support.alert_times import pass_until
from tests.support.databases import database_url
from tests.support.policies_over_rest import put
from tests.support.rest_app import Rest, added

__all__ = ["database_url", "rest"]


@pytest.fixture
async def ada(rest: Rest) -> httpx.AsyncClient:
    """A client of somebody in Berlin, at noon of 2 March 2026."""
    _, client = await rest.person()
    return client


async def newest(client: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/api/notifications")).json()["items"][0]
    return found


async def reasons(client: httpx.AsyncClient, notification: dict[str, Any]) -> list[Any]:
    answer = await client.get(f"/api/notifications/{notification['id']}/because")
    assert answer.status_code == HTTPStatus.OK, answer.text
    assert answer.json()["nextCursor"] is None
    items: list[Any] = answer.json()["items"]
    return items


async def test_an_alert_answers_why_it_was_sent_by_the_rules_as_they_are_now(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await added(ada, name="Milk", expiryDate="2026-03-12", category="Dairy")
    await put(ada, "category/dairy", leads=["7d"])
    await pass_until(rest, "2026-03-05T12:00:00Z")
    alert = await newest(ada)
    assert alert["event"] == "expiring"
    reason = {"productId": milk["id"], "productName": "Milk", "lead": "7d"}
    because = {"scope": "category", "key": "Dairy"}
    assert await reasons(ada, alert) == [{**reason, "because": because}]
    await ada.delete("/api/policies/category/dairy")
    builtin = {"scope": "builtin", "key": None}
    assert await reasons(ada, alert) == [{**reason, "because": builtin}]
    await put(ada, "account", leads=["2d"])
    assert await reasons(ada, alert) == []


async def test_a_summary_answers_for_each_of_its_alerts_and_repeats_no_reason(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    await ada.patch("/api/me", json={"floodCap": 1})
    milk = await added(ada, name="Milk", expiryDate="2026-03-12")
    ham = await added(ada, name="Ham", expiryDate="2026-03-12", quantity="2")
    await ada.post(f"/api/products/{ham['id']}/lots", json={"expiryDate": "2026-03-12"})
    await put(ada, f"product/{milk['id']}", leads=["7d"])
    await pass_until(rest, "2026-03-05T12:00:00Z")
    summary = await newest(ada)
    assert summary["event"] == "summary"
    assert [
        (each["productName"], each["lead"], each["because"]) for each in await reasons(ada, summary)
    ] == [
        ("Ham", "7d", {"scope": "builtin", "key": None}),
        ("Milk", "7d", {"scope": "product", "key": milk["id"]}),
    ]


async def test_a_member_reads_their_own_reasons_and_a_former_member_none(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    _, bob = await rest.person()
    (own,) = (await ada.get("/api/households")).json()["items"]
    path = f"/api/households/{own['id']}"
    made = (await ada.post(f"{path}/invitations", json={"role": "viewer"})).json()
    assert (await bob.post(f"/api/invitations/{made['token']}/accept")).is_success
    milk = await added(ada, name="Milk", expiryDate="2026-03-12", category="Dairy")
    await put(ada, "household", leads=["7d"])
    await put(ada, "category/dairy", leads=["7d"])
    await pass_until(rest, "2026-03-05T12:00:00Z")
    hers, his = await newest(ada), await newest(bob)
    reason = {"productId": milk["id"], "productName": "Milk", "lead": "7d"}
    dairy, default = {"scope": "category", "key": "Dairy"}, {"scope": "household", "key": None}
    assert await reasons(ada, hers) == [{**reason, "because": dairy}]
    assert await reasons(bob, his) == [{**reason, "because": default}]
    member = (await bob.get("/api/me")).json()["id"]
    assert (await bob.delete(f"{path}/members/{member}")).is_success
    assert await reasons(bob, his) == []


async def test_a_notification_without_an_alert_or_its_product_has_no_reasons(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await added(ada, name="Milk", expiryDate="2026-03-09")
    await pass_until(rest, "2026-03-02T13:00:00Z")
    alert = await newest(ada)
    assert len(await reasons(ada, alert)) == 1
    await ada.delete(f"/api/products/{milk['id']}")
    assert await reasons(ada, alert) == []
    posted = (await ada.post("/api/notifications", json={"message": "hello"})).json()
    assert await reasons(ada, posted) == []
    answer = await ada.get(f"/api/notifications/{milk['id']}/because")
    assert answer.status_code == HTTPStatus.NOT_FOUND
