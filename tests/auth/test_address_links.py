"""Links of mails to a channel's address: signed by its secret, bound to the address.

covers: useby.auth.signed_links
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.factories import NOON

from useby.auth.address_links import (
    CONFIRM_WITHIN,
    AddressLink,
    LinkedChannel,
    channel_of,
    confirm_token,
    is_valid,
    unsubscribe_token,
)
from useby.auth.signed_links import sign
from useby.domain.channel import Channel, ChannelKind

CHANNEL = Channel(
    id="c-1",
    user_id="ada of a backend",
    kind=ChannelKind.EMAIL,
    name="Mail",
    created_at=NOON,
    target="ada@useby.example",
    secret="whsec_one",
)
CONFIRM, UNSUBSCRIBE = AddressLink.CONFIRM, AddressLink.UNSUBSCRIBE


def test_a_token_names_its_channel() -> None:
    ends = int((NOON + CONFIRM_WITHIN).timestamp())
    assert channel_of(confirm_token(CHANNEL, NOON)) == LinkedChannel(
        ends, "c-1", "ada of a backend"
    )
    assert channel_of(unsubscribe_token(CHANNEL)) == LinkedChannel(0, "c-1", "ada of a backend")


def test_a_confirmation_ends_after_24_hours_and_a_link_that_ends_mails_never() -> None:
    token = confirm_token(CHANNEL, NOON)
    assert timedelta(hours=24) == CONFIRM_WITHIN
    assert is_valid(CHANNEL, CONFIRM, token, NOON + CONFIRM_WITHIN - timedelta(seconds=1))
    assert not is_valid(CHANNEL, CONFIRM, token, NOON + CONFIRM_WITHIN)
    late = NOON + timedelta(days=3650)
    assert is_valid(CHANNEL, UNSUBSCRIBE, unsubscribe_token(CHANNEL), late)


@pytest.mark.parametrize(
    "other",
    [
        replace(CHANNEL, secret="whsec_two"),
        replace(CHANNEL, target="eve@useby.example"),
        replace(CHANNEL, kind=ChannelKind.WEBHOOK),
        replace(CHANNEL, secret=None),
    ],
)
def test_a_link_is_for_one_secret_and_one_address_of_a_mail_channel(other: Channel) -> None:
    assert not is_valid(other, CONFIRM, confirm_token(CHANNEL, NOON), NOON)
    assert not is_valid(other, UNSUBSCRIBE, unsubscribe_token(CHANNEL), NOON)


def test_a_link_of_one_purpose_does_nothing_else() -> None:
    assert not is_valid(CHANNEL, UNSUBSCRIBE, confirm_token(CHANNEL, NOON), NOON)
    assert not is_valid(CHANNEL, CONFIRM, unsubscribe_token(CHANNEL), NOON)


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "x.y", "é.y", "////", "a" * 512),
        *(sign(b"k", CONFIRM, body, "") for body in ("", "1", "1 c", "x c u", "-1 c u")),
        *(sign(b"k", CONFIRM, body, "") for body in ("9" * 5000 + " c u", "1 c \0", "² c u")),
    ],
)
def test_a_malformed_token_names_nothing(text: str) -> None:
    assert channel_of(text) is None
    assert not is_valid(CHANNEL, CONFIRM, text, NOON)


def test_a_channel_without_a_secret_has_no_links() -> None:
    with pytest.raises(ValueError, match="another kind"):
        unsubscribe_token(replace(CHANNEL, secret=None))
