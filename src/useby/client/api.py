"""The rest of a node's API, typed."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self, Unpack
from urllib.parse import quote

import httpx

from useby.client.address import rest_url
from useby.client.errors import BY_STATUS, ApiError, Unauthorized
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
"""An access token that ends sooner is exchanged before it is given to a socket, and before a
request if more than half of its life is over besides."""
_OK: Final = 2
"""The hundreds of a status that is a success."""


class Api:
    """One person at one node.

    Every method raises ``ApiError``, or the one below it that its status has, for an answer that
    is no success, and ``httpx.TransportError`` when there is none. Nothing is repeated by itself.
    Who has signed in stays it: an access token that is near its end is exchanged before it is used.
    """

    def __init__(
        self, url: str, *, tokens: Tokens | str | None = None, seconds: float = 30.0
    ) -> None:
        """Say where, and as whom if that is known.

        Args:
            url: The node, e.g. ``https://useby.example``.
            tokens: Those of a sign-in, or an access token alone.
            seconds: How long an answer may take.

        Raises:
            ValueError: The URL is none of a node.
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
        """Close its connections."""
        await self._http.aclose()

    # who

    @property
    def tokens(self) -> Tokens | None:
        """The present tokens of the sign-in; keep them to be signed in at the next start."""
        return self._tokens

    async def sign_up(
        self, email: str, password: str, *, name: str = "", time_zone: str = "UTC"
    ) -> None:
        """Make an account. Whether the e-mail was free is not told; sign in to find out."""
        given = {"email": email, "password": password, "name": name, "time_zone": time_zone}
        await self._request("POST", "/auth/signup", given, as_caller=False)

    async def sign_in(self, email: str, password: str) -> Tokens:
        """Sign in, and be that person from now on."""
        given = {"email": email, "password": password}
        answer = await self._request("POST", "/auth/login", given, as_caller=False)
        return self._keep(Tokens.of(answer))

    async def refresh(self) -> Tokens:
        """Exchange the refresh token for new ones. Those who ask at once share the answer.

        Raises:
            RuntimeError: There is no refresh token.
        """
        before = self._tokens
        async with self._exchanging:
            if self._tokens is None:
                raise RuntimeError("nobody has signed in here")
            if self._tokens is before:
                given = {"refresh_token": self._tokens.refresh_token}
                answer = await self._request("POST", "/auth/refresh", given, as_caller=False)
                self._keep(Tokens.of(answer))
            return self._tokens

    async def token(self) -> str:
        """An access token that is good for a while: what ``Notifications(token=…)`` wants.

        Raises:
            RuntimeError: Nobody has signed in.
        """
        if not self._access:
            raise RuntimeError("nobody has signed in here")
        return await self._good_for(FRESH_SECONDS)

    async def _good_for(self, seconds: float) -> str:
        if self._tokens is not None and self._ends - time.monotonic() < seconds:
            return (await self.refresh()).access_token
        return self._access

    async def ticket(self) -> str:
        """A one-use ticket that may stand in the socket's URL, for half a minute."""
        return str((await self._request("POST", "/ws/ticket"))["ticket"])

    async def sign_out(self) -> None:
        """End this sign-in and its sockets."""
        given = None if self._tokens is None else {"refresh_token": self._tokens.refresh_token}
        await self._request("POST", "/auth/logout", given, as_caller=given is None)
        self._tokens, self._access = None, ""

    async def sign_out_everywhere(self) -> None:
        """End every sign-in of this person, and all their sockets."""
        await self._request("POST", "/auth/logout-all")
        self._tokens, self._access = None, ""

    async def me(self) -> Account:
        """The account."""
        return Account.of(await self._request("GET", "/me"))

    async def change_me(self, **change: Unpack[AccountChange]) -> Account:
        """Change what is given. A ``password`` wants the ``current_password`` beside it."""
        return Account.of(await self._request("PATCH", "/me", change))

    async def delete_me(self, password: str = "") -> None:
        """Delete the account and everything that is this person's."""
        await self._request("DELETE", "/me", {"password": password})

    # products

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
        """Every product, page by page.

        Args:
            status: Only those that stand so.
            expiring_within: Only those that expire in so many days, today being 0.
            category: Only those of it.
            q: Only those in which this text is found.
            sort: Their order; a minus turns it round.
            limit: How many a page has, 500 at most.
        """
        query = {
            "status": status, "expiring_within": expiring_within, "category": category, "q": q,
            "sort": sort, "limit": limit,
        }  # fmt: skip
        async for each in self._pages("/products", query):
            yield Product.of(each)

    async def product(self, product_id: str) -> Product:
        """One product."""
        return Product.of(await self._request("GET", f"/products/{_part(product_id)}"))

    async def add_product(
        self, name: str, expiry_date: Day, **details: Unpack[ProductDetails]
    ) -> Product:
        """Add a product; ``expiry_date`` is a date, or a moment with its offset."""
        given = {"name": name, "expiry_date": expiry_date, **details}
        return Product.of(await self._request("POST", "/products", given))

    async def add_products(self, items: Iterable[NewProduct]) -> list[Outcome[Product]]:
        """Add up to 1,000 products, each as ``add_product`` takes it; each has its own outcome."""
        answer = await self._request("POST", "/products/batch", {"items": [body(i) for i in items]})
        return [_outcome(each, "product", Product.of) for each in answer["results"]]

    async def change_product(self, product_id: str, **change: Unpack[ProductChange]) -> Product:
        """Change what is given."""
        path = f"/products/{_part(product_id)}"
        return Product.of(await self._request("PATCH", path, change))

    async def delete_product(self, product_id: str) -> None:
        """Delete a product for good."""
        await self._request("DELETE", f"/products/{_part(product_id)}")

    async def consume(self, product_id: str, quantity: Amount | None = None) -> Product:
        """Use up so much of a product, or all of it."""
        return await self._move(product_id, "consume", quantity)

    async def discard(self, product_id: str, quantity: Amount | None = None) -> Product:
        """Throw so much of a product away, or all of it."""
        return await self._move(product_id, "discard", quantity)

    async def reopen(self, product_id: str, quantity: Amount | None = None) -> Product:
        """Take a closing back."""
        return await self._move(product_id, "reopen", quantity)

    async def _move(self, product_id: str, how: str, quantity: Amount | None) -> Product:
        path = f"/products/{_part(product_id)}/{how}"
        return Product.of(await self._request("POST", path, {"quantity": quantity}))

    # notifications

    async def notifications(
        self,
        *,
        unread: bool | None = None,
        type: Kind | None = None,  # noqa: A002 - the name on the wire
        since: str | None = None,
        limit: int = 50,
    ) -> AsyncIterator[Notification]:
        """Every notification, newest first, page by page.

        Args:
            unread: Only those that are, or only those that are not.
            type: Only those of this one.
            since: An id: those that are newer than that one, oldest first.
            limit: How many a page has, 500 at most.
        """
        query = {"unread": unread, "type": type, "since": since, "limit": limit}
        async for each in self._pages("/notifications", query):
            yield self._notification(each)

    async def unread(self) -> int:
        """How many are unread."""
        return int((await self._request("GET", "/notifications/unread-count"))["unread"])

    async def notify(
        self,
        message: str,
        *,
        type: Kind = "info",  # noqa: A002 - the name on the wire
        product_name: str = "",
        key: str | None = None,
    ) -> Notification:
        """Tell all of one's own devices something; it is durable when this returns.

        Args:
            message: What is said.
            type: How grave it is.
            product_name: The product that is meant, if one is.
            key: An ``Idempotency-Key``: what is repeated with it is said once.
        """
        given = {"message": message, "type": type, "product_name": product_name}
        headers = {} if key is None else {"Idempotency-Key": key}
        return self._notification(await self._request("POST", "/notifications", given, headers))

    async def notify_many(
        self, items: Iterable[NewNotification], *, key: str | None = None
    ) -> list[Outcome[Notification]]:
        """Tell up to 1,000 things, each as ``notify`` takes it; each has its own outcome."""
        headers = {} if key is None else {"Idempotency-Key": key}
        given = {"items": [body(each) for each in items]}
        answer = await self._request("POST", "/notifications/batch", given, headers)
        return [_outcome(each, "notification", self._notification) for each in answer["results"]]

    async def mark_read(self, notification_id: str) -> Notification:
        """Mark one read, durably."""
        path = f"/notifications/{_part(notification_id)}/read"
        return self._notification(await self._request("POST", path))

    async def mark_all_read(self) -> int:
        """Mark all read; how many were not."""
        return int((await self._request("POST", "/notifications/read-all"))["marked"])

    async def delete_notification(self, notification_id: str) -> None:
        """Delete one for good."""
        await self._request("DELETE", f"/notifications/{_part(notification_id)}")

    def _notification(self, value: Mapping[str, Any]) -> Notification:
        found = Notification.of(value, self.mark_read)
        if found is None:
            raise ApiError(200, "the answer is no notification")
        return found

    # requests

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
            except (ApiError, httpx.TransportError) as error:
                if isinstance(error, Unauthorized) or time.monotonic() >= self._ends:
                    raise
                token = self._access  # it is still good; the next request tries again
            bearer = {"Authorization": f"Bearer {token}"}
        answer = await self._http.request(
            method,
            f"/api{path}",
            json=None if given is None else body(given),
            params=query,
            headers={**bearer, **(headers or {})},
        )
        if answer.status_code // 100 != _OK:
            raise _error(answer)
        return answer.json() if answer.content else None


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
