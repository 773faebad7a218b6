"""Section 9: alerts of a household's stock, for each of its members.

covers: useby.store.alert_members, useby.store.reschedules, useby.store.unread_alerts
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx
from tests.support.alert_times import pass_until, send_now
from tests.support.household_alerts import (
    IN_2_DAYS,
    ROLES,
    editor_of,
    notifications,
    pair,
    set_me,
    unread,
)
from tests.support.policies_over_rest import alerts_of, put, times_of
from tests.support.rest_app import Rest, added, messages
from tests.support.shared_households import HEADER, Shared, a_household, join, leave

from useby.actions import floods, snoozes
from useby.domain.household import Role
from useby.store import accounts

__all__ = ["pair"]


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


async def test_a_members_snooze_that_is_over_in_quiet_hours_is_sent_at_their_end(
    rest: Rest, pair: Shared
) -> None:
    editor = editor_of(pair)
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    await set_me(editor, quietHours=[{"days": days, "from": "14:00", "until": "16:00"}])
    await added(pair.owner, expiryDate="2026-03-09")
    await send_now(rest)
    (alert,) = await notifications(editor)
    await editor.post(f"/api/notifications/{alert['id']}/snooze", json={"for": "P2DT2H"})
    for at, sent in (("14:00", []), ("15:00", ["Organic Milk expires in 5 days"])):
        rest.now = datetime.fromisoformat(f"2026-03-04T{at}:00Z")
        assert await rest.database.write(lambda t: snoozes.send_due(t, rest.now)) == 1
        assert await messages(editor) == [*sent, "Organic Milk expires in 7 days"]


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
