"""Fixtures of the tests of sign-ins and tokens."""

import pytest
from tests.support.time_limits import HANG_TIMEOUT

from useby.auth import jwks


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an issuer of a test take long for its keys, since the machine may be busy."""
    monkeypatch.setattr(jwks, "TIMEOUT_SECONDS", HANG_TIMEOUT)
