"""Claims of a valid token."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from useby.auth.claims import MAX_SUBJECT, Claims, FailedCheck, InvalidToken, claims_of

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = int(NOW.timestamp())
GOOD = {"sub": "ada", "iat": SECOND - 60, "exp": SECOND + 60, "jti": "7"}


def read(now: datetime = NOW, /, **changes: Any) -> Claims:
    return claims_of(GOOD | changes, user_claim="sub", session_id="s1", now=now)


def test_the_claims_are_the_users_id_their_sign_in_and_the_times() -> None:
    minute = timedelta(minutes=1)
    assert read() == Claims("ada", "s1", NOW - minute, NOW + minute, "7")


def test_the_users_id_is_taken_from_the_claim_that_is_named() -> None:
    claims = claims_of(GOOD | {"userId": "bob"}, user_claim="userId", session_id=None, now=NOW)
    assert claims.user_id == "bob"
    assert claims.session_id is None


def test_a_token_is_good_until_its_very_last_moment_and_expired_from_exp_on() -> None:
    exp = datetime.fromtimestamp(SECOND + 60, UTC)
    assert read(exp - timedelta(microseconds=1)).expires_at == exp
    with pytest.raises(InvalidToken) as refused:
        read(exp)
    assert refused.value.expired


def test_the_end_of_a_token_is_rounded_down_to_a_second() -> None:
    """Frames carry whole seconds, and ends are looked for once in each."""
    exp = datetime.fromtimestamp(SECOND + 60, UTC)
    assert read(exp=SECOND + 60.99).expires_at == exp
    with pytest.raises(InvalidToken) as refused:
        read(exp, exp=SECOND + 60.99)
    assert refused.value.expired


def test_a_token_is_not_valid_before_its_nbf() -> None:
    assert read(nbf=SECOND)
    with pytest.raises(InvalidToken) as refused:
        read(nbf=SECOND + 1)
    assert not refused.value.expired


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "value",
    [str(SECOND + 60), 1e30, 10**400, True, -1, -0.5, float("nan"), float("inf"), None, [], {}],
    ids=lambda value: f"{type(value).__name__} {str(value)[:12]}",
)
def test_a_token_with_a_time_outside_every_calendar_is_refused(claim: str, value: object) -> None:
    with pytest.raises(InvalidToken) as refused:
        read(**{claim: value})
    assert not refused.value.expired


def test_a_token_without_an_end_is_refused() -> None:
    with pytest.raises(InvalidToken):
        claims_of({"sub": "ada"}, user_claim="sub", session_id=None, now=NOW)


@pytest.mark.parametrize(
    "sub",
    [
        "",
        None,
        7,
        7.0,
        True,
        10**128,
        ["ada"],
        {"$ne": 1},
        "a\nb",
        "a\0",
        "\x7f",
        "\ud800",
        "\u202e",
        "x" * 129,
    ],
    ids=repr,
)
def test_a_subject_that_is_no_short_printable_text_refuses_the_token(sub: object) -> None:
    with pytest.raises(InvalidToken):
        read(sub=sub)


@pytest.mark.parametrize("number", [0, 7, -7, 2**64, 10**127])
def test_an_outside_subject_that_is_a_whole_number_is_taken_as_its_text(number: int) -> None:
    claims = claims_of(GOOD | {"sub": number}, user_claim="sub", session_id=None, now=NOW)
    assert claims.user_id == str(number)


@pytest.mark.parametrize("number", [7.0, True, 10**128])
def test_an_outside_subject_that_is_another_number_refuses_the_token(number: object) -> None:
    with pytest.raises(InvalidToken):
        claims_of(GOOD | {"sub": number}, user_claim="sub", session_id=None, now=NOW)


def test_a_refusal_has_its_reason_and_the_subject_and_quotes_little() -> None:
    for changes, reason in (
        ({"exp": SECOND}, FailedCheck.EXPIRY),
        ({"nbf": SECOND + 1}, FailedCheck.NOT_YET),
        ({"iat": SECOND + 61}, FailedCheck.NOT_YET),
    ):
        with pytest.raises(InvalidToken) as refused:
            read(**changes)
        assert (refused.value.reason, refused.value.subject) == (reason, "ada")
        assert str(refused.value).startswith(f"{reason}: ")
    with pytest.raises(InvalidToken) as refused:
        read(exp="s3cr3t" * 1000)
    assert refused.value.reason is FailedCheck.CLAIM
    assert "exp must be a number" in str(refused.value)
    assert len(str(refused.value)) < 200


def test_a_subject_may_have_128_characters_of_any_script() -> None:
    assert read(sub="ж" * MAX_SUBJECT).user_id == "ж" * MAX_SUBJECT
    assert read(sub="auth0|ada lovelace").user_id == "auth0|ada lovelace"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["sub", "exp", "iat", "nbf", "jti"]), json_values))
def test_a_token_with_any_claims_is_accepted_or_refused(changes: dict[str, Any]) -> None:
    try:
        claims = claims_of(GOOD | changes, user_claim="sub", session_id=None, now=NOW)
    except InvalidToken:
        return
    assert claims.user_id
    assert claims.expires_at > NOW


def test_a_token_that_is_dated_more_than_a_minute_ahead_is_refused() -> None:
    """Own tokens and an outside issuer's are read by the same function."""
    assert read(iat=SECOND + 60)
    with pytest.raises(InvalidToken) as refused:
        read(iat=SECOND + 60.001)
    assert not refused.value.expired


@pytest.mark.parametrize("value", [99_999_999_999_999, 10**400, 1e30, float("inf")])
def test_a_time_after_the_year_9999_is_named_as_one(value: float) -> None:
    with pytest.raises(InvalidToken, match=r"exp must be .* and is later than the year 9999"):
        read(exp=value)
