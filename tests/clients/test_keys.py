"""Both client libraries take a key wherever they take a token."""

import asyncio
from pathlib import Path
from typing import Final

import httpx
from tests.support.api_keys import a_key
from tests.support.in_process_node import InProcessNode
from tests.support.node_fixtures import house, start, wall
from tests.support.time_limits import HANG_TIMEOUT

from useby.client import Api, Notifications

__all__ = ["house", "start", "wall"]

PACKAGE: Final = Path(__file__).parents[2] / "clients" / "js"
SCRIPT: Final = """
import { WebSocket } from "ws";
import { Notifications } from "./client.js";

const [url, token] = process.argv.slice(1);
const notifications = new Notifications(url, { token, WebSocket });
for await (const notification of notifications) {
  console.log(notification.message);
  notification.markRead();
  await notifications.flush();
  break;
}
await notifications.close();
"""


async def keys_of(house: InProcessNode) -> tuple[str, str]:
    """A key that posts and one that listens."""
    headers = {"Authorization": f"Bearer {await house.token(await house.add_user())}"}
    async with httpx.AsyncClient(
        base_url=house.node.url, headers=headers, trust_env=False, timeout=HANG_TIMEOUT
    ) as person:
        post, listen = [await a_key(person, scope) for scope in ("notify", "listen")]
    return post["key"], listen["key"]


async def test_the_python_client_posts_and_listens_with_keys(house: InProcessNode) -> None:
    post, listen = await keys_of(house)
    async with Api(house.node.url, token=post) as api:
        await api.notify("by a key")
    async with (
        asyncio.timeout(HANG_TIMEOUT),
        Notifications(house.node.url, token=listen) as notifications,
    ):
        async for notification in notifications:
            assert notification.message == "by a key"
            await notification.mark_read()
            await notifications.flush()
            break


async def test_the_javascript_client_listens_with_a_key(house: InProcessNode) -> None:
    post, listen = await keys_of(house)
    async with Api(house.node.url, token=post) as api:
        await api.notify("by a key")
        process = await asyncio.create_subprocess_exec(
            *("node", "--input-type=module", "--eval", SCRIPT, house.node.url, listen),
            cwd=PACKAGE,
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(HANG_TIMEOUT):
            printed, _ = await process.communicate()
    assert (process.returncode, printed.decode()) == (0, "by a key\n")
    answer = await asyncio.to_thread(
        httpx.get,
        f"{house.node.url}/api/notifications/unread-count",
        headers={"Authorization": f"Bearer {listen}"},
        trust_env=False,
    )
    assert answer.json() == {"unread": 0}
