"""The client as a type checker sees it: ``make lint`` reads this, nothing runs it.

Every ``type: ignore`` stands at a mistake that has to be found; one that is not needed is an error.
"""

from datetime import date
from decimal import Decimal

from useby.client import Api, NewNotification, NewProduct, Notifications


async def right(api: Api, notifications: Notifications) -> None:
    milk = await api.add_product("Milk", date(2026, 3, 4), quantity=Decimal("1.5"), unit="l")
    product: NewProduct = {"name": "Tea", "expiry_date": "2030-01-01", "lead_days": [3, 1]}
    answer: NewNotification = {"message": "Tea is ready", "type": "warning"}
    await api.add_products([product])
    await api.notify_many([answer])
    await api.change_product(milk.id, name="Oat milk", lead_days=None)
    await api.consume(milk.id, 0.5)
    await api.lots.add(milk.id, printed_date=None, price="1.29", if_match=milk.etag)
    days: list[date] = [each.received_on for each in milk.lots or ()]
    days += (await api.stock.read_date("tomorrow")).readings
    await api.change_me(
        lead_days=[3], categories={"Dairy": {"lead_days": [2]}}, flood_cap=9, language="pl"
    )
    await api.change_me(quiet_hours=[{"days": ["mon"], "from": "22:00", "until": "07:00"}])
    await api.change_me(digest={"every": "week", "weekday": "sat"}, urgent_passes_quiet_hours=True)
    await api.policies.put("category", "Dairy", leads=["3d"], repeat={"every": "P3D", "most": 4})
    names: list[str] = [each.name async for each in api.products(status="fresh", sort="-name")]
    async for notification in notifications:
        names.append(notification.product_name)
    async for events in api.notifications(unread=True, type="error", since="…"):
        await events.mark_read()


async def wrong(api: Api, notifications: Notifications) -> None:
    await api.add_product("Milk", date(2026, 3, 4), quantitiy=1)  # type: ignore[call-arg]
    await api.add_product("Milk", 20260304)  # type: ignore[arg-type]
    await api.add_products([{"expiry_date": "2030-01-01"}])  # type: ignore[typeddict-item]
    await api.change_product("…", expires="2030-01-01")  # type: ignore[call-arg]
    await api.change_me(timezone="UTC")  # type: ignore[call-arg]
    await api.consume("…", [1])  # type: ignore[arg-type]
    await api.change_product("…", serial="S-1")  # type: ignore[call-arg]
    await api.put_product("…", external_id="…")  # type: ignore[misc]
    await api.lots.change("…", printed="2030-01-01")  # type: ignore[call-arg]
    await api.lots.discard("…", reason="old")  # type: ignore[arg-type]
    await api.policies.put("shelf", "top")  # type: ignore[arg-type]
    await api.policies.put("account", lead=["3d"])  # type: ignore[call-arg]
    await api.stock.export("xml")  # type: ignore[arg-type]
    api.products(expiring=7)  # type: ignore[call-arg]
    api.products(sort="names")  # type: ignore[arg-type]
    api.notifications(kind="error")  # type: ignore[call-arg]
    await api.notify("Tea is ready", type="grave")  # type: ignore[arg-type]
    await notifications.mark_read(7)  # type: ignore[arg-type]
