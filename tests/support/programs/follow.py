"""Follow a user's notifications, written from the public document's description of the socket.

    python follow.py URL SECONDS_BETWEEN_PINGS

Prints every frame as it comes. When its standard input ends it stops pinging, waits for the pongs
that are due, closes, and prints how many pings it sent.
"""

import asyncio
import json
import sys

import websockets


async def follow(url: str, interval: float) -> int:
    """Take every frame until standard input ends; return the number of pings sent."""
    asked_to_stop = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    pings = pongs = 0

    async with websockets.connect(url, proxy=None) as websocket:
        print(await websocket.recv(), flush=True)

        async def keep_alive() -> None:
            nonlocal pings
            while not asked_to_stop.done():
                await websocket.send("PING")
                pings += 1
                await asyncio.wait([asked_to_stop], timeout=interval)
            if pongs == pings:
                await websocket.close()

        pinging = asyncio.create_task(keep_alive())
        async for message in websocket:
            print(message, flush=True)
            notification = json.loads(message)
            if "id" in notification:
                read = {"action": "mark_read", "id": notification["id"]}
                await websocket.send(json.dumps(read))
            if notification.get("type") == "pong":
                pongs += 1
            if pinging.done() and pongs == pings:
                await websocket.close()
        await pinging
    return pings


if __name__ == "__main__":
    sent = asyncio.run(follow(sys.argv[1], float(sys.argv[2])))
    print(json.dumps({"pings": sent}))
