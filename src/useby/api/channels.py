"""Routes of channels, which deliver notifications to people who have no socket open."""

import logging
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Response

from useby.actions import channels as actions
from useby.api.context import Context, ContextDep, CurrentCaller
from useby.api.context import refusal as refused_token
from useby.api.errors import Problem, problem_responses
from useby.delivery.account_mail import MailQueueFull
from useby.delivery.apprise import Apprise
from useby.delivery.attempts import attempt, test_message
from useby.delivery.channel import NotDelivered
from useby.domain.account import TokenRefused
from useby.domain.addresses import networks
from useby.domain.channel import Channel, ChannelKind, TooManyChannels
from useby.schemas.channels import (
    FULL,
    TARGETS,
    ChannelChange,
    ChannelIn,
    ChannelList,
    ChannelOut,
    DeliveryList,
    DeliveryOut,
    NewChannelOut,
    TestOut,
    misplaced,
    unavailable,
)
from useby.schemas.fields import Id
from useby.schemas.problems import FieldError, sentences
from useby.schemas.urls import refusal
from useby.store import channels

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/channels", tags=["channels"])

KIND: Final = "channel"


@router.get("", operation_id="listChannels", responses=problem_responses(401))
async def list_channels(node: ContextDep, caller: CurrentCaller) -> ChannelList:
    """List the caller's channels, oldest first."""
    found = await node.database.read(lambda c: channels.list_(c, caller.user.id))
    return ChannelList(items=[ChannelOut.of(each) for each in found])


@router.post(
    "",
    operation_id="addChannel",
    status_code=HTTPStatus.CREATED,
    responses=problem_responses(401, 409, 429),
)
async def add_channel(
    node: ContextDep, caller: CurrentCaller, new: ChannelIn, response: Response
) -> NewChannelOut:
    """Create a channel. It delivers what is added from now on; its secret is shown this once.

    A browser's channel ends with the sign-in in which it is made. A subscription that the account
    has already is not added again: its channel is enabled, and returned. An e-mail address is sent
    a link, and the channel delivers what is added after its owner has confirmed it.
    """
    if new.kind not in node.senders:
        raise _refused(FieldError(at="body.kind", message=unavailable(node.senders.keys())))
    user_id, now = caller.user.id, node.now()
    await _check_target(node, user_id, new.kind, new)
    if new.kind is ChannelKind.EMAIL:
        _count_mail(node, user_id)
    try:
        channel = await node.database.write(
            lambda t: actions.create(
                t, user_id, new.kind, new.fields, now, caller.claims.session_id
            )
        )
    except TooManyChannels:
        raise Problem(HTTPStatus.CONFLICT, FULL) from None
    except TokenRefused as error:
        raise refused_token(node, caller.claims, error) from None
    _send_confirmation(node, channel)
    response.headers["Cache-Control"] = "no-store"
    return NewChannelOut.of(channel)


@router.get("/{channel_id}", operation_id="getChannel", responses=problem_responses(401, 404))
async def get_channel(node: ContextDep, caller: CurrentCaller, channel_id: Id) -> ChannelOut:
    """Return a channel, with the state of its last attempts."""
    return ChannelOut.of(await _channel(node, caller.user.id, channel_id))


@router.patch(
    "/{channel_id}", operation_id="changeChannel", responses=problem_responses(401, 404, 429)
)
async def change_channel(
    node: ContextDep, caller: CurrentCaller, channel_id: Id, change: ChannelChange
) -> ChannelOut:
    """Change a channel. What is pending is tried at once, with the new settings.

    `minimumSeverity` and `after` count for notifications that are added from now on. A channel that
    is not enabled sends nothing, and misses what is added. A new `address` is to be confirmed; one
    that is not confirmed yet is sent another link.
    """
    user_id, now = caller.user.id, node.now()
    before = await _channel(node, user_id, channel_id)
    await _check_target(node, user_id, before.kind, change)
    is_same = change.address == before.target and before.is_confirmed
    mails = change.address is not None and not is_same
    if mails:
        _count_mail(node, user_id)
    try:
        channel = await node.database.write(
            lambda t: actions.change(
                t, user_id, channel_id, change.fields, now, caller.claims.session_id
            )
        )
    except TokenRefused as error:
        raise refused_token(node, caller.claims, error) from None
    if channel is None:
        raise Problem.not_found(KIND)
    if mails:
        _send_confirmation(node, channel)
    return ChannelOut.of(channel)


@router.delete(
    "/{channel_id}",
    operation_id="deleteChannel",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 404),
)
async def delete_channel(node: ContextDep, caller: CurrentCaller, channel_id: Id) -> None:
    """Delete a channel, with its deliveries."""
    user_id, now = caller.user.id, node.now()
    if not await node.database.write(lambda t: actions.delete(t, user_id, channel_id, now)):
        raise Problem.not_found(KIND)


@router.post(
    "/{channel_id}/test", operation_id="testChannel", responses=problem_responses(401, 404, 429)
)
async def test_channel(node: ContextDep, caller: CurrentCaller, channel_id: Id) -> TestOut:
    """Send a test message now, and return what happened; the caller gets no notification.

    A browser's subscription that has ended is deleted with its channel.
    """
    wait = node.rates.hit("channel", caller.user.id)
    if wait is not None:
        raise Problem.too_many(wait)
    channel = await _channel(node, caller.user.id, channel_id)
    try:
        detail = await attempt(node.senders, channel, test_message(channel, node.now()))
    except NotDelivered as failed:
        if failed.is_gone:
            now = node.now()
            await node.database.write(lambda t: actions.delete_gone(t, channel, now))
        return TestOut(sent=False, detail=failed.reason)
    return TestOut(sent=True, detail=detail)


@router.get(
    "/{channel_id}/deliveries",
    operation_id="listDeliveries",
    responses=problem_responses(401, 404),
)
async def list_deliveries(node: ContextDep, caller: CurrentCaller, channel_id: Id) -> DeliveryList:
    """List the last 100 deliveries of a channel, newest first."""
    user_id = caller.user.id
    await _channel(node, user_id, channel_id)
    found = await node.database.read(
        lambda c: channels.deliveries(c, user_id, channel_id), user_id=user_id
    )
    return DeliveryList(items=[DeliveryOut.of(each) for each in found])


async def _channel(node: Context, user_id: str, channel_id: str) -> Channel:
    """Return one of the user's channels.

    Raises:
        Problem: 404, the user has no such channel.
    """
    channel = await node.database.read(lambda c: channels.get(c, user_id, channel_id))
    if channel is None:
        raise Problem.not_found(KIND)
    return channel


async def _check_target(
    node: Context, user_id: str, kind: ChannelKind, given: ChannelIn | ChannelChange
) -> None:
    """Refuse a target that is missing or of another kind, or to which no node connects.

    Raises:
        Problem: 422, with the reason.
    """
    error = misplaced(kind, given)
    target = given.fields.get("target")
    if error is None and target is not None and kind is not ChannelKind.EMAIL:
        sender = node.senders.get(kind)
        if isinstance(sender, Apprise):
            reason = await sender.refusal(user_id, target)
        else:
            reason = refusal(target, networks(node.settings.outbound_allowed_networks))
        if reason is not None:
            error = FieldError(at=f"body.{TARGETS[kind][0]}", message=reason)
    if error is not None:
        raise _refused(error)


def _count_mail(node: Context, user_id: str) -> None:
    """Count a mail that a user requests.

    Raises:
        Problem: 429, the user has requested too many.
    """
    wait = node.rates.hit("confirm", user_id)
    if wait is not None:
        raise Problem.too_many(wait)


def _send_confirmation(node: Context, channel: Channel) -> None:
    """Have a link sent to an address that is not confirmed.

    No address gets more of them than its rate allows, and the answer does not reveal that others
    have requested some.
    """
    if channel.is_confirmed or node.mail is None:
        return
    if node.rates.hit("confirm-to", channel.target.lower()) is not None:
        return
    try:
        node.mail.confirm(channel)
    except MailQueueFull:
        log.warning("too many mails wait: no link was sent to confirm an address")


def _refused(error: FieldError) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentences([error]), errors=[error])
