"""Log lines about refused tokens."""

import logging

import pytest

from useby.auth.claims import InvalidToken, Reason
from useby.auth.refusals import LINES, WINDOW_SECONDS, RefusalLog


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
        RefusalLog().write(InvalidToken(Reason.AUDIENCE, "'useby' is expected", "ada"))
        RefusalLog().write(InvalidToken(Reason.SIGNATURE, "another key signed it"))
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
            written.write(InvalidToken(Reason.SIGNATURE, "forged"))
        written.write(InvalidToken(Reason.AUDIENCE, "wrong"))
        assert len(caplog.messages) == LINES + 1
        assert caplog.messages[-1].endswith("audience: wrong")
        clock.seconds += WINDOW_SECONDS
        written.write(InvalidToken(Reason.SIGNATURE, "forged"))
        assert caplog.messages[-1].endswith(
            f"forged ({1000 - LINES} more for this reason were not logged)"
        )
        clock.seconds += WINDOW_SECONDS
        written.write(InvalidToken(Reason.SIGNATURE, "forged"))
        assert caplog.messages[-1].endswith("forged")


def test_a_refusal_is_not_logged_above_info(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        RefusalLog().write(InvalidToken(Reason.SIGNATURE, "forged"))
    assert caplog.messages == []
