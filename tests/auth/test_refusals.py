"""Log lines about refused tokens."""

import logging
from datetime import UTC, datetime

import pytest

from useby.auth.claims import Claims, FailedCheck, InvalidToken
from useby.auth.refusals import LINES, WINDOW_SECONDS, RefusalLog
from useby.domain.account import TokenStatus

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Clock:
    """Seconds that pass when a test sets them."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_line_has_the_reason_and_the_user_if_the_signature_was_good(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        RefusalLog().write(InvalidToken(FailedCheck.AUDIENCE, "'useby' is expected", "ada"))
        RefusalLog().write(InvalidToken(FailedCheck.SIGNATURE, "another key signed it"))
    assert caplog.messages == [
        "a token was refused: audience: 'useby' is expected (user 'ada')",
        "a token was refused: signature: another key signed it",
    ]


def test_each_reason_has_a_few_lines_in_a_window_and_the_next_line_counts_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    written = RefusalLog(clock)
    with caplog.at_level(logging.INFO):
        for _ in range(1000):
            written.write(InvalidToken(FailedCheck.SIGNATURE, "forged"))
        written.write(InvalidToken(FailedCheck.AUDIENCE, "wrong"))
        assert len(caplog.messages) == LINES + 1
        assert caplog.messages[-1].endswith("audience: wrong")
        clock.seconds += WINDOW_SECONDS
        written.write(InvalidToken(FailedCheck.SIGNATURE, "forged"))
        assert caplog.messages[-1].endswith(
            f"forged ({1000 - LINES} more for this reason were not logged)"
        )
        clock.seconds += WINDOW_SECONDS
        written.write(InvalidToken(FailedCheck.SIGNATURE, "forged"))
        assert caplog.messages[-1].endswith("forged")


def test_a_refused_origin_is_escaped_and_limited_and_its_line_names_the_setting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    written = RefusalLog(clock)
    with caplog.at_level(logging.INFO):
        for number in range(1000):
            written.write_origin(f"https://{number}.example\x1b[2J" + "x" * 9000)
        assert len(caplog.messages) == LINES
        assert r"USEBY_ALLOWED_ORIGINS lacks 'https://0.example\x1b[2Jxxx" in caplog.messages[0]
        assert max(map(len, caplog.messages)) < 300
        clock.seconds += WINDOW_SECONDS
        written.write_origin("null")
    assert caplog.messages[-1].endswith(
        f"'null' ({1000 - LINES} more for this reason were not logged)"
    )


def test_a_refusal_is_not_logged_above_info(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        RefusalLog().write(InvalidToken(FailedCheck.SIGNATURE, "forged"))
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("standing", "session_id", "provisions", "line"),
    [
        (
            TokenStatus.UNKNOWN,
            None,
            False,
            "account: there is none for user '42', and USEBY_JWT_AUTO_PROVISION is off",
        ),
        (TokenStatus.UNKNOWN, None, True, "account: there is none for user '42'"),
        (TokenStatus.UNKNOWN, "s1", False, "account: there is none for user '42'"),
        (TokenStatus.DISABLED, None, False, "account: '42' is disabled"),
        (TokenStatus.REVOKED, "s1", False, "sign-in: it has ended (user '42')"),
    ],
)
def test_a_line_has_the_reason_why_an_account_does_not_accept_a_token(
    caplog: pytest.LogCaptureFixture,
    standing: TokenStatus,
    session_id: str | None,
    provisions: bool,
    line: str,
) -> None:
    claims = Claims("42", session_id, NOON, NOON, "")
    log = RefusalLog()
    with caplog.at_level(logging.INFO):
        for _ in range(LINES + 1):
            log.write_standing(standing, claims, provisions=provisions)
    assert caplog.messages == [f"a token was refused: {line}"] * LINES
