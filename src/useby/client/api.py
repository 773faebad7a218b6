"""Typed client of a node's REST API."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self, Unpack
from urllib.parse import quote

import httpx

from useby.client.address import rest_url
from useby.client.errors import BY_STATUS, ApiError, NoResponse, NotSignedIn, Unauthorized
from useby.client.events import Notification
from useby.client.models import Account, Kept, Outcome, Product, Tokens, body
from useby.client.params import (
    AccountChange,
    Amount,
    Day,
    Kind,
    NewNotification,
    NewProduct,
    Order,
    ProductChange,
    ProductDetails,
    Status,
)
from useby.client.timing import http_date, retry_after

FRESH_SECONDS: Final = 120.0
"""Remaining life in seconds below which an access token is exchanged before a connection uses it.

A request exchanges it only if less than half of its life is left as well."""
_OK: Final = 2
"""First digit of a status that is a success."""


class Api:
    """REST client of one user at one node.

    Every method raises ``ApiError``, or its subclass for the status, if the response is no success,
    and ``NoResponse`` if there is none. Requests are not retried. The sign-in is
    kept alive: an access token that is about to expire is exchanged before it is used.
    """

    def __init__(
        self, url: str, *, tokens: Tokens | str | None = None, seconds: float = 30.0
    ) -> None:
        """Create the client; nothing is sent yet.

        Args:
            url: URL of the node, e.g. ``https://useby.example``.
            tokens: Tokens of a sign-in, or only an access token.
            seconds: Timeout of a request.

        Raises:
            ValueError: The URL does not name a node.
        """
        self._http = httpx.AsyncClient(base_url=rest_url(url), timeout=seconds)
        self._exchanging = asyncio.Lock()
        self._access = tokens if isinstance(tokens, str) else ""
        self._ends = float("inf")
        self._tokens: Tokens | None = None
        if isinstance(tokens, Tokens):
            self._keep(tokens)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the HTTP connections."""
        await self._http.aclose()

    # Sign-in and account

    @property
    def tokens(self) -> Tokens | None:
        """Current tokens of the sign-in; store them to stay signed in after a restart."""
        return self._tokens

    async def sign_up(
        self, email: str, password: str, *, name: str = "", time_zone: str = "UTC"
    ) -> None:
        """Create an account. A taken e-mail gets the same response; sign in to find out."""
        given = {"email": email, "password": password, "name": name, "time_zone": time_zone}
        await self._request("POST", "/auth/signup", given, as_caller=False)

    async def sign_in(self, email: str, password: str) -> Tokens:
        """Sign in; later requests are made as this user."""
        given = {"email": email, "password": password}
        answer = await self._request("POST", "/auth/login", given, as_caller=False)
        return self._keep(Tokens.of(answer))

    async def refresh(self) -> Tokens:
        """Exchange the refresh token for new tokens. Concurrent callers share one exchange.

        Raises:
            NotSignedIn: There is no refresh token.
        """
        before = self._tokens
        async with self._exchanging:
            if self._tokens is None:
                raise NotSignedIn("there is no refresh token; sign in first")
            if self._tokens is before:
                given = {"refresh_token": self._tokens.refresh_token}
                answer = await self._request("POST", "/auth/refresh", given, as_caller=False)
                self._keep(Tokens.of(answer))
            return self._tokens

    async def token(self) -> str:
        """Return an access token for ``Notifications(token=…)``, exchanged first if it ends soon.

        Raises:
            NotSignedIn: There is no token.
        """
        if not self._access:
            raise NotSignedIn("there is no token; sign in first")
        return await self._good_for(FRESH_SECONDS)

    async def _good_for(self, seconds: float) -> str:
        if self._tokens is not None and self._ends - time.monotonic() < seconds:
            return (await self.refresh()).access_token
        return self._access

    async def ticket(self) -> str:
        """Return a ticket for the WebSocket URL; it is valid once and for 30 seconds."""
        return str((await self._request("POST", "/ws/ticket"))["ticket"])

    async def sign_out(self) -> None:
        """End this sign-in and close its connections."""
        given = None if self._tokens is None else {"refresh_token": self._tokens.refresh_token}
        await self._request("POST", "/auth/logout", given, as_caller=given is None)
        self._tokens, self._access = None, ""

    async def sign_out_everywhere(self) -> None:
        """End every sign-in of this user and close all their connections."""
        await self._request("POST", "/auth/logout-all")
        self._tokens, self._access = None, ""

    async def me(self) -> Account:
        """Return the account."""
        return Account.of(await self._request("GET", "/me"))

    async def change_me(self, **change: Unpack[AccountChange]) -> Account:
        """Change the given fields. A new ``password`` requires ``current_password``."""
        return Account.of(await self._request("PATCH", "/me", change))

    async def delete_me(self, password: str = "") -> None:
        """Delete the account and all its data."""
        await self._request("DELETE", "/me", {"password": password})

    # Products

    async def products(
        self,
        *,
        status: Status | None = None,
        expiring_within: int | None = None,
        category: str | None = None,
        q: str | None = None,
        sort: Order = "expiryDate",
        limit: int = 50,
    ) -> AsyncIterator[Product]:
        """Iterate over products, fetching page by page.

        Args:
            status: Only products with this status.
            expiring_within: Only products that expire within so many days; 0 is today.
            category: Only products of this category.
            q: Only products that contain this text.
            sort: Sort order; a minus reverses it.
            limit: Products per page, at most 500.
        """
        query = {
            "status": status, "expiring_within": expiring_within, "category": category, "q": q,
            "sort": sort, "limit": limit,
        }  # fmt: skip
        async for each in self._pages("/products", query):
            yield Product.of(each)

    async def product(self, product_id: str) -> Product:
        """Return one product."""
        return Product.of(await self._request("GET", f"/products/{_part(product_id)}"))

    async def add_product(
        self, name: str, expiry_date: Day, **details: Unpack[ProductDetails]
    ) -> Product:
        """Add a product; ``expiry_date`` is a date, or a time with its UTC offset."""
        given = {"name": name, "expiry_date": expiry_date, **details}
        return Product.of(await self._request("POST", "/products", given))

    async def add_products(self, items: Iterable[NewProduct]) -> list[Outcome[Product]]:
        """Add up to 1,000 products with the fields of ``add_product``; return an outcome each."""
        answer = await self._request("POST", "/products/batch", {"items": [body(i) for i in items]})
        return [_outcome(each, "product", Product.of) for each in answer["results"]]

    async def change_product(self, product_id: str, **change: Unpack[ProductChange]) -> Product:
        """Change the given fields of a product."""
        path = f"/products/{_part(product_id)}"
        return Product.of(await self._request("PATCH", path, change))

    async def delete_product(self, product_id: str) -> None:
        """Delete a product permanently."""
        await self._request("DELETE", f"/products/{_part(product_id)}")

    async def consume(self, product_id: str, quantity: Amount | None = None) -> Product:
        """Consume this quantity of a product, or all of it."""
        return await self._move(product_id, "consume", quantity)

    async def discard(self, product_id: str, quantity: Amount | None = None) -> Product:
        """Discard this quantity of a product, or all of it."""
        return await self._move(product_id, "discard", quantity)

    async def reopen(self, product_id: str, quantity: Amount | None = None) -> Product:
        """Reopen a product that was consumed or discarded."""
        return await self._move(product_id, "reopen", quantity)

    async def _move(self, product_id: str, how: str, quantity: Amount | None) -> Product:
        path = f"/products/{_part(product_id)}/{how}"
        return Product.of(await self._request("POST", path, {"quantity": quantity}))

    # Notifications

    async def notifications(
        self,
        *,
        unread: bool | None = None,
        type: Kind | None = None,  # noqa: A002 - the name on the wire
        since: str | None = None,
        limit: int = 50,
    ) -> AsyncIterator[Notification]:
        """Iterate over notifications, newest first, fetching page by page.

        Args:
            unread: ``True`` for unread ones only, ``False`` for read ones only.
            type: Only notifications of this type.
            since: Id of a notification: only newer ones, oldest first.
            limit: Notifications per page, at most 500.
        """
        query = {"unread": unread, "type": type, "since": since, "limit": limit}
        async for each in self._pages("/notifications", query):
            yield self._notification(each)

    async def unread(self) -> int:
        """Return the number of unread notifications."""
        return int((await self._request("GET", "/notifications/unread-count"))["unread"])

    async def notify(
        self,
        message: str,
        *,
        type: Kind = "info",  # noqa: A002 - the name on the wire
        product_name: str = "",
        key: str | None = None,
    ) -> Notification:
        """Send a notification to all devices of the user; it is durable when this returns.

        Args:
            message: Text of the notification.
            type: Severity.
            product_name: Name of the product concerned, if any.
            key: ``Idempotency-Key``: requests with the same key create one notification.
        """
        given = {"message": message, "type": type, "product_name": product_name}
        headers = {} if key is None else {"Idempotency-Key": key}
        return self._notification(await self._request("POST", "/notifications", given, headers))

    async def notify_many(
        self, items: Iterable[NewNotification], *, key: str | None = None
    ) -> list[Outcome[Notification]]:
        """Send up to 1,000 notifications with the fields of ``notify``; return an outcome each."""
        headers = {} if key is None else {"Idempotency-Key": key}
        given = {"items": [body(each) for each in items]}
        answer = await self._request("POST", "/notifications/batch", given, headers)
        return [_outcome(each, "notification", self._notification) for each in answer["results"]]

    async def mark_read(self, notification_id: str) -> Notification:
        """Mark a notification read; the mark is durable when this returns."""
        path = f"/notifications/{_part(notification_id)}/read"
        return self._notification(await self._request("POST", path))

    async def mark_all_read(self) -> int:
        """Mark all notifications read; return how many were unread."""
        return int((await self._request("POST", "/notifications/read-all"))["marked"])

    async def delete_notification(self, notification_id: str) -> None:
        """Delete a notification permanently."""
        await self._request("DELETE", f"/notifications/{_part(notification_id)}")

    def _notification(self, value: Mapping[str, Any]) -> Notification:
        found = Notification.of(value, self.mark_read)
        if found is None:
            raise ApiError(200, "the answer is no notification")
        return found

    # Requests

    def _keep(self, tokens: Tokens) -> Tokens:
        self._tokens, self._access = tokens, tokens.access_token
        self._ends = time.monotonic() + tokens.expires_in
        return tokens

    async def _pages(self, path: str, query: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        wanted = {name: value for name, value in body(query).items() if value is not None}
        while True:
            page = await self._request("GET", path, query=wanted)
            for each in page["items"]:
                yield each
            if page["nextCursor"] is None:
                return
            wanted["cursor"] = page["nextCursor"]

    async def _request(
        self,
        method: str,
        path: str,
        given: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        *,
        as_caller: bool = True,
    ) -> Any:
        bearer = {}
        if as_caller and self._access:
            life = float("inf") if self._tokens is None else self._tokens.expires_in
            try:
                token = await self._good_for(min(FRESH_SECONDS, life / 2))
            except (ApiError, NoResponse) as error:
                if isinstance(error, Unauthorized) or time.monotonic() >= self._ends:
                    raise
                token = self._access  # It is still valid; the next request retries the exchange.
            bearer = {"Authorization": f"Bearer {token}"}
        try:
            response = await self._http.request(
                method,
                f"/api{path}",
                json=None if given is None else body(given),
                params=query,
                headers={**bearer, **(headers or {})},
            )
        except httpx.TransportError as error:
            raise NoResponse(str(error) or type(error).__name__) from error
        if response.status_code // 100 != _OK:
            raise _error(response)
        return response.json() if response.content else None


def _part(name: str) -> str:
    return quote(name, safe="")


def _pairs(errors: object) -> Sequence[tuple[str, str]]:
    if not isinstance(errors, list):
        return ()
    return [(str(each.get("at")), str(each.get("message"))) for each in errors]


def _outcome(
    value: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any]], Kept]
) -> Outcome[Kept]:
    kept = value.get(name)
    return Outcome(
        value["index"],
        value["status"],
        None if kept is None else read(kept),
        _pairs(value.get("errors")),
    )


def _error(answer: httpx.Response) -> ApiError:
    try:
        value = answer.json()
    except ValueError:
        value = {}
    said = value if isinstance(value, dict) else {}
    date = http_date(answer.headers.get("Date", "")) or datetime.now(UTC)
    return BY_STATUS.get(answer.status_code, ApiError)(
        answer.status_code,
        str(said.get("detail") or answer.reason_phrase),
        _pairs(said.get("errors")),
        retry_after(answer.headers.get("Retry-After"), date),
    )
