"""Turn notifications into service calls for home automation.

The calls are those of Home Assistant (https://developers.home-assistant.io/docs/api/rest/); any
webhook is called the same way. A notification is marked read once its calls succeeded. If a call
fails, the program ends, and the next start receives the notification again: let the system restart
it (systemd: Restart=always). A notification that was read elsewhere before causes no call.

It reads these variables:

    USEBY_URL       address of the node; by default http://127.0.0.1:8000
    USEBY_EMAIL     e-mail of the account
    USEBY_PASSWORD  its password
    HASS_URL        address of Home Assistant; by default http://homeassistant.local:8123
    HASS_TOKEN      a long-lived access token of Home Assistant
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
    # condition                             service              data
    (lambda n: n.type != "info", "notify/notify", lambda n: {"message": n.message}),
    (
        lambda n: n.days_left == 0,
        "light/turn_on",
        lambda _: {"entity_id": "light.fridge", "color_name": "red"},
    ),
    (
        lambda n: n.event == "expired",
        "shopping_list/add_item",
        lambda n: {"name": n.product_name},
    ),
]


async def main() -> None:
    """Process the notifications of one user until an error."""
    token = {"Authorization": f"Bearer {os.environ['HASS_TOKEN']}"}
    async with Api(URL) as api, httpx.AsyncClient(base_url=HOUSE, headers=token) as house:
        await api.sign_in(os.environ["USEBY_EMAIL"], os.environ["USEBY_PASSWORD"])
        async with Notifications(URL, token=api.token) as notifications:
            async for notification in notifications:
                for applies, service, data in RULES:
                    if notification.read_at is None and applies(notification):
                        answer = await house.post(
                            f"/api/services/{service}", json=data(notification)
                        )
                        answer.raise_for_status()
                await notification.mark_read()


asyncio.run(main())
