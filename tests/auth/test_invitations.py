"""Invitations: signed, bound to the present password, and for a time."""

from datetime import timedelta

import pytest
from tests.support.factories import NOON

from useby.auth.invitations import is_valid, new_invitation, user_of

KEY = b"k" * 32
ENDS = NOON + timedelta(days=7)


def test_an_invitation_names_its_account_and_is_valid_until_its_end() -> None:
    invitation = new_invitation(KEY, "ada", None, ENDS)
    assert user_of(invitation) == "ada"
    assert is_valid(KEY, invitation, None, NOON)
    assert not is_valid(KEY, invitation, None, ENDS)


def test_an_invitation_ends_when_a_password_is_set() -> None:
    invitation = new_invitation(KEY, "ada", "old hash", ENDS)
    assert is_valid(KEY, invitation, "old hash", NOON)
    assert not is_valid(KEY, invitation, "new hash", NOON)
    assert not is_valid(KEY, invitation, None, NOON)


def test_an_invitation_of_another_key_is_not_valid() -> None:
    assert not is_valid(b"x" * 32, new_invitation(KEY, "ada", None, ENDS), None, NOON)


@pytest.mark.parametrize("text", ["", ".", "x.y", "é.y", "////", "YQ.YQ", "a" * 512])
def test_a_malformed_invitation_is_not_valid(text: str) -> None:
    user_of(text)
    assert not is_valid(KEY, text, None, NOON)


def test_an_invitation_with_another_end_is_not_valid() -> None:
    later = new_invitation(b"x" * 32, "ada", None, ENDS + timedelta(days=999))
    ours = new_invitation(KEY, "ada", None, ENDS)
    forged = f"{later.partition('.')[0]}.{ours.partition('.')[2]}"
    assert not is_valid(KEY, forged, None, NOON)
