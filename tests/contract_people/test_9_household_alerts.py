"""Section 9: alerts of a household's stock, for each of its members.

covers: useby.store.alert_members, useby.store.member_policies, useby.store.reschedules
"""

from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.alert_times import pass_until, send_now
from tests.support.policies_over_rest import alerts_of, lot_of, put, times_of
from tests.support.rest_app import Rest, added, messages
from tests.support.shared_households import HEADER, Shared, a_household, join, leave

from useby.actions import floods, snoozes
from useby.domain.household import Role
from useby.store import accounts

IN_2_DAYS = "Organic Milk expires in 2 days"
ROLES = tuple(Role)


async def notifications(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    """Newest first."""
    items: list[dict[str, Any]] = (
        await client.get("/api/notifications", params={"limit": "500", **query})
    ).json()["items"]
    return items


async def unread(client: httpx.AsyncClient) -> list[str]:
    return await messages(client, unread="true")


async def policies_of(client: httpx.AsyncClient) -> list[tuple[str, str | None]]:
    items = (await client.get("/api/policies")).json()["items"]
    return [(each["scope"], each["key"]) for each in items]


async def set_me(client: httpx.AsyncClient, **values: Any) -> None:
    answer = await client.patch("/api/me", json=values)
    assert answer.status_code == HTTPStatus.OK, answer.text


@pytest.fixture
async def pair(rest: Rest) -> Shared:
    """A founder and an editor, both in Berlin."""
    return await a_household(rest, Role.EDITOR)


def editor_of(pair: Shared) -> httpx.AsyncClient:
    return pair.clients[Role.EDITOR]


async def test_every_role_is_alerted(rest: Rest) -> None:
    shared = await a_household(rest, Role.EDITOR, Role.KIOSK, Role.VIEWER)
    await added(shared.owner)
    await send_now(rest)
    for role in ROLES:
        assert await messages(shared.clients[role]) == [IN_2_DAYS], role
        (found,) = await notifications(shared.clients[role])
        assert found["householdId"] == shared.id


async def test_an_alert_is_stored_once_for_each_member_it_concerns(
    rest: Rest, pair: Shared
) -> None:
    await added(pair.owner)
    await pass_until(rest, "2026-03-10T12:00:00Z")
    for client in pair.clients.values():
        assert (await messages(client))[::-1] == [
            IN_2_DAYS,
            "Organic Milk expires today",
            "Organic Milk expired yesterday",
        ]
    assert await messages(editor_of(pair), unread="false") == []


async def test_every_member_has_their_own_language_zone_quiet_hours_and_alert_time(
    rest: Rest,
) -> None:
    shared = await a_household(rest, Role.EDITOR, Role.KIOSK, Role.VIEWER)
    editor, kiosk, viewer = (shared.clients[each] for each in ROLES[1:])
    await set_me(editor, language="de")
    await set_me(kiosk, timeZone="America/New_York")
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    await set_me(viewer, quietHours=[{"days": days, "from": "08:00", "until": "18:00"}])
    await put(shared.owner, "account", alertTime="07:00")
    await added(shared.owner, expiryDate="2026-03-20")
    sent = {}
    for role in ROLES:
        (first, *_) = await alerts_of(shared.clients[role], await _only(shared.owner))
        sent[role] = (first["at"], first["deliveredAt"])
    assert sent == {
        Role.OWNER: ("2026-03-13T06:00:00Z",) * 2,
        Role.EDITOR: ("2026-03-13T08:00:00Z",) * 2,
        Role.KIOSK: ("2026-03-13T13:00:00Z",) * 2,
        Role.VIEWER: ("2026-03-13T08:00:00Z", "2026-03-13T17:00:00Z"),
    }
    for role in sorted(ROLES, key=lambda each: sent[each][1]):
        await pass_until(rest, sent[role][1])
        words = "expires in 7 days" if role is not Role.EDITOR else "läuft in 7 Tagen ab"
        (found,) = await messages(shared.clients[role])
        assert words in found, role


async def _only(client: httpx.AsyncClient) -> dict[str, Any]:
    (product,) = (await client.get("/api/products")).json()["items"]
    found: dict[str, Any] = product
    return found


async def test_a_members_account_category_location_and_date_kind_policies_hold_in_all_households(
    rest: Rest, pair: Shared
) -> None:
    editor = editor_of(pair)
    for number, policy in enumerate(
        ("account", "dateKind/best_before", "location/Fridge", "category/Dairy"), 10
    ):
        await put(editor, policy, leads=[f"{number}d"])
        milk = await added(
            pair.owner,
            expiryDate="2026-06-01",
            category="Dairy" if "category" in policy else "",
            location="Fridge" if "location" in policy else "",
        )
        (first, *_) = await alerts_of(editor, milk)
        assert first["lead"] == f"{number}d"
        assert first["because"]["scope"] == policy.partition("/")[0]
        assert (await alerts_of(pair.owner, milk))[0]["lead"] == "7d"


async def test_policies_of_products_and_lots_are_each_members_own(rest: Rest, pair: Shared) -> None:
    editor = editor_of(pair)
    milk = await added(pair.owner, expiryDate="2026-03-20")
    lot = await lot_of(pair.owner, milk)
    await put(editor, f"product/{milk['id']}", leads=["3d"], onExpiry=False)
    assert await times_of(editor, milk) == [("3d", "2026-03-17T08:00:00Z")]
    assert [lead for lead, _ in await times_of(pair.owner, milk)] == ["7d", "2d", "0d", "expiry"]
    await put(editor, f"lot/{lot}", leads=["5d"])
    await put(pair.owner, f"lot/{lot}", leads=["1d"])
    assert [lead for lead, _ in await times_of(editor, milk)] == ["5d"]
    assert [lead for lead, _ in await times_of(pair.owner, milk)] == ["1d", "expiry"]
    listed = [
        [
            (each["scope"], each["key"])
            for each in (await client.get("/api/policies")).json()["items"]
        ]
        for client in (editor, pair.owner)
    ]
    assert listed == [[("product", milk["id"]), ("lot", lot)], [("lot", lot)]]
    await pass_until(rest, "2026-03-19T12:00:00Z")
    assert await messages(editor) == ["Organic Milk expires in 5 days"]
    assert await messages(pair.owner) == ["Organic Milk expires tomorrow"]
    for policy in (f"lot/{lot}", f"product/{milk['id']}"):
        assert (await editor.delete(f"/api/policies/{policy}")).status_code == 204
    assert await policies_of(editor) == []


async def test_a_policy_of_a_product_of_another_household_of_ones_own_needs_no_header(
    rest: Rest, pair: Shared
) -> None:
    milk = await added(pair.owner, expiryDate="2026-03-20")
    editor = editor_of(pair)
    del editor.headers[HEADER]
    await put(editor, f"product/{milk['id']}", leads=["3d"])
    stranger = (await rest.person())[1]
    refused = await stranger.put(f"/api/policies/product/{milk['id']}", json={"leads": ["3d"]})
    assert refused.status_code == HTTPStatus.NOT_FOUND
    own = (await editor.get("/api/me")).json()["id"]
    named = {HEADER: own}
    other = await editor.put(
        f"/api/policies/product/{milk['id']}", json={"muted": True}, headers=named
    )
    assert other.status_code == HTTPStatus.NOT_FOUND


async def test_the_households_default_is_for_all_its_members_and_set_by_editors_and_owners(
    rest: Rest,
) -> None:
    shared = await a_household(rest, Role.EDITOR, Role.KIOSK, Role.VIEWER)
    milk = await added(shared.owner, expiryDate="2026-03-20")
    policy = await put(shared.clients[Role.EDITOR], "household", leads=["4d"])
    assert (policy["scope"], policy["key"]) == ("household", None)
    await put(shared.clients[Role.KIOSK], "account", leads=["6d"])
    first = {role: (await alerts_of(shared.clients[role], milk))[0] for role in ROLES}
    assert {role: each["lead"] for role, each in first.items()} == {
        Role.OWNER: "4d",
        Role.EDITOR: "4d",
        Role.KIOSK: "6d",
        Role.VIEWER: "4d",
    }
    assert first[Role.VIEWER]["because"] == {"scope": "household", "key": None}
    listed = (await shared.clients[Role.VIEWER].get("/api/policies")).json()["items"]
    assert [(each["scope"], each["leads"]) for each in listed] == [("household", ["4d"])]
    for role in (Role.KIOSK, Role.VIEWER):
        client = shared.clients[role]
        refused = await client.put("/api/policies/household", json={"muted": True})
        assert refused.status_code == HTTPStatus.FORBIDDEN
        assert (await client.delete("/api/policies/household")).status_code == HTTPStatus.FORBIDDEN
    await pass_until(rest, "2026-03-16T12:00:00Z")
    assert await messages(shared.clients[Role.VIEWER]) == ["Organic Milk expires in 4 days"]
    assert (await shared.owner.delete("/api/policies/household")).status_code == 204
    await send_now(rest)
    assert (await alerts_of(shared.owner, milk))[0]["lead"] == "2d"


async def test_a_change_of_a_members_policies_reschedules_what_is_pending_in_all_households(
    rest: Rest, pair: Shared
) -> None:
    await added(pair.owner, expiryDate="2026-03-20")
    await send_now(rest)
    await put(editor_of(pair), "account", leads=["12d"])
    await pass_until(rest, "2026-03-08T12:00:00Z")
    assert await messages(editor_of(pair)) == ["Organic Milk expires in 12 days"]
    await set_me(editor_of(pair), timeZone="Asia/Tokyo")
    await put(editor_of(pair), "account", leads=["9d"], alertTime="00:30")
    await pass_until(rest, "2026-03-10T15:31:00Z")
    assert (await messages(editor_of(pair)))[0] == "Organic Milk expires in 9 days"
    assert await messages(pair.owner) == []


async def test_a_change_of_the_households_zone_moves_the_end_of_its_dates_for_all(
    rest: Rest, pair: Shared
) -> None:
    milk = await added(pair.owner, expiryDate="2026-03-20")
    for client in pair.clients.values():
        await put(client, "account", leads=["24h"], onExpiry=False)
    assert await times_of(editor_of(pair), milk) == [("24h", "2026-03-19T23:00:00Z")]
    await pair.owner.patch(pair.url, json={"timeZone": "America/New_York"})
    for client in pair.clients.values():
        assert await times_of(client, milk) == [("24h", "2026-03-20T04:00:00Z")]
    await pass_until(rest, "2026-03-20T04:00:00Z")
    for client in pair.clients.values():
        assert len(await messages(client)) == 1


async def test_every_prediction_of_alerts_comes_true_for_each_member(
    rest: Rest, pair: Shared
) -> None:
    editor = editor_of(pair)
    await set_me(editor, timeZone="Asia/Tokyo", digest={"every": "day", "at": "08:00"})
    milk = await added(pair.owner, expiryDate="2026-03-20")
    await put(editor, f"product/{milk['id']}", repeat={"every": "P2D", "most": 2})
    listed = {
        client: [each["deliveredAt"] for each in await alerts_of(client, milk)]
        for client in pair.clients.values()
    }
    await pass_until(rest, "2026-04-20T12:00:00Z")
    for client, times in listed.items():
        found = [each["created_at"] for each in await notifications(client)]
        assert found[::-1] == times


async def test_more_than_the_flood_cap_is_one_summary_for_each_member(
    rest: Rest, pair: Shared
) -> None:
    await set_me(editor_of(pair), floodCap=10)
    for number in range(6):
        await added(pair.owner, name=f"Tin {number}")
    await send_now(rest)
    (summary,) = await notifications(pair.owner)
    assert (summary["event"], summary["householdId"]) == ("summary", pair.id)
    assert len(await notifications(editor_of(pair))) == 6


async def test_a_member_of_two_households_gets_one_summary_for_each(
    rest: Rest, pair: Shared
) -> None:
    editor = editor_of(pair)
    own = pair.users[Role.EDITOR].id
    for number in range(4):
        await added(pair.owner, name=f"Their tin {number}")
    del editor.headers[HEADER]
    for number in range(4):
        await added(editor, name=f"Own tin {number}")
    await send_now(rest)
    found = {each["householdId"]: each for each in await notifications(editor)}
    assert set(found) == {own, pair.id}
    for household, name in ((own, "Own tin"), (pair.id, "Their tin")):
        assert found[household]["event"] == "summary"
        items = (await editor.get(f"/api/notifications/{found[household]['id']}/items")).json()[
            "items"
        ]
        assert [name in each["message"] for each in items] == [True] * 4
    assert len(await notifications(pair.owner)) == 4


async def test_an_import_is_one_summary_for_each_member_and_one_report_for_who_imports(
    rest: Rest, pair: Shared
) -> None:
    rows = [{"name": f"Tin {number}", "expiryDate": "2026-03-01"} for number in range(300)]
    answer = await editor_of(pair).post("/api/import", json=rows)
    assert answer.status_code == HTTPStatus.OK, answer.text
    for _ in range(10):
        await send_now(rest)
    await rest.database.write(lambda t: floods.release(t, rest.now))
    assert [each["event"] for each in await notifications(editor_of(pair))] == ["summary", "added"]
    assert [each["event"] for each in await notifications(pair.owner)] == ["summary"]


async def test_closing_a_lot_marks_its_alert_read_for_every_member_and_undo_makes_it_unread(
    rest: Rest, pair: Shared
) -> None:
    milk = await added(pair.owner)
    await send_now(rest)
    used = await editor_of(pair).post(f"/api/products/{milk['id']}/consume", json={})
    assert used.status_code == HTTPStatus.OK, used.text
    assert await unread(pair.owner) == []
    assert await unread(editor_of(pair)) == ["Organic Milk was consumed"]
    again = await pair.owner.post(f"/api/products/{milk['id']}/reopen", json={})
    assert again.status_code == HTTPStatus.OK, again.text
    assert await unread(pair.owner) == [IN_2_DAYS]
    assert await unread(editor_of(pair)) == [IN_2_DAYS]


async def test_deleting_a_product_marks_its_alerts_read_for_every_member(
    rest: Rest, pair: Shared
) -> None:
    milk = await added(pair.owner)
    await send_now(rest)
    assert (await editor_of(pair).delete(f"/api/products/{milk['id']}")).status_code == 204
    assert [await unread(client) for client in pair.clients.values()] == [[], []]


async def test_an_alert_that_a_member_reads_stays_unread_for_the_others_at_first(
    rest: Rest, pair: Shared
) -> None:
    await added(pair.owner)
    await send_now(rest)
    (alert,) = await notifications(editor_of(pair))
    await editor_of(pair).post(f"/api/notifications/{alert['id']}/read")
    await send_now(rest)
    assert await unread(pair.owner) == [IN_2_DAYS]


async def test_repeats_follow_what_each_member_has_read(rest: Rest, pair: Shared) -> None:
    for client in pair.clients.values():
        await put(client, "account", leads=[], repeat={"every": "P1D", "most": 2})
    await added(pair.owner, expiryDate="2026-03-02")
    await pass_until(rest, "2026-03-03T12:00:00Z")
    (first,) = await notifications(editor_of(pair))
    await editor_of(pair).post(f"/api/notifications/{first['id']}/read")
    await pass_until(rest, "2026-03-10T12:00:00Z")
    assert len(await messages(editor_of(pair))) == 1
    assert len(await messages(pair.owner)) == 3


async def test_a_new_member_is_not_flooded_with_what_was_due_before(rest: Rest) -> None:
    ada, hers = await rest.person()
    for number in range(8):
        await added(hers, name=f"Tin {number}", expiryDate="2026-03-01")
    await added(hers, expiryDate="2026-03-06")
    await pass_until(rest, "2026-03-03T12:00:00Z")
    _, his = await rest.person()
    await join(hers, ada.id, his, "viewer")
    await pass_until(rest, "2026-03-05T12:00:00Z")
    assert await messages(his) == [IN_2_DAYS]


async def test_a_former_member_is_not_alerted_and_neither_is_a_snooze_sent_again(
    rest: Rest, pair: Shared
) -> None:
    await added(pair.owner)
    await send_now(rest)
    (alert,) = await notifications(editor_of(pair))
    await editor_of(pair).post(f"/api/notifications/{alert['id']}/snooze", json={"for": "PT24H"})
    await leave(pair, Role.EDITOR)
    await pass_until(rest, "2026-03-08T12:00:00Z")
    assert await rest.database.write(lambda t: snoozes.send_due(t, rest.now)) == 0
    assert await messages(editor_of(pair)) == [IN_2_DAYS]
    assert len(await messages(pair.owner)) == 3


async def test_a_snoozed_alert_of_a_household_is_sent_again_to_its_member_alone(
    rest: Rest, pair: Shared
) -> None:
    await added(pair.owner, expiryDate="2026-03-04")
    await send_now(rest)
    (alert,) = await notifications(editor_of(pair))
    answer = await editor_of(pair).post(
        f"/api/notifications/{alert['id']}/snooze", json={"for": "PT24H"}
    )
    assert answer.status_code == HTTPStatus.OK, answer.text
    await pass_until(rest, "2026-03-03T12:00:00Z")
    assert await rest.database.write(lambda t: snoozes.send_due(t, rest.now)) == 1
    again = (await notifications(editor_of(pair)))[0]
    assert (again["event"], again["message"]) == ("snoozed", "Organic Milk expires tomorrow")
    assert again["householdId"] == pair.id
    assert await messages(pair.owner) == [IN_2_DAYS]


async def test_a_disabled_founder_does_not_silence_the_household(rest: Rest, pair: Shared) -> None:
    milk = await added(pair.owner)
    founder = pair.users[Role.OWNER].id
    await rest.database.write(
        lambda t: accounts.disable_user(t, founder, disabled=True, now=rest.now)
    )
    await send_now(rest)
    assert await messages(editor_of(pair)) == [IN_2_DAYS]
    await rest.database.write(
        lambda t: accounts.disable_user(t, founder, disabled=False, now=rest.now)
    )
    await send_now(rest)
    assert await messages(pair.owner) == [IN_2_DAYS]
    assert await alerts_of(editor_of(pair), milk) != []
