"""F34: others guess an owner's password from many addresses; the owner signs in all the same."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import Wires

PASSWORD = "correct horse battery"
GUESSERS = 3
GUESSES = 4
"""Of each guesser at each of two e-mails, in a round."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with watched(
        tmp_path_factory.mktemp("f34"),
        forked=False,  # its passwords cost as much as those of a node
        login_rate="5/minute",
        trusted_proxies="127.0.0.1",
    ) as server:
        yield server


class SignIns:
    """Sign-ins from addresses that the proxy of this machine names."""

    def __init__(self, rest: httpx.AsyncClient) -> None:
        self._rest = rest

    async def sign_in(self, address: str, email: str, password: str, **more: Any) -> httpx.Response:
        return await self._rest.post(
            "/api/auth/login",
            json={"email": email, "password": password} | more,
            headers={"X-Forwarded-For": address},
        )


async def test_an_owner_signs_in_from_known_and_new_devices_while_many_guess(
    server: NodeProcess, record_property: live.Record
) -> None:
    rounds = iter(range(1, 10))

    async def attack(_: Wires) -> None:
        number = next(rounds)
        email, nobody = f"{uuid.uuid4()}@example.org", f"{uuid.uuid4()}@example.org"
        at_home, on_the_road = f"198.51.100.{number}", f"203.0.113.{number}"
        async with server.rest() as rest:
            sign_ins = SignIns(rest)
            account = {"email": email, "password": PASSWORD}
            await rest.post("/api/auth/signup", json=account)
            signed_in = await sign_ins.sign_in(at_home, email, PASSWORD)
            assert signed_in.status_code == 200
            answers = {email: list[int](), nobody: list[int]()}

            async def guess(guesser: int) -> None:
                for _ in range(GUESSES):
                    for victim, answered in answers.items():
                        answer = await sign_ins.sign_in(
                            f"192.0.{number}.{guesser}", victim, "wrong"
                        )
                        answered.append(answer.status_code)
                        if answer.status_code == 429:
                            assert 1 <= int(answer.headers["retry-after"]) <= 60

            await asyncio.gather(*map(guess, range(GUESSERS)))
            assert sorted(set(answers[email])) == [401, 429]
            assert set(answers[nobody]) == set(answers[email]), (
                "an e-mail without an account is answered alike"
            )
            for address in (at_home, on_the_road):
                answer = await sign_ins.sign_in(address, email, PASSWORD)
                assert answer.status_code == 200, "the owner is not locked out"
                tokens = answer.json()
                server.secrets |= {tokens["accessToken"], tokens["refreshToken"]}
            shown = {"refreshToken": tokens["refreshToken"]}
            answer = await sign_ins.sign_in(f"192.0.{number}.0", email, PASSWORD, **shown)
            assert answer.status_code == 200, "nor is their device in a guesser's own network"

    await unharmed(server, record_property, attack)
