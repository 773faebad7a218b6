"""Section 9: policies of the members of a household, and its default.

covers: useby.store.member_policies
"""

from http import HTTPStatus
from typing import Any

import icalendar
from tests.support.alert_times import pass_until, send_now
from tests.support.household_alerts import ROLES, editor_of, pair, policies_of, set_me
from tests.support.policies_over_rest import alerts_of, lot_of, put, times_of
from tests.support.rest_app import Rest, added, messages
from tests.support.shared_households import HEADER, Shared, a_household, give_away

from useby.domain.household import Role

__all__ = ["pair"]


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


async def test_a_members_policy_of_a_lot_is_that_of_a_later_part_and_ends_with_the_lot(
    rest: Rest, pair: Shared
) -> None:
    editor, founder = editor_of(pair), pair.owner
    milk = await added(founder, expiryDate="2026-03-20", quantity="3")
    lot = await lot_of(founder, milk)
    await put(editor, f"lot/{lot}", leads=["5d"], onExpiry=False)

    async def moved() -> tuple[str, str]:
        """Move a third to the cellar; return the part and the movement."""
        body = {"quantity": "1", "location": "Cellar"}
        answer = await founder.post(f"/api/lots/{lot}/move", json=body)
        assert answer.status_code == HTTPStatus.OK, answer.text
        return answer.json()["part"]["id"], answer.json()["movements"][0]["id"]

    part, movement = await moved()
    assert [(each["lotId"], each["lead"]) for each in await alerts_of(editor, milk)] in (
        [(lot, "5d"), (part, "5d")],
        [(part, "5d"), (lot, "5d")],
    )
    assert await policies_of(editor) == [("lot", lot), ("lot", part)]
    assert await policies_of(founder) == []
    assert (await founder.post(f"/api/movements/{movement}/undo")).status_code == HTTPStatus.OK
    assert await policies_of(editor) == [("lot", lot)]
    part, _ = await moved()
    assert (await founder.delete(f"/api/lots/{lot}")).status_code == HTTPStatus.NO_CONTENT
    assert await policies_of(editor) == [("lot", part)]


async def test_the_founders_policy_of_a_product_is_neither_shown_to_others_nor_changed_by_them(
    rest: Rest, pair: Shared
) -> None:
    editor, founder = editor_of(pair), pair.owner
    milk = await added(founder, expiryDate="2026-03-20")
    url = f"/api/products/{milk['id']}"
    await put(founder, f"product/{milk['id']}", leads=["3d"])

    async def seen() -> list[tuple[list[int] | None, str]]:
        return [
            (
                (await client.get(url)).json()["leadDays"],
                (await alerts_of(client, milk))[0]["lead"],
            )
            for client in (founder, editor)
        ]

    assert await seen() == [([3], "3d"), (None, "7d")]
    (listed,) = (await editor.get("/api/products")).json()["items"]
    assert listed["leadDays"] is None
    for days, everybodys, first in (
        (None, [3], "7d"),  # what the editor saw
        ([5], [5], "5d"),
        ([3], [3], "3d"),
        (None, [3], "7d"),
    ):
        answer = await editor.patch(url, json={"notes": f"{days}", "leadDays": days})
        assert answer.json()["leadDays"] == days
        assert await seen() == [(everybodys, "3d"), (days, first)]


async def test_leads_of_a_file_or_of_a_product_that_comes_again_leave_the_founders_policy(
    rest: Rest, pair: Shared
) -> None:
    """As those of a change do."""
    editor, founder = editor_of(pair), pair.owner
    milk = await added(founder, expiryDate="2026-03-20", externalId="milk")
    await put(founder, f"product/{milk['id']}", leads=["3d"], repeat={"every": "P1D", "most": 1})

    async def leads() -> list[list[str]]:
        return [[lead for lead, _ in await times_of(each, milk)] for each in (founder, editor)]

    own, builtin = ["3d", "expiry", "repeat"], ["7d", "2d", "0d", "expiry"]
    assert await leads() == [own, builtin]
    row = {"name": "Organic Milk", "externalId": "milk", "expiryDate": "2026-03-20"}
    for days, changed, everybodys in (
        (None, 0, builtin),  # what the editor sees
        ([5], 1, ["5d", "expiry"]),
        ([5], 0, ["5d", "expiry"]),
        (None, 0, ["5d", "expiry"]),  # an empty cell changes nothing
    ):
        for dry_run in ("true", "false"):
            answer = await editor.post(
                "/api/import", json=[row | {"leadDays": days}], params={"dryRun": dry_run}
            )
            assert (answer.json()["changed"], answer.json()["unchanged"]) == (changed, 1 - changed)
        assert await leads() == [own, everybodys]
    await editor.post(f"/api/products/{milk['id']}/consume", json={})
    again = {"leadDays": [4], "expiryDate": "2026-03-21"}
    answer = await editor.put("/api/products/by-external-id/milk", json=again)
    assert answer.status_code == HTTPStatus.OK, answer.text
    assert await leads() == [own, ["4d", "expiry"]]


async def test_a_used_up_product_that_comes_again_in_a_batch_keeps_its_founders_policy(
    rest: Rest, pair: Shared
) -> None:
    editor, founder = editor_of(pair), pair.owner
    milk = await added(founder, expiryDate="2026-03-20", externalId="milk")
    await put(founder, f"product/{milk['id']}", leads=["3d"], repeat={"every": "P1D", "most": 1})
    own, builtin = ["3d", "expiry", "repeat"], ["7d", "2d", "0d", "expiry"]
    row = {"name": "Organic Milk", "externalId": "milk"}
    for day, (client, given, editors) in enumerate(
        (
            (founder, {}, builtin),
            (editor, {}, builtin),
            (editor, {"leadDays": [4]}, ["4d", "expiry"]),
            (editor, {}, ["4d", "expiry"]),
            (founder, {}, ["4d", "expiry"]),
        ),
        21,
    ):
        await client.post(f"/api/products/{milk['id']}/consume", json={})
        items = [row | given | {"expiryDate": f"2026-03-{day}"}]
        answer = await client.post("/api/products/batch", json={"items": items})
        (result,) = answer.json()["results"]
        assert result["status"] == HTTPStatus.CREATED, result
        assert [lead for lead, _ in await times_of(founder, milk)] == own
        assert [lead for lead, _ in await times_of(editor, milk)] == editors


async def test_leads_that_are_given_with_a_product_count_for_others_beside_the_founders_policy(
    rest: Rest, pair: Shared
) -> None:
    milk = await added(pair.owner, expiryDate="2026-03-20", leadDays=[5])
    await put(pair.owner, f"product/{milk['id']}", leads=["3d"])
    assert (await alerts_of(pair.owner, milk))[0]["lead"] == "3d"
    assert (await alerts_of(editor_of(pair), milk))[0]["lead"] == "5d"


async def test_a_founders_own_policy_of_a_product_leaves_the_leads_that_count_for_all(
    rest: Rest, pair: Shared
) -> None:
    editor, founder = editor_of(pair), pair.owner
    milk = await added(founder, expiryDate="2026-03-20", leadDays=[5])
    policy, for_all = f"product/{milk['id']}", ["5d", "expiry"]

    async def leads() -> list[list[str]]:
        return [[lead for lead, _ in await times_of(each, milk)] for each in (founder, editor)]

    assert await leads() == [for_all, for_all]
    changes: list[tuple[dict[str, Any], list[str]]] = [
        ({"onExpiry": False}, ["5d"]),
        ({"muted": True}, []),
        ({"leads": ["3d"]}, ["3d", "expiry"]),
        ({"leads": ["5d"], "onExpiry": False}, ["5d"]),
    ]
    for fields, own in changes:
        await put(founder, policy, **fields)
        assert await leads() == [own, for_all]
        (listed,) = (await founder.get("/api/policies")).json()["items"]
        assert listed["leads"] == fields.get("leads")
    assert (await founder.delete(f"/api/policies/{policy}")).status_code == 204
    assert await leads() == [for_all, for_all]
    assert await policies_of(founder) == []


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


async def test_a_former_founder_does_not_learn_which_products_and_lots_there_are(
    rest: Rest, pair: Shared
) -> None:
    milk = await added(pair.owner)
    lot = await lot_of(pair.owner, milk)
    await give_away(pair)
    for scope, there in (("product", milk["id"]), ("lot", lot)):
        answers = [
            await pair.owner.put(f"/api/policies/{scope}/{key}", json={"muted": True})
            for key in (there, "01a20b6e-0000-7000-8000-000000000000")
        ]
        details = {(each.status_code, each.json()["detail"]) for each in answers}
        assert details == {(HTTPStatus.NOT_FOUND, f"There is no such {scope}.")}


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


async def test_the_status_follows_the_households_default_where_its_founder_sets_nothing(
    rest: Rest, pair: Shared
) -> None:
    milk = await added(pair.owner, expiryDate="2026-03-20")

    async def status() -> tuple[str, int]:
        """The status of the product, and the number of those that expire soon."""
        listed = await editor_of(pair).get("/api/products", params={"status": "expiring"})
        shown = await editor_of(pair).get(f"/api/products/{milk['id']}")
        return shown.json()["status"], len(listed.json()["items"])

    for policy, leads, after in (
        ("household", ["30d"], ("expiring", 1)),
        ("account", ["3d"], ("fresh", 0)),
    ):
        await put(pair.owner, policy, leads=leads)
        await send_now(rest)
        assert await status() == after


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


async def test_a_calendar_has_alarms_at_the_leads_of_the_member_who_has_it(
    rest: Rest, pair: Shared
) -> None:
    editor, founder = editor_of(pair), pair.owner
    milk = await added(founder, expiryDate="2026-06-01")
    lot = await lot_of(founder, milk)
    urls = [(await each.post("/api/calendars")).json()["url"] for each in (founder, editor)]

    async def shown() -> list[tuple[list[int], int]]:
        """Days of the leads in each calendar, and the sequence of its event."""
        found = []
        for url in urls:
            answer = await rest.client().get(url)
            event: Any
            (event,) = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
            leads = [-each["TRIGGER"].dt.days for each in event.walk("VALARM")]
            found.append((leads, int(event["SEQUENCE"])))
        return found

    seen = [await shown()]
    await put(editor, "household", leads=["12d"])
    seen.append(await shown())
    await put(editor, f"product/{milk['id']}", leads=["5d"])
    await put(founder, f"product/{milk['id']}", leads=["4d"])
    seen.append(await shown())
    await put(editor, f"lot/{lot}", leads=["3d"])
    seen.append(await shown())
    of_founder, of_editor = ([each[place] for each in seen] for place in (0, 1))
    assert [leads for leads, _ in of_founder] == [[7, 2, 0], [12], [4], [4]]
    assert [leads for leads, _ in of_editor] == [[7, 2, 0], [12], [5], [3]]
    for theirs in (of_founder[:3], of_editor):
        sequences = [sequence for _, sequence in theirs]
        assert sequences == sorted(set(sequences))
