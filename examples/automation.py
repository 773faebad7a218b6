"""Makes service calls of notifications, as a house's automation wants them.

The calls are those of Home Assistant (https://developers.home-assistant.io/docs/api/rest/); any
webhook is called the same way. A notification is marked read when its calls were taken. If one was
not, the program ends, and what it was busy with comes again at the next start: let the system start
it again (systemd: Restart=always). One that was read elsewhere before it came calls nothing.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import httpx

from useby.client import Api, Notification, Notifications

URL = os.environ.get("USEBY_URL", "http://127.0.0.1:8000")
HOUSE = os.environ.get("HASS_URL", "http://homeassistant.local:8123")

Rule = tuple[Callable[[Notification], bool], str, Callable[[Notification], dict[str, Any]]]
RULES: list[Rule] = [
    # when                                  the service          what it is given
    (lambda told: told.type != "info", "notify/notify", lambda told: {"message": told.message}),
    (
        lambda told: told.days_left == 0,
        "light/turn_on",
        lambda _: {"entity_id": "light.fridge", "color_name": "red"},
    ),
    (
        lambda told: told.event == "expired",
        "shopping_list/add_item",
        lambda told: {"name": told.product_name},
    ),
]


async def main() -> None:
    """Follow one person's notifications for good."""
    token = {"Authorization": f"Bearer {os.environ['HASS_TOKEN']}"}
    async with Api(URL) as api, httpx.AsyncClient(base_url=HOUSE, headers=token) as house:
        await api.sign_in(os.environ["USEBY_EMAIL"], os.environ["USEBY_PASSWORD"])
        async with Notifications(URL, token=api.token) as notifications:
            async for told in notifications:
                for applies, service, data in RULES:
                    if told.read_at is None and applies(told):
                        answer = await house.post(f"/api/services/{service}", json=data(told))
                        answer.raise_for_status()
                await told.mark_read()


asyncio.run(main())
