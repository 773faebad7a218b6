"""Every action on lots, policies and keys, as a test of all routes calls them."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.support.in_process_node import InProcessNode
from tests.support.process_node import until

from useby.actions.api_keys import create_service_key


async def every_action_on_policies(call: Callable[..., Awaitable[Any]]) -> None:
    tea = await call("addProduct", {"name": "Tea", "leadDays": [3], "expiryDate": "2026-05-01"})
    for own in ("Product", "Lot"):
        ids = {"product_id": tea["id"]}
        if own == "Lot":
            (lot,) = (await call("listLots", **ids))["items"]
            ids = {"lot_id": lot["id"]}
        await call(f"put{own}Policy", {"muted": True}, **ids)
        await call("listPolicies")
        await call(f"delete{own}Policy", **ids)
    named = {"scope": "category", "key": "Dairy"}
    await call("putPolicy", {"leads": ["24h"]}, **named)
    await call("deletePolicy", **named)
    await call("putAccountPolicy", {"repeat": {"every": "P3D", "most": 4}})
    await call("deleteAccountPolicy")
    await call("putHouseholdPolicy", {"leads": ["5d"]})
    await call("deleteHouseholdPolicy")
    sent = (await call("listNotifications", limit="50"))["items"]
    for event in ("expired", "summary"):
        (notification, *_) = [each for each in sent if each["event"] == event]
        await call("listAlertReasons", notification_id=notification["id"])


async def every_action_on_lots(call: Callable[..., Awaitable[Any]], product_id: str) -> None:
    lot = await call("addLot", {"quantity": "5", "location": "Cellar"}, product_id=product_id)
    page = await call("listOpenLots", limit="1")
    await call("listOpenLots", limit="1", cursor=page["nextCursor"])
    for urgency in ("today", "never"):
        await call("listOpenLots", urgency=urgency)
    await call("countOpenLots")
    await call("countOpenLotsByWeek", weeks="2")
    await call("listProducts", include="lots", location="CELLAR", dateKind="use_by")
    for quantity in ("1", "2"):
        await call("putProduct", {"name": "Tea", "quantity": quantity}, external_id="tea")
    await call("getProduct", product_id=product_id, include="lots")
    await call("getLot", lot_id=lot["id"])
    await call("changeLot", {"printedDate": "2090-01-01", "quantity": "6"}, lot_id=lot["id"])
    await call("moveLot", {"location": "Fridge"}, lot_id=lot["id"])
    split = await call("freezeLot", {"quantity": "1"}, lot_id=lot["id"])
    await call("thawLot", {}, lot_id=split["part"]["id"])
    await call("openLot", {}, lot_id=lot["id"])
    await call("consumeLot", {"quantity": "1"}, lot_id=lot["id"])
    thrown = await call("discardLot", {}, lot_id=lot["id"])
    await call("undoMovement", movement_id=thrown["movements"][0]["id"])
    page = await call("listProductMovements", product_id=product_id, limit="1")
    cursor = page["nextCursor"]
    await call("listProductMovements", product_id=product_id, limit="1", cursor=cursor)
    page = await call("listMovements", limit="1", since="2020-01-01")
    newest = page["items"][0]["id"]
    await call("listMovements", limit="1", cursor=page["nextCursor"], since=newest)
    for _ in range(2):
        closed = await call("addLot", {}, product_id=product_id)
        await call("consumeLot", {}, lot_id=closed["id"])
    for limit in ("1", "3"):
        page = await call("listLots", product_id=product_id, limit=limit)
        await call("listLots", product_id=product_id, cursor=page["nextCursor"])
    await call("deleteLot", lot_id=lot["id"])


async def every_action_on_channels(call: Callable[..., Awaitable[Any]]) -> None:
    hook = {"kind": "webhook", "name": "Hook", "url": "https://localhost:1/"}
    channel = await call("addChannel", hook)
    await call("postNotification", {"message": "for the channel"})
    ids = {"channel_id": channel["id"]}

    async def attempted() -> Any:
        (delivery,) = (await call("listDeliveries", **ids))["items"]
        return delivery["attempts"]

    await until(attempted)
    await call("listChannels")
    await call("getChannel", **ids)
    await call("changeChannel", {"name": "Other"}, **ids)
    await call("testChannel", **ids)
    await call("deleteChannel", **ids)


async def every_action_of_keys(
    call: Callable[..., Awaitable[Any]], headers: dict[str, str]
) -> None:
    key = await call("addKey", {"name": "cron", "scopes": ["notify"]})
    own, headers["Authorization"] = headers["Authorization"], f"Bearer {key['key']}"
    await call("postNotification", {"message": "by a key"})
    headers["Authorization"] = own

    async def is_used() -> bool:
        return (await call("listKeys"))["items"][0]["lastUsedOn"] is not None

    await until(is_used)
    await call("deleteKey", key_id=key["id"])


async def every_action_of_services(
    node: InProcessNode, call: Callable[..., Awaitable[Any]], headers: dict[str, str]
) -> None:
    me = await call("getMe")
    _, key = await node.node.database.write(
        lambda t: create_service_key(t, name="shop", expires_at=None, now=node.wall())
    )
    own, headers["Authorization"] = headers["Authorization"], f"Bearer {key}"
    for _ in range(2):
        await call("postToUser", {"message": "by a service"}, user_id=me["id"], key="s1")
    to = [{"message": "m", "userId": me["id"]}, {"message": "m", "email": me["email"]}]
    await call("postNotifications", {"items": to})
    headers["Authorization"] = own


async def every_action_on_households(
    call: Callable[..., Awaitable[Any]], headers: dict[str, str]
) -> None:
    host, me = headers["Authorization"], await call("getMe")
    ids = {"household_id": me["id"]}
    await call("getHousehold", **ids)
    await call("changeHousehold", {"name": "Kitchen", "timeZone": "Europe/Berlin"}, **ids)
    person = {"email": "guest@useby.example", "password": "a long enough password"}
    await call("signup", person)
    guest = f"Bearer {(await call('login', person))['accessToken']}"
    for role in ("kiosk", "owner"):
        headers["Authorization"] = host
        revoked = await call("addInvitation", {"role": role}, **ids)
        await call("listInvitations", **ids)
        await call("revokeInvitation", invitation_id=revoked["id"], **ids)
        token = (await call("addInvitation", {"role": role}, **ids))["token"]
        await call("readInvitation", token=token)
        headers["Authorization"] = guest
        await call("joinHousehold", token=token)
        await call("listHouseholds")
        await call("listMembers", **ids)
        guest_id = (await call("getMe"))["id"]
        await call("getMember", user_id=guest_id, **ids)
        if role == "owner":
            await stock_of_a_household(call, me["id"])
            break
        headers["Authorization"] = host
        await call("changeMember", {"role": "viewer"}, user_id=guest_id, **ids)
        headers["Authorization"] = guest
        await call("removeMember", user_id=guest_id, **ids)
    await call("deleteHousehold", **ids)
    await call("deleteMe", {"password": person["password"]})
    headers["Authorization"] = host


async def stock_of_a_household(call: Callable[..., Awaitable[Any]], household: str) -> None:
    milk = {"name": "Milk", "expiryDate": "2090-01-01", "quantity": "3"}
    added = await call("addProduct", milk, household=household, key="shared")
    one = {"product_id": added["id"], "household": household}
    done = await call("consumeProduct", {"quantity": "1"}, **one)
    undone = {"movement_id": done["movements"][0]["id"], "household": household}
    await call("undoMovement", **undone)
    await call("listProducts", household=household, include="lots")
    await call("importProducts", [milk | {"name": "Tea"}], household=household)
    await call("putHouseholdPolicy", {"leads": ["3d"]}, household=household)
    await call("deleteHouseholdPolicy", household=household)
    await call("addCalendar", household=household)
    await call("listCalendars", household=household)
    await call("deleteProduct", **one)
