"""The REST application over a test's own database, without a socket, at a moment that is set."""

import asyncio
from datetime import timedelta
from http import HTTPStatus
from typing import Any, ClassVar

import httpx
from starlette.types import Message, Receive, Scope, Send
from tests.support.factories import NOON, a_kept_owner
from tests.support.settings import SettingsWithoutFile
from uuid_utils import uuid7

from useby.actions.api_keys import StoredKeys
from useby.actions.post_queue import PostQueue
from useby.api import create_api, notifications
from useby.api.context import Context
from useby.api.direct import DirectRoutes
from useby.auth.key import SigningKeys
from useby.auth.passwords import Passwords
from useby.auth.rate_limits import RateLimiter
from useby.auth.tickets import Tickets
from useby.auth.tokens import Issuer, Verifier
from useby.bus import NoBus
from useby.delivery.account_mail import account_mail
from useby.delivery.senders import senders
from useby.delivery.vapid import Vapid, new_private_key
from useby.domain.account import User
from useby.realtime.slots import ConnectionSlots, SlotLimits
from useby.store import sessions
from useby.store.database import Database

KEY = b"only the tests sign with this key"
VAPID = Vapid(new_private_key())
A_YEAR = timedelta(days=366)
"""Life of a test's sign-in, in which it may set the moment."""
MILK = {"name": "Organic Milk", "expiryDate": "2026-03-04"}


class DirectFirst:
    """The application with its direct routes, which a node's HTTP protocol calls."""

    documents: ClassVar[list[dict[str, Any]]] = []
    """The OpenAPI document, once it has been made: it is the same for all contexts."""

    def __init__(self, context: Context) -> None:
        self._api = create_api(context)
        if self.documents:
            self._api.openapi_schema = self.documents[0]
        self._direct = DirectRoutes(context, notifications.DIRECT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._direct.match(scope)
        if request is None:
            await self._api(scope, receive, send)
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message["body"]
            more = message.get("more_body", False)

        async def repeated() -> Message:
            return {"type": "http.request", "body": body}

        answer = await request.answer(body)
        await (answer or self._api)(scope, repeated, send)

    def keep_document(self) -> None:
        """Keep the OpenAPI document for later applications, if a request has had it made."""
        if self._api.openapi_schema and not self.documents:
            self.documents.append(self._api.openapi_schema)


class Rest:
    """The application, and clients of it."""

    def __init__(self, database: Database, **changed: Any) -> None:
        self.now = NOON
        self.database = database
        self.sockets = 0
        settings = SettingsWithoutFile(**changed)
        self.api_keys = StoredKeys(database, lambda: self.now)
        self.context = Context(
            settings=settings,
            database=database,
            bus=NoBus(),
            keys=SigningKeys(KEY),
            issuer=Issuer(KEY, settings.access_token_seconds),
            verifier=Verifier(settings, KEY, api_keys=self.api_keys),
            passwords=Passwords(),
            tickets=Tickets(KEY, settings.ticket_seconds),
            rates=RateLimiter(settings),
            posts=PostQueue(
                database,
                provisions=settings.jwt_auto_provision,
                limits=settings.limits,
                now=lambda: self.now,
            ),
            now=lambda: self.now,
            slots=ConnectionSlots(SlotLimits(1, 1), lambda: self.sockets),
            senders=senders(settings, lambda: self.now, VAPID),
            push_key=VAPID.public_key,
            mail=account_mail(settings, database, SigningKeys(KEY), lambda: self.now),
        )
        self._application = DirectFirst(self.context)
        self._transport = httpx.ASGITransport(self._application)
        self._clients: list[httpx.AsyncClient] = []
        self._keeping = [
            asyncio.create_task(self.context.posts.run(), name="posts"),
            asyncio.create_task(self.api_keys.run(), name="key-uses"),
        ]
        if self.context.mail is not None:
            self._keeping.append(asyncio.create_task(self.context.mail.run(), name="account-mail"))

    def client(self, **headers: str) -> httpx.AsyncClient:
        """A client that sends these headers."""
        client = httpx.AsyncClient(
            transport=self._transport, base_url="http://useby.test", headers=headers
        )
        self._clients.append(client)
        return client

    async def person(self, **values: Any) -> tuple[User, httpx.AsyncClient]:
        """A new user, and a client with their token."""
        user = await a_kept_owner(self.database, **values)
        return user, await self.sign_in(user)

    async def sign_in(self, user: User) -> httpx.AsyncClient:
        """A client with a token of a new sign-in of a user."""
        session = str(uuid7())
        await self.database.write(
            lambda t: sessions.open_session(
                t,
                user_id=user.id,
                session_id=session,
                token_hash=None,
                key_id=self.context.keys.signing_id,
                now=self.now,
                expires_at=self.now + A_YEAR,
            )
        )
        seconds = int(A_YEAR.total_seconds())
        token = self.context.issuer.access(user.id, session, self.now, seconds=seconds)
        return self.client(authorization=f"Bearer {token}")

    async def close(self) -> None:
        self._application.keep_document()
        for client in self._clients:
            await client.aclose()
        for task in self._keeping:
            task.cancel()
        await asyncio.wait(self._keeping)


async def added(client: httpx.AsyncClient, **values: Any) -> dict[str, Any]:
    answer = await client.post("/api/products", json=MILK | values)
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    product: dict[str, Any] = answer.json()
    return product


async def messages(client: httpx.AsyncClient, **query: Any) -> list[str]:
    """Newest first."""
    answer = await client.get("/api/notifications", params=query)
    return [each["message"] for each in answer.json()["items"]]
