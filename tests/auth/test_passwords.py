"""Passwords."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from tests.support.cheap_passwords import Counted, cheap_passwords
from tests.support.quick_sign_in import RECOMMENDED

from useby.auth.passwords import MAX_PENDING, THREADS, PasswordQueueFull, Passwords


@pytest.fixture
def hasher() -> Counted:
    return Counted()


@pytest.fixture
def passwords(hasher: Counted, monkeypatch: pytest.MonkeyPatch) -> Iterator[Passwords]:
    passwords = cheap_passwords(hasher, monkeypatch)
    yield passwords
    passwords.close()


async def test_passwords_are_stored_as_argon2id_with_the_librarys_parameters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PasswordHash, "recommended", RECOMMENDED)
    passwords = Passwords()
    hashed = await passwords.hash("correct horse")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await passwords.verify("correct horse", hashed) == (True, None)
    passwords.close()


async def test_a_password_is_right_or_wrong(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse")
    assert await passwords.verify("correct horse", hashed) == (True, None)
    assert await passwords.verify("correct horses", hashed) == (False, None)
    assert await passwords.verify("", hashed) == (False, None)


async def test_two_people_with_one_password_have_two_hashes(passwords: Passwords) -> None:
    assert await passwords.hash("correct horse") != await passwords.hash("correct horse")


async def test_an_unknown_account_costs_the_same_work(
    passwords: Passwords, hasher: Counted
) -> None:
    hashed = await passwords.hash("correct horse")
    for first in (None, hashed):
        other = Passwords()  # where nothing has been looked at yet
        spent = []
        for kept in (first, None, hashed):
            hasher.work.clear()
            await other.verify("wrong", kept)
            spent.append(hasher.work.copy())
        assert spent == [["hash", "verify"], ["verify"], ["verify"]]
        other.close()


async def test_an_account_without_a_password_accepts_none(passwords: Passwords) -> None:
    for password in ("", "nobody's password"):
        assert await passwords.verify(password, None) == (False, None)


@pytest.mark.parametrize("kept", ["", "x", "$argon2id$", "$2b$12$abc", "correct horse"])
async def test_a_malformed_hash_accepts_no_password(passwords: Passwords, kept: str) -> None:
    assert await passwords.verify("correct horse", kept) == (False, None)


async def test_a_hash_with_old_parameters_is_replaced(
    passwords: Passwords,
) -> None:
    old = Argon2Hasher(time_cost=2, memory_cost=8, parallelism=1).hash("correct horse")
    right, better = await passwords.verify("correct horse", old)
    assert right
    assert better is not None
    assert await passwords.verify("correct horse", better) == (True, None)
    assert await passwords.verify("wrong", old) == (False, None)


async def test_the_same_characters_are_the_same_password_on_every_keyboard(
    passwords: Passwords,
) -> None:
    hashed = await passwords.hash("cr\u00e8me br\u00fbl\u00e9e")
    assert (await passwords.verify("cre\u0300me bru\u0302le\u0301e", hashed))[0]


async def test_a_flood_waits_in_a_bounded_queue_and_the_rest_is_rejected(
    passwords: Passwords, hasher: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = await passwords.hash("correct horse")
    go = threading.Event()
    monkeypatch.setattr(hasher, "verify", lambda *_: go.wait())
    waiting = [asyncio.create_task(passwords.verify("any", hashed)) for _ in range(MAX_PENDING)]
    await asyncio.sleep(0)  # let them all begin
    with pytest.raises(PasswordQueueFull):
        await passwords.verify("any", hashed)
    with pytest.raises(PasswordQueueFull):
        await passwords.hash("any")
    assert len(passwords._pool._threads) == THREADS
    go.set()
    assert await asyncio.gather(*waiting) == [(True, None)] * MAX_PENDING
    assert await passwords.verify("any", hashed) == (True, None)


async def test_a_cancelled_check_leaves_the_queue_and_its_thread_stays_taken(
    passwords: Passwords, hasher: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = await passwords.hash("correct horse")
    go, working = threading.Event(), threading.Semaphore(0)

    def verify(*_: object) -> bool:
        working.release()
        return go.wait()

    monkeypatch.setattr(hasher, "verify", verify)
    waiting = [asyncio.create_task(passwords.verify("any", hashed)) for _ in range(MAX_PENDING)]
    await asyncio.sleep(0)  # let them all begin
    for _ in range(THREADS):
        await asyncio.to_thread(working.acquire)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert passwords._room._value == MAX_PENDING - THREADS
    go.set()
