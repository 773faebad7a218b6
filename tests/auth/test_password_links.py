"""Tokens of links that set a password: signed, bound to the present password, and for a time."""

from datetime import timedelta

import pytest
from tests.support.factories import NOON

from useby.auth.password_links import LIFETIMES, PasswordLink, is_valid, new_token, user_of

KEY = b"k" * 32
RESET, INVITATION = PasswordLink.RESET, PasswordLink.INVITATION


@pytest.mark.parametrize("purpose", PasswordLink)
def test_a_token_names_its_account_and_is_valid_until_its_end(purpose: PasswordLink) -> None:
    token = new_token(KEY, purpose, "ada", None, NOON)
    assert user_of(token) == "ada"
    assert is_valid(KEY, purpose, token, None, NOON)
    assert is_valid(KEY, purpose, token, None, NOON + LIFETIMES[purpose] - timedelta(seconds=1))
    assert not is_valid(KEY, purpose, token, None, NOON + LIFETIMES[purpose])


def test_a_reset_lives_for_half_an_hour_and_an_invitation_for_a_week() -> None:
    assert LIFETIMES[RESET] == timedelta(minutes=30)
    assert LIFETIMES[INVITATION] == timedelta(days=7)


def test_a_token_ends_when_a_password_is_set() -> None:
    token = new_token(KEY, INVITATION, "ada", "old hash", NOON)
    assert is_valid(KEY, INVITATION, token, "old hash", NOON)
    assert not is_valid(KEY, INVITATION, token, "new hash", NOON)
    assert not is_valid(KEY, INVITATION, token, None, NOON)


def test_a_token_of_another_key_or_purpose_is_not_valid() -> None:
    token = new_token(KEY, RESET, "ada", None, NOON)
    assert not is_valid(b"x" * 32, RESET, token, None, NOON)
    assert not is_valid(KEY, INVITATION, token, None, NOON)


@pytest.mark.parametrize("text", ["", ".", "x.y", "é.y", "////", "YQ.YQ", "MSAA.x", "a" * 512])
def test_a_malformed_token_is_not_valid(text: str) -> None:
    user_of(text)
    assert not is_valid(KEY, RESET, text, None, NOON)


def test_a_token_with_another_end_is_not_valid() -> None:
    later = new_token(KEY, RESET, "ada", None, NOON + timedelta(days=999))
    ours = new_token(KEY, RESET, "ada", None, NOON)
    forged = f"{later.partition('.')[0]}.{ours.partition('.')[2]}"
    assert not is_valid(KEY, RESET, forged, None, NOON)
