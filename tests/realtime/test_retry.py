"""Retries while the database is unavailable."""

import asyncio

import pytest

from useby.realtime import retry
from useby.realtime.retry import retry_while_unavailable
from useby.store.database import StoreUnavailable


async def test_an_attempt_is_repeated_until_the_database_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry, "RETRY_SECONDS", 0.001)
    failures = iter(range(3))

    async def attempt() -> str:
        for _ in failures:
            raise StoreUnavailable("as if the disk were gone")
        return "rows"

    assert await retry_while_unavailable(attempt) == "rows"


async def test_waits_between_attempts_grow_up_to_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def attempt() -> None:
        if len(waits) < 8:
            raise StoreUnavailable("as if the disk were gone")

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await retry_while_unavailable(attempt)

    assert retry.RETRY_SECONDS / 2 <= waits[0] <= retry.RETRY_SECONDS
    assert retry.RETRY_MAX_SECONDS / 2 <= waits[-1] <= retry.RETRY_MAX_SECONDS


async def test_another_exception_is_raised_at_once() -> None:
    attempts = 0

    async def attempt() -> None:
        nonlocal attempts
        attempts += 1
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await retry_while_unavailable(attempt)
    assert attempts == 1
