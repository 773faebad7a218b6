"""Every action of the REST API, as a test of all routes calls them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from tests.support.in_process_node import InProcessNode
from tests.support.process_node import until
from tests.support.time_limits import HANG_TIMEOUT
from websockets.asyncio.client import ClientConnection

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


async def every_action_on_notifications(
    node: InProcessNode, call: Callable[..., Awaitable[Any]], client: ClientConnection, token: str
) -> None:
    received = await call("postNotification", {"message": "one"}, key="k1")
    await call("postNotification", {"message": "one"}, key="k1")
    await call("postNotification", {"message": "two"})
    many = {"items": [{"message": f"m{number}"} for number in range(3)]}
    await call("postNotifications", many)
    await client.send(json.dumps({"action": "mark_read", "id": received["id"]}))
    await client.send("PING")
    async with asyncio.timeout(HANG_TIMEOUT):
        while json.loads(await client.recv())["type"] != "pong":
            pass
    for status in ("true", "false"):
        await call("listNotifications", unread=status, type="info", limit="2")
    page = await call("listNotifications", since=received["id"], limit="1")
    await call("listNotifications", cursor=page["nextCursor"], since=received["id"])
    await call("countUnread")
    await call("markRead", notification_id=page["items"][0]["id"])
    await call("deleteNotification", notification_id=received["id"])
    async with node.connected(token):  # something is left to be replayed
        pass
    await client.send(json.dumps({"action": "mark_all_read"}))
    await call("markAllRead")


async def every_action_on_products(call: Callable[..., Awaitable[Any]]) -> None:
    milk = {"name": "Milk", "expiryDate": "2020-01-01", "externalId": "m", "quantity": "3"}
    product = await call("addProduct", milk)
    fresh = {"name": "Salt", "expiryDate": "2090-01-01"}
    await call("addProducts", {"items": [milk, fresh, fresh]})
    await call("importProducts", [milk, fresh])
    await call("exportStock")
    await every_action_on_a_flood(call, milk)
    page = await call("listProducts", q="a", sort="name", limit="1")
    await call("listProducts", q="a", sort="name", limit="1", cursor=page["nextCursor"])
    for status in ("fresh", "expiring", "expired", "consumed"):
        await call("listProducts", status=status)
    await call("listProducts", barcode="4012345678901")
    for by in ("category", "location", "product", "week", "month"):
        await call("getStats", by=by, to="2030-01-01")
    await call("listLocations")
    await call("listCategories")
    await call("scan", {"data": "4012345678901"})
    await call("getProduct", product_id=product["id"])
    await call("listAlerts", product_id=product["id"])
    await call("changeProduct", {"name": "Oat Milk"}, product_id=product["id"])
    await call("consumeProduct", {"quantity": "1"}, product_id=product["id"])
    await call("discardProduct", {}, product_id=product["id"])
    await call("reopenProduct", {}, product_id=product["id"])
    await every_action_on_lots(call, product["id"])
    await call("deleteProduct", product_id=product["id"])
    await call("addSamples")
    await call("removeSamples")


async def every_action_on_a_flood(
    call: Callable[..., Awaitable[Any]], milk: dict[str, str]
) -> None:
    async def is_notified() -> bool:
        found = await call("listNotifications", limit="9")
        return any(each.get("productName") == "Milk" for each in found["items"])

    await until(is_notified)
    await call("changeMe", {"floodCap": 1})
    await call("addProducts", {"items": [milk | {"externalId": f"m{n}"} for n in range(3)]})

    async def summary() -> Any:
        found = await call("listNotifications", limit="9")
        return [each for each in found["items"] if each["event"] == "summary"]

    await until(summary)
    (flood,) = await summary()
    await call("listNotificationItems", notification_id=flood["id"])
    await call("snoozeNotification", {"for": "PT2H"}, notification_id=flood["id"])


async def every_action_on_calendars(call: Callable[..., Awaitable[Any]]) -> None:
    calendar = await call("addCalendar")
    secret = calendar["url"].rsplit("/", 1)[1].removesuffix(".ics")
    await call("readCalendar", secret=secret)
    await call("listCalendars")
    await call("deleteCalendar", calendar_id=calendar["id"])


async def every_action_on_the_account(
    call: Callable[..., Awaitable[Any]], person: dict[str, str]
) -> None:
    await call("login", person)
    page = await call("listSessions", limit="1")
    await call("listSessions", limit="1", cursor=page["nextCursor"])
    await call("getMe")
    await call("changeMe", {"name": "Ada", "timeZone": "Europe/Berlin", "leadDays": [3, 1]})
    change = {"password": "another long password", "currentPassword": person["password"]}
    await call("changeMe", change)
    person["password"] = change["password"]


async def every_way_to_leave(
    call: Callable[..., Awaitable[Any]], person: dict[str, str], headers: dict[str, str]
) -> None:
    await call("endCookie")
    tokens = await call("login", person)
    headers["Authorization"] = f"Bearer {tokens['accessToken']}"
    (own,) = [each for each in (await call("listSessions"))["items"] if each["current"]]
    await call("endSession", session_id=own["id"])
    for leave in ("logout", "logoutAll", "deleteMe"):
        tokens = await call("login", person)
        headers["Authorization"] = f"Bearer {tokens['accessToken']}"
        given = {"refreshToken": tokens["refreshToken"]}
        await call(
            leave, {"logout": given, "deleteMe": {"password": person["password"]}}.get(leave)
        )


async def every_action_by_a_link(
    call: Callable[..., Awaitable[Any]], email: str, token: str
) -> None:
    await call("acceptInvitation", {"invitation": token, "password": "long enough"}, ok=403)
    await call("forgotPassword", {"email": email}, ok=403)  # the node sends no mail
    await call("resetPassword", {"token": token, "password": "long enough"}, ok=403)
