"""A WebSocket route in Starlette: the token verified with PyJWT, connections in a dict."""

import asyncio
import json
import sys
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

import jwt
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bench.peers.control import message, obey, report, users

PORT, USERS_FILE, KEY = sys.argv[1:]
connections: defaultdict[str, set[WebSocket]] = defaultdict(set)


async def notifications(socket: WebSocket) -> None:
    """Serve one connection."""
    try:
        claims = jwt.decode(socket.query_params["access_token"], KEY, algorithms=["HS256"])
    except (KeyError, jwt.PyJWTError):
        await socket.close(1008)
        return
    user = claims["sub"]
    await socket.accept()
    connections[user].add(socket)
    try:
        await socket.send_json(
            {
                "type": "CONNECTION_ESTABLISHED",
                "message": "Notification WebSocket connected",
                "userId": user,
            }
        )
        while True:
            if await socket.receive_text() == "PING":
                await socket.send_json({"type": "pong"})
    except WebSocketDisconnect:
        pass
    finally:
        connections[user].discard(socket)


async def post(request: Request) -> JSONResponse:
    """Send what is posted to every connection of the token's user."""
    try:
        token = request.headers["authorization"].removeprefix("Bearer ")
        user = jwt.decode(token, KEY, algorithms=["HS256"])["sub"]
    except (KeyError, jwt.PyJWTError):
        return JSONResponse({"error": "no good token"}, 401)
    given = await request.json()
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    posted = {"id": str(uuid.uuid4()), **given, "created_at": now}
    text = json.dumps(posted, separators=(",", ":"))
    for socket in tuple(connections[user]):
        await socket.send_text(text)
    return JSONResponse(posted, 201)


async def push(some: Sequence[str], stamp: int) -> None:
    """Send a notification to every connection of each user."""
    for user in some:
        text = json.dumps(message(stamp), separators=(",", ":"))
        for socket in tuple(connections[user]):
            await socket.send_text(text)


async def main() -> None:
    """Serve until standard input ends."""
    routes = [
        WebSocketRoute("/ws", notifications),
        Route("/notifications", post, methods=["POST"]),
    ]
    app = Starlette(routes=routes)
    config = uvicorn.Config(
        app, port=int(PORT), log_level="warning", lifespan="off", access_log=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    report("ready")
    await obey(users(USERS_FILE), push)
    server.should_exit = server.force_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(main())
