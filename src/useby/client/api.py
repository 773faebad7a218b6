"""Typed client of a node's REST API."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self, Unpack

from useby.client.errors import ApiError
from useby.client.events import Notification, SummaryItem
from useby.client.households import Households
from useby.client.lots import Lots
from useby.client.models import Account, Item, Outcome, Product, StoredProduct, Tokens
from useby.client.params import (
    AccountChange,
    Amount,
    DateKind,
    Day,
    Kind,
    NewNotification,
    NewProduct,
    NewProductDetails,
    Order,
    ProductChange,
    ProductPut,
    Reason,
    Status,
)
from useby.client.policies import Policies
from useby.client.reports import ComingAlert
from useby.client.rest import RestClient, field_errors, part
from useby.client.shape import body
from useby.client.stock import Stock
from useby.client.token import Token


class Api:
    """REST client of one user at one node.

    Every method raises ``ApiError``, or its subclass for the status, if the response is no success,
    and ``NoResponse`` if there is none. Requests are not retried. The sign-in is
    kept alive: an access token that is about to expire is exchanged before it is used.

    ``if_match`` of a change is the ``etag`` of what was read: if that has changed since, nothing is
    changed and ``PreconditionFailed`` is raised.

    Attributes:
        lots: Lots of products, and their movements.
        policies: Policies, which decide when alerts are sent.
        stock: Names, barcodes, dates, numbers, files and calendars.
        households: Households, and the one that requests about stock are about.
    """

    def __init__(
        self,
        url: str,
        *,
        token: Token | None = None,
        tokens: Tokens | str | None = None,
        seconds: float = 30.0,
    ) -> None:
        """Create the client; nothing is sent yet.

        Args:
            url: URL of the node, e.g. ``https://useby.example``.
            token: An access token, or a function that returns one, called for each request; as
                of ``Notifications``.
            tokens: Tokens of an earlier sign-in, or an access token; without effect beside
                ``token``.
            seconds: Timeout of a request.

        Raises:
            ValueError: The URL does not name a node.
        """
        self._rest = RestClient(url, tokens if token is None else token, seconds)
        self.lots, self.policies = Lots(self._rest), Policies(self._rest)
        self.stock, self.households = Stock(self._rest), Households(self._rest)

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
        await self._rest.close()

    # Sign-in and account

    @property
    def tokens(self) -> Tokens | None:
        """Current tokens of the sign-in; store them to stay signed in after a restart."""
        return self._rest.tokens

    async def sign_up(
        self, email: str, password: str, *, name: str = "", time_zone: str = "UTC"
    ) -> None:
        """Create an account. A taken e-mail gets the same response; sign in to find out."""
        given = {"email": email, "password": password, "name": name, "time_zone": time_zone}
        await self._rest.request("POST", "/auth/signup", given, as_caller=False)

    async def sign_in(self, email: str, password: str) -> Tokens:
        """Sign in; later requests are made as this user."""
        given = {"email": email, "password": password}
        answer = await self._rest.request("POST", "/auth/login", given, as_caller=False)
        return self._rest.keep(Tokens.of(answer))

    async def refresh(self) -> Tokens:
        """Exchange the refresh token for new tokens. Concurrent callers share one exchange.

        Raises:
            NotSignedIn: There is no refresh token.
        """
        return await self._rest.refresh()

    async def token(self) -> str:
        """Return an access token for ``Notifications(token=…)``, exchanged first if it ends soon.

        Raises:
            NotSignedIn: There is no token.
        """
        return await self._rest.token()

    async def ticket(self) -> str:
        """Return a ticket for the WebSocket URL; it is valid once and for 30 seconds."""
        return str((await self._rest.request("POST", "/ws/ticket"))["ticket"])

    async def sign_out(self) -> None:
        """End this sign-in and close its connections."""
        tokens = self._rest.tokens
        given = None if tokens is None else {"refresh_token": tokens.refresh_token}
        await self._rest.request("POST", "/auth/logout", given, as_caller=given is None)
        self._rest.forget()

    async def sign_out_everywhere(self) -> None:
        """End every sign-in of this user and close all their connections."""
        await self._rest.request("POST", "/auth/logout-all")
        self._rest.forget()

    async def me(self) -> Account:
        """Return the account."""
        return Account.of(await self._rest.request("GET", "/me"))

    async def change_me(self, **change: Unpack[AccountChange]) -> Account:
        """Change the given fields and return the account.

        A new ``password`` requires ``current_password``.
        """
        return Account.of(await self._rest.request("PATCH", "/me", change))

    async def delete_me(self, password: str = "") -> None:
        """Delete the account and all its data."""
        await self._rest.request("DELETE", "/me", {"password": password})

    # Products

    async def products(
        self,
        *,
        status: Status | None = None,
        expiring_within: int | None = None,
        category: str | None = None,
        location: str | None = None,
        barcode: str | None = None,
        date_kind: DateKind | None = None,
        q: str | None = None,
        with_lots: bool = False,
        sort: Order = "expiryDate",
        limit: int = 50,
    ) -> AsyncIterator[Product]:
        """Iterate over products, fetching page by page.

        Args:
            status: Only products with this status.
            expiring_within: Only products that expire within so many days; 0 is today.
            category: Only products of this category.
            location: Only products with an open lot at this place.
            barcode: Only products with this barcode, in any spelling of its GTIN.
            date_kind: Only products with this kind of date.
            q: Only products that contain this text.
            with_lots: Fetch the lots of each product, too.
            sort: Sort order; a minus reverses it.
            limit: Products per page, at most 500.
        """
        query = {
            "status": status, "expiring_within": expiring_within, "category": category,
            "location": location, "barcode": barcode, "date_kind": date_kind, "q": q,
            "include": _include(with_lots), "sort": sort, "limit": limit,
        }  # fmt: skip
        async for item in self._rest.pages("/products", query):
            yield Product.of(item)

    async def product(self, product_id: str, *, with_lots: bool = False) -> Product:
        """Return one product; with its lots, if they are wanted."""
        query = {"include": _include(with_lots)}
        path = f"/products/{part(product_id)}"
        return Product.of(await self._rest.request("GET", path, query=query))

    async def add_product(
        self, name: str, expiry_date: Day | None = None, **details: Unpack[NewProductDetails]
    ) -> Product:
        """Add a product with one lot.

        ``expiry_date`` is a date, a time with its UTC offset, or never; ``printed_date`` is another
        name of it.
        """
        given = {"name": name, "expiry_date": expiry_date, **details}
        if expiry_date is None and "printed_date" in details:
            del given["expiry_date"]
        return Product.of(await self._rest.request("POST", "/products", given))

    async def put_product(
        self, external_id: str, *, if_match: str | None = None, **fields: Unpack[ProductPut]
    ) -> StoredProduct:
        """Create the product with this external id, or change its given fields."""
        path = f"/products/by-external-id/{part(external_id)}"
        return StoredProduct.of(await self._rest.request("PUT", path, fields, if_match=if_match))

    async def add_products(self, items: Iterable[NewProduct]) -> list[Outcome[Product]]:
        """Add up to 1,000 products with the fields of ``add_product``; return an outcome each."""
        answer = await self._rest.request(
            "POST", "/products/batch", {"items": [body(i) for i in items]}
        )
        return [_outcome(result, "product", Product.of) for result in answer["results"]]

    async def change_product(
        self, product_id: str, *, if_match: str | None = None, **change: Unpack[ProductChange]
    ) -> Product:
        """Change the given fields of a product."""
        path = f"/products/{part(product_id)}"
        return Product.of(await self._rest.request("PATCH", path, change, if_match=if_match))

    async def delete_product(self, product_id: str, *, if_match: str | None = None) -> None:
        """Delete a product permanently, with its lots."""
        await self._rest.request("DELETE", f"/products/{part(product_id)}", if_match=if_match)

    async def consume(
        self,
        product_id: str,
        quantity: Amount | None = None,
        *,
        at: Day | None = None,
        if_match: str | None = None,
    ) -> Product:
        """Consume this quantity of a product, or all of it, of the lots that are taken first."""
        return await self._act(product_id, "consume", {"quantity": quantity, "at": at}, if_match)

    async def discard(
        self,
        product_id: str,
        quantity: Amount | None = None,
        *,
        reason: Reason | None = None,
        at: Day | None = None,
        if_match: str | None = None,
    ) -> Product:
        """Discard this quantity of a product, or all of it, of the lots that are taken first."""
        given = {"quantity": quantity, "reason": reason, "at": at}
        return await self._act(product_id, "discard", given, if_match)

    async def reopen(
        self, product_id: str, quantity: Amount | None = None, *, if_match: str | None = None
    ) -> Product:
        """Reopen a product that was consumed or discarded."""
        return await self._act(product_id, "reopen", {"quantity": quantity}, if_match)

    async def alerts(self, product_id: str) -> list[ComingAlert]:
        """Return the alerts that are still to come for each lot of a product."""
        answer = await self._rest.request("GET", f"/products/{part(product_id)}/alerts")
        return [ComingAlert.of(each) for each in answer["items"]]

    async def _act(
        self, product_id: str, action: str, given: Mapping[str, Any], if_match: str | None
    ) -> Product:
        path = f"/products/{part(product_id)}/{action}"
        return Product.of(await self._rest.request("POST", path, given, if_match=if_match))

    # Notifications

    async def notifications(
        self,
        *,
        unread: bool | None = None,
        type: Kind | None = None,  # noqa: A002 - the name on the wire
        since: str | None = None,
        snoozed: bool | None = None,
        limit: int = 50,
    ) -> AsyncIterator[Notification]:
        """Iterate over notifications, newest first, fetching page by page.

        Args:
            unread: ``True`` for unread ones only, ``False`` for read ones only.
            type: Only notifications of this type.
            since: Id of a notification: only newer ones, oldest first.
            snoozed: ``True`` for snoozed ones only, ``False`` for the others.
            limit: Notifications per page, at most 500.
        """
        query = {
            "unread": unread, "type": type, "since": since, "snoozed": snoozed, "limit": limit,
        }  # fmt: skip
        async for item in self._rest.pages("/notifications", query):
            yield self._notification(item)

    async def notification_items(self, notification_id: str) -> AsyncIterator[SummaryItem]:
        """Iterate over the alerts that a summary takes together, the most urgent one first."""
        path = f"/notifications/{part(notification_id)}/items"
        async for item in self._rest.pages(path, {}):
            yield SummaryItem.of(item)

    async def unread(self) -> int:
        """Return the number of unread notifications."""
        return int((await self._rest.request("GET", "/notifications/unread-count"))["unread"])

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
        return self._notification(
            await self._rest.request("POST", "/notifications", given, headers)
        )

    async def notify_many(
        self, items: Iterable[NewNotification], *, key: str | None = None
    ) -> list[Outcome[Notification]]:
        """Send up to 1,000 notifications with the fields of ``notify``; return an outcome each."""
        headers = {} if key is None else {"Idempotency-Key": key}
        given = {"items": [body(item) for item in items]}
        answer = await self._rest.request("POST", "/notifications/batch", given, headers)
        return [
            _outcome(result, "notification", self._notification) for result in answer["results"]
        ]

    async def mark_read(self, notification_id: str) -> Notification:
        """Mark a notification read; the mark is durable when this returns."""
        path = f"/notifications/{part(notification_id)}/read"
        return self._notification(await self._rest.request("POST", path))

    async def snooze(
        self, notification_id: str, *, until: datetime | None = None, duration: str | None = None
    ) -> Notification:
        """Mark a notification read now, and have it sent again later.

        Args:
            notification_id: The notification.
            until: Time at which it is sent again, aware.
            duration: ISO 8601 duration after which it is sent again, e.g. ``PT2H``, in place of
                ``until``.
        """
        path = f"/notifications/{part(notification_id)}/snooze"
        given = {"until": until} if duration is None else {"for": duration}
        return self._notification(await self._rest.request("POST", path, given))

    async def mark_all_read(self) -> int:
        """Mark all notifications read; return how many were unread."""
        return int((await self._rest.request("POST", "/notifications/read-all"))["marked"])

    async def delete_notification(self, notification_id: str) -> None:
        """Delete a notification permanently."""
        await self._rest.request("DELETE", f"/notifications/{part(notification_id)}")

    def _notification(self, value: Mapping[str, Any]) -> Notification:
        notification = Notification.of(value, self.mark_read)
        if notification is None:
            raise ApiError(200, "the response is not a notification")
        return notification


def _include(with_lots: bool) -> str | None:
    return "lots" if with_lots else None


def _outcome(
    value: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any]], Item]
) -> Outcome[Item]:
    item = value.get(name)
    return Outcome(
        value["index"],
        value["status"],
        None if item is None else read(item),
        field_errors(value.get("errors")),
    )
