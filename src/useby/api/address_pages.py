"""Pages to which links of mails to a channel's address lead: GET shows, POST does.

A mail program that offers to end mails sends the POST by itself (RFC 8058).
"""

from http import HTTPStatus
from typing import Final

from fastapi import Request, Response

from useby.actions import channels as actions
from useby.api.context import Context, context_of
from useby.api.errors import Problem
from useby.api.plain_page import form, page, paragraph, refusal
from useby.auth.address_links import AddressLink, channel_of, is_valid
from useby.auth.rate_limits import network_of
from useby.domain.channel import Channel
from useby.store import channels

CONFIRM: Final = "Confirm your address"
UNSUBSCRIBE: Final = "No more mails"
INVALID: Final = {
    AddressLink.CONFIRM: "The link has expired or was used, or a newer mail has another one.",
    AddressLink.UNSUBSCRIBE: (
        "This link ends no mails: the account sends none to this address any more, or the link is"
        " not complete. Open the one in the newest mail."
    ),
}


async def show_confirm(request: Request) -> Response:  # noqa: ARG001 - the interface of Starlette
    """Return the button that confirms an address; the token is checked when it is pressed."""
    text = "An account of this server wants notifications as mails to your address."
    return page(CONFIRM, paragraph(text), form("Confirm the address"))


async def confirm(request: Request) -> Response:
    """Confirm the address of a channel. The link works once."""
    node = context_of(request)
    try:
        channel, now = await _verified(node, request, AddressLink.CONFIRM), node.now()
    except Problem as refused:
        return refusal(CONFIRM, refused)
    if not await node.database.write(lambda t: actions.confirm(t, channel, now)):
        return refusal(CONFIRM, Problem(HTTPStatus.FORBIDDEN, INVALID[AddressLink.CONFIRM]))
    text = "Your address is confirmed. Each mail has a link that ends them."
    return page("The address is confirmed", paragraph(text))


async def show_unsubscribe(request: Request) -> Response:  # noqa: ARG001 - as above
    """Return the button that ends the mails."""
    text = "useby sends no more notifications to your address, until you confirm it again."
    return page(UNSUBSCRIBE, paragraph(text), form("End the mails"))


async def unsubscribe(request: Request) -> Response:
    """End the mails of a channel. A repetition changes nothing."""
    node = context_of(request)
    try:
        channel, now = await _verified(node, request, AddressLink.UNSUBSCRIBE), node.now()
    except Problem as refused:
        return refusal(UNSUBSCRIBE, refused)
    await node.database.write(lambda t: actions.unsubscribe(t, channel, now))
    return page("The mails have ended", paragraph("No more notifications come to your address."))


async def _verified(node: Context, request: Request, purpose: AddressLink) -> Channel:
    """Return the channel of a valid link. Only links that are not valid count against a network.

    Raises:
        Problem: 403, the link is not valid; 429, the network has tried too many of those.
    """
    token = request.query_params.get("token", "")
    found = channel_of(token)
    if found is not None:
        channel = await node.database.read(
            lambda c: channels.get(c, found.user_id, found.channel_id)
        )
        if channel is not None and is_valid(channel, purpose, token, node.now()):
            return channel
    wait = node.rates.hit("link", network_of(request.client.host if request.client else ""))
    if wait is not None:
        raise Problem.too_many(wait)
    raise Problem(HTTPStatus.FORBIDDEN, INVALID[purpose])
