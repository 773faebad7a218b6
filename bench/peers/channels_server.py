"""A consumer as Channels' tutorial has it: a group for each user, the token verified with PyJWT."""

import asyncio
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

from daphne.server import Server  # isort: skip - it chooses Twisted's reactor
import django
import jwt
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

from bench.peers.control import message, obey, say, users

PORT, USERS_FILE, KEY = sys.argv[1:]
settings.configure(
    SECRET_KEY=KEY,
    INSTALLED_APPS=["channels"],
    # The layer drops what is beyond its capacity (100 by default); none is to be lost here.
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels.layers.InMemoryChannelLayer",
            "CONFIG": {"capacity": 100_000},
        }
    },
)
django.setup()


class Notifications(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One connection."""

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
        """Send what the group was told."""
        await self.send(text_data=json.dumps(event["content"], separators=(",", ":")))


async def push(some: Sequence[str], stamp: int) -> None:
    """Tell each user's group."""
    layer = get_channel_layer()
    for user in some:
        await layer.group_send(f"user.{user}", {"type": "notification", "content": message(stamp)})


async def told() -> None:
    """Listen to the harness; Twisted's reactor ends when it has no more to say."""
    say("ready")
    await obey(users(USERS_FILE), push)
    import_module("twisted.internet.reactor").stop()


_tasks = []

Server(
    ProtocolTypeRouter({"websocket": URLRouter([path("ws", Notifications.as_asgi())])}),
    endpoints=[f"tcp:port={PORT}:interface=127.0.0.1:backlog=2048"],
    ready_callable=lambda: _tasks.append(asyncio.get_event_loop().create_task(told())),
).run()
