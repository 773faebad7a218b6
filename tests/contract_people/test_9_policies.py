"""Section 9: policies of the members of a household, and its default.

covers: useby.store.member_policies
"""

from http import HTTPStatus

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


async def test_leads_that_are_given_with_a_product_count_for_others_beside_the_founders_policy(
    rest: Rest, pair: Shared
) -> None:
    milk = await added(pair.owner, expiryDate="2026-03-20", leadDays=[5])
    await put(pair.owner, f"product/{milk['id']}", leads=["3d"])
    assert (await alerts_of(pair.owner, milk))[0]["lead"] == "3d"
    assert (await alerts_of(editor_of(pair), milk))[0]["lead"] == "5d"


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
