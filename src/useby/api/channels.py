"""Routes of channels, which deliver notifications to people who have no socket open."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Response

from useby.actions import channels as actions
from useby.api.context import Context, ContextDep, CurrentCaller
from useby.api.errors import Problem, problem_responses
from useby.delivery.apprise import Apprise
from useby.delivery.attempts import attempt, test_message
from useby.delivery.channel import NotDelivered
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
    responses=problem_responses(401, 409),
)
async def add_channel(
    node: ContextDep, caller: CurrentCaller, new: ChannelIn, response: Response
) -> NewChannelOut:
    """Create a channel. It delivers what is added from now on; its secret is shown this once.

    A browser's subscription that the account has already is not added again: its channel is
    enabled, and returned.
    """
    if new.kind not in node.senders:
        raise _refused(FieldError(at="body.kind", message=unavailable(node.senders.keys())))
    user_id, now = caller.user.id, node.now()
    await _check_target(node, user_id, new.kind, new)
    try:
        channel = await node.database.write(
            lambda t: actions.create(t, user_id, new.kind, new.fields, now)
        )
    except TooManyChannels:
        raise Problem(HTTPStatus.CONFLICT, FULL) from None
    response.headers["Cache-Control"] = "no-store"
    return NewChannelOut.of(channel)


@router.get("/{channel_id}", operation_id="getChannel", responses=problem_responses(401, 404))
async def get_channel(node: ContextDep, caller: CurrentCaller, channel_id: Id) -> ChannelOut:
    """Return a channel, with the state of its last attempts."""
    return ChannelOut.of(await _channel(node, caller.user.id, channel_id))


@router.patch("/{channel_id}", operation_id="changeChannel", responses=problem_responses(401, 404))
async def change_channel(
    node: ContextDep, caller: CurrentCaller, channel_id: Id, change: ChannelChange
) -> ChannelOut:
    """Change a channel. What is pending is tried at once, with the new settings.

    `minimumSeverity` and `after` count for notifications that are added from now on. A channel that
    is not enabled sends nothing, and misses what is added.
    """
    user_id, now = caller.user.id, node.now()
    before = await _channel(node, user_id, channel_id)
    await _check_target(node, user_id, before.kind, change)
    channel = await node.database.write(
        lambda t: actions.change(t, user_id, channel_id, change.fields, now)
    )
    if channel is None:
        raise Problem.not_found(KIND)
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
    user_id = caller.user.id
    if not await node.database.write(lambda t: actions.delete(t, user_id, channel_id)):
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
            await node.database.write(lambda t: actions.delete(t, *channel.key))
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
    if error is None and target is not None:
        sender = node.senders.get(kind)
        if isinstance(sender, Apprise):
            reason = await sender.refusal(user_id, target)
        else:
            reason = refusal(target, networks(node.settings.outbound_allowed_networks))
        if reason is not None:
            error = FieldError(at=f"body.{TARGETS[kind][0]}", message=reason)
    if error is not None:
        raise _refused(error)


def _refused(error: FieldError) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentences([error]), errors=[error])
