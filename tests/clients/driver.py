"""Plays many clients of the Python library at once, as the head of ``scenarios.yaml`` describes.

A line of JSON in is a thing to do, a line out is what happened.
"""

import asyncio
import json
import sys
import time
from typing import Any

from useby.client import (
    ConnectionRejected,
    FileCursor,
    MemoryCursor,
    Notification,
    Notifications,
    ProductChanged,
    Read,
    State,
    Timing,
)


class Failed(Exception):
    """The token can't be fetched."""

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.retry_after = retry_after


class Player:
    """One client."""

    def __init__(self, number: int, order: dict[str, Any]) -> None:
        self.number = number
        self.tokens: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.may_take = asyncio.Semaphore(0)
        self.mark, self.slow = order["mark"], order["slow"]
        self.notifications = Notifications(
            order["url"],
            token=order["token"] if order["token"] is not None else self.token,
            cursor=FileCursor(order["cursor"]) if order["cursor"] else MemoryCursor(),
            buffer=order["buffer"],
            on_event=self.on_event,
            timing=Timing(**order["timing"]),
            random=lambda: float(order["random"]),
        )
        self.notifications._reconnector.wall = lambda: time.time() + order["skew"]
        self.iterating = asyncio.create_task(self.iterate())

    def report(self, event: str, **more: Any) -> None:
        sys.stdout.write(json.dumps({"client": self.number, "event": event, **more}) + "\n")
        sys.stdout.flush()

    async def token(self) -> str:
        self.report("token")
        answer = await self.tokens.get()
        if "status" in answer:
            raise Failed(answer["status"], answer["retryAfter"])
        return str(answer["token"])

    def on_event(self, event: State | Read | ProductChanged) -> None:
        if isinstance(event, State):
            self.report(
                "state",
                name=event.name,
                code=event.code,
                reason=event.reason,
                wait=event.wait,
                extended=event.extended,
            )
        elif isinstance(event, Read):
            self.report("read", ids=list(event.ids), unread=event.unread)
        else:
            self.report("product", change=event.change, product=dict(event.product))

    async def iterate(self) -> None:
        try:
            iterator = aiter(self.notifications)
            while True:
                if self.slow:
                    if self.notifications.state.name == "idle":
                        self.notifications._reconnector.start()  # as the first step does
                    await self.may_take.acquire()
                await self.handle(await anext(iterator))
        except ConnectionRejected as error:
            self.report("rejected", code=error.code, reason=error.reason)
        except (StopAsyncIteration, asyncio.CancelledError):
            self.report("ended")

    async def handle(self, notification: Notification) -> None:
        self.report(
            "notification",
            id=notification.id,
            message=notification.message,
            seq=notification.seq,
        )
        if self.mark:
            await notification.mark_read()

    async def do(self, order: dict[str, Any]) -> None:
        match order["do"]:
            case "token":
                self.tokens.put_nowait(order)
            case "take":
                for _ in range(order["count"]):
                    self.may_take.release()
            case "mark":
                await self.notifications.mark_read(*order["ids"])
            case "markAll":
                await self.notifications.mark_all_read()
            case "flush":
                await self.notifications.flush()
                self.report("flushed")
            case "close":
                await self.notifications.close()
                self.report("closed")
                self.may_take.release()
            case "cancel":
                self.iterating.cancel()


async def main() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    players: dict[int, Player] = {}
    async with asyncio.TaskGroup() as tasks:
        while line := await reader.readline():
            order = json.loads(line)
            if order["do"] == "start":
                players[order["client"]] = Player(order["client"], order)
            else:
                tasks.create_task(players[order["client"]].do(order))
        for player in players.values():
            player.iterating.cancel()
    await asyncio.gather(*(each.iterating for each in players.values()))


asyncio.run(main())
