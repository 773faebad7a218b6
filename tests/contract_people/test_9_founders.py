"""Section 9: founders who have left a household, delete their account, or join again."""

from http import HTTPStatus

import pytest
from tests.support.alert_times import pass_until, send_now
from tests.support.policies_over_rest import put, times_of
from tests.support.rest_app import Rest, added, messages
from tests.support.shared_households import a_household, give_away, hand_over, join

from useby.domain.household import Role


async def test_own_leads_of_a_founder_whose_account_is_deleted_do_not_become_those_of_all(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("useby.store.emptying.SLICE", 2)
    monkeypatch.setattr("useby.store.emptying.COSTS", {})
    shared = await a_household(rest, Role.EDITOR)
    hers, his = shared.owner, shared.clients[Role.EDITOR]
    tins = [await added(hers, name=f"Tin {number}", expiryDate="2026-03-20") for number in range(3)]
    jam = await added(hers, name="Jam", expiryDate="2026-03-20", leadDays=[4])
    for each in (*tins, jam):
        await put(hers, f"product/{each['id']}", leads=["9d"])
    await hand_over(shared)
    gone = await hers.request("DELETE", "/api/me", json={})
    assert gone.status_code == HTTPStatus.NO_CONTENT
    await send_now(rest)
    left = (await his.get("/api/products")).json()["items"]
    own = {f"Tin {number}": None for number in range(3)}
    assert {each["name"]: each["leadDays"] for each in left} == own | {"Jam": [4]}
    for product, leads in ((tins[0], ["7d", "2d", "0d", "expiry"]), (jam, ["4d", "expiry"])):
        assert [lead for lead, _ in await times_of(his, product)] == leads


async def test_a_founder_who_joins_again_gets_nothing_that_was_due_before(rest: Rest) -> None:
    shared = await a_household(rest, Role.EDITOR)
    hers, his = shared.owner, shared.clients[Role.EDITOR]
    await give_away(shared)
    for number in range(8):
        await added(his, name=f"Tin {number}", expiryDate="2026-03-04")
    await added(his, expiryDate="2026-03-10")
    await pass_until(rest, "2026-03-06T12:00:00Z")
    assert len(await messages(his)) > 1
    await join(his, shared.id, hers, "viewer")
    await send_now(rest)
    assert await messages(hers) == []
    await pass_until(rest, "2026-03-08T12:00:00Z")
    assert await messages(hers) == ["Organic Milk expires in 2 days"]
