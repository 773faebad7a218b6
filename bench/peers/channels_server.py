"""A consumer written as in Channels' tutorial: a group per user, the token verified with PyJWT.

The channel layer is Redis' publish and subscribe, on a Redis of its own without persistence. Of the
three layers in its documentation it costs the least here; the one in memory searches all its
channels at each message.
"""

import asyncio
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from daphne.server import Server  # isort: skip - it selects Twisted's reactor
import django
import jwt
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

from bench.peers.control import message, obey, report, users

PORT, USERS_FILE, KEY, FOLDER = sys.argv[1:]
REDIS = f"{FOLDER}/redis.sock"
settings.configure(
    SECRET_KEY=KEY,
    INSTALLED_APPS=["channels"],
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [{"address": f"unix://{REDIS}", "max_connections": 5000}]},
        }
    },
)
django.setup()


class Notifications(AsyncWebsocketConsumer):  # type: ignore[misc]
    """A connection."""

    group = ""

    async def connect(self) -> None:
        """Verify the token and join the user's group."""
        query = parse_qs(self.scope["query_string"].decode())
        try:
            claims = jwt.decode(query["access_token"][0], KEY, algorithms=["HS256"])
        except (KeyError, jwt.PyJWTError):
            await self.close(1008)
            return
        self.group = f"user.{claims['sub']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        established = {
            "type": "CONNECTION_ESTABLISHED",
            "message": "Notification WebSocket connected",
            "userId": claims["sub"],
        }
        await self.send(text_data=json.dumps(established, separators=(",", ":")))

    async def disconnect(self, code: int) -> None:  # noqa: ARG002 - Channels' signature
        """Leave the group."""
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:  # noqa: ARG002
        """Answer the contract's ping."""
        if text_data == "PING":
            await self.send(text_data='{"type":"pong"}')

    async def notification(self, event: dict[str, Any]) -> None:
        """Send a message of the group."""
        await self.send(text_data=json.dumps(event["content"], separators=(",", ":")))


class Post(AsyncHttpConsumer):  # type: ignore[misc]
    """Sends what is posted to the group of the token's user."""

    async def handle(self, body: bytes) -> None:
        """Answer one request."""
        headers = dict(self.scope["headers"])
        try:
            token = headers[b"authorization"].decode().removeprefix("Bearer ")
            user = jwt.decode(token, KEY, algorithms=["HS256"])["sub"]
        except (KeyError, jwt.PyJWTError):
            await self.send_response(401, b"")
            return
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        posted = {"id": str(uuid.uuid4()), **json.loads(body), "created_at": now}
        await self.channel_layer.group_send(
            f"user.{user}", {"type": "notification", "content": posted}
        )
        answer = json.dumps(posted).encode()
        length = str(len(answer)).encode()
        await self.send_response(201, answer, headers=[(b"Content-Length", length)])


async def push(some: Sequence[str], stamp: int) -> None:
    """Send a notification to each user's group."""
    layer = get_channel_layer()
    for user in some:
        await layer.group_send(f"user.{user}", {"type": "notification", "content": message(stamp)})


async def ready() -> None:
    """Carry out the harness's orders; Twisted's reactor ends after the last one."""
    report("ready")
    await obey(users(USERS_FILE), push)
    import_module("twisted.internet.reactor").stop()


def redis() -> subprocess.Popen[bytes]:
    """Run a Redis for this process alone."""
    options = ["--port", "0", "--unixsocket", REDIS, "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(  # noqa: S603 - our own command line
        ["redis-server", *options],  # noqa: S607 - its path depends on the system
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    while not Path(REDIS).exists():
        process.poll()
        if process.returncode is not None:
            raise RuntimeError("redis-server did not start")
        time.sleep(0.01)
    return process


if __name__ == "__main__":
    beside = redis()
    tasks = []
    try:
        Server(
            ProtocolTypeRouter(
                {
                    "websocket": URLRouter([path("ws", Notifications.as_asgi())]),
                    "http": URLRouter([path("notifications", Post.as_asgi())]),
                }
            ),
            endpoints=[f"tcp:port={PORT}:interface=127.0.0.1:backlog=2048"],
            ready_callable=lambda: tasks.append(asyncio.get_event_loop().create_task(ready())),
        ).run()
    finally:
        beside.kill()
        beside.wait()
