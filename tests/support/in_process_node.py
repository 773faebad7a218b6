"""A whole node in the test's own process, with a wall clock that can be set."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp
from tests.support.patient_client import connect
from tests.support.time_limits import HANG_TIMEOUT
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from useby.domain.account import User
from useby.domain.notification import Cause, Draft, Notification, Severity
from useby.domain.policy import Policy
from useby.listening import Listening, listen
from useby.node import Node
from useby.realtime.direct import Match
from useby.realtime.http import protocol_for
from useby.store import accounts, notifications, sessions


class SettableClock:
    """A wall clock that a test can set."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.stopped: datetime | None = None

    def __call__(self) -> datetime:
        return self.stopped or datetime.now(UTC) + self.ahead

    def stop(self) -> None:
        """Stay at the present moment."""
        self.stopped = self()

    def jump(self, **by: float) -> None:
        self.ahead += timedelta(**by)


class InProcessNode:
    """A running node, and what tests do to it."""

    def __init__(self, node: Node, wall: SettableClock) -> None:
        self.node = node
        self.wall = wall

    @property
    def socket_url(self) -> str:
        return self.node.url.replace("http", "ws", 1) + "/api/ws/notification"

    def rest(self, token: str) -> httpx.AsyncClient:
        """A client of REST with a token. To load certificates would take it 0.02 s."""
        return httpx.AsyncClient(
            base_url=self.node.url,
            headers={"authorization": f"Bearer {token}"},
            trust_env=False,
            verify=False,
            timeout=HANG_TIMEOUT,
        )

    async def add_user(self, name: str = "ada") -> User:
        user = User(f"user-{name}", f"{name}@useby.example", name, "UTC", Policy(), self.wall())
        await self.node.database.write(
            lambda t: accounts.add_user(t, user=user, password_hash=None)
        )
        return user

    async def token(self, user: User, session: str = "s1", seconds: int | None = None) -> str:
        now = self.wall()

        def work(transaction: Any) -> None:
            sessions.open_session(
                transaction,
                user_id=user.id,
                session_id=session,
                token_hash=None,
                now=now,
                expires_at=now + timedelta(days=30),
            )

        await self.node.database.write(work)
        return self.node.context.issuer.access(user.id, session, now, seconds=seconds)

    async def post(self, user: User, *messages: str) -> list[Notification]:
        drafts = [Draft(user.id, each, Severity.INFO, Cause.CUSTOM) for each in messages]
        now = self.wall()
        return await self.node.database.write(lambda t: notifications.add(t, drafts, now))

    @asynccontextmanager
    async def connected(self, token: str, **options: Any) -> AsyncIterator[ClientConnection]:
        """A client that has had its first frame."""
        async with connect(f"{self.socket_url}?access_token={token}", **options) as client:
            first = await client.recv()
            assert "CONNECTION_ESTABLISHED" in str(first)
            yield client


@asynccontextmanager
async def serving(
    house: InProcessNode, *, match: Match, app: ASGIApp | None = None
) -> AsyncIterator[int]:
    """Serve the node's parts on another port, with another ``match`` or another application."""
    node = house.node
    config = node._http_config()
    config.app = app or config.app
    config.http = protocol_for(node.admission, match)  # type: ignore[assignment]
    listener = listen(node.settings)
    server = Listening(config, node.context.slots)
    task = asyncio.create_task(server.serve([listener]))
    yield listener.getsockname()[1]
    server.should_exit = server.force_exit = True
    await task
    listener.close()


async def closed(client: ClientConnection) -> tuple[int, str]:
    """Read until the server closes; the code and reason it gave."""
    with pytest.raises(ConnectionClosed) as end:
        while True:
            await client.recv()
    assert end.value.rcvd is not None, "the line was cut without a Close"
    return end.value.rcvd.code, end.value.rcvd.reason
