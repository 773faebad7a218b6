"""F36: the keys of an outside issuer cannot be fetched, then they can, then they cannot again."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest
from tests.support import process_node as live
from tests.support.bystander import receives_throughout
from tests.support.foreign_clients import Ended, client_of, take, until_closed
from tests.support.issuers import RSA, KeyServer, jwk_of, key_server, key_set
from tests.support.patient_client import connect
from tests.support.process_node import NodeProcess
from tests.support.time_limits import HANG_TIMEOUT
from websockets import Subprotocol

from useby.auth.tokens import FOR_ANYBODY
from useby.client import Event, Notifications, State, Timing

AWAY: tuple[list[str], Ended] = ([], Ended(1013, "Issuer unavailable"))
BAD: tuple[list[str], Ended] = ([], Ended(1008, "Invalid access token"))


@pytest.fixture
async def keys() -> AsyncIterator[KeyServer]:
    async with key_server() as keys:
        keys.body = key_set(jwk_of("RS256", "1"))
        keys.status = "503 Service Unavailable"
        yield keys


@pytest.fixture
def server(tmp_path: Path, keys: KeyServer) -> Iterator[NodeProcess]:
    with live.serving(tmp_path, jwt_jwks_url=keys.url, jwt_auto_provision="true") as server:
        assert FOR_ANYBODY in server.log, "it accepts tokens for any issuer and audience"
        yield server


def token_of(server: NodeProcess, kid: str = "1") -> str:
    now = int(datetime.now(UTC).timestamp())
    claims = {"sub": "outsider", "iat": now, "exp": now + 600}
    token = jwt.encode(claims, RSA, "RS256", {"kid": kid})
    server.secrets.add(token)
    return token


async def test_a_token_that_cannot_be_verified_now_is_not_refused_and_clients_reconnect(
    server: NodeProcess, keys: KeyServer, record_property: live.Record
) -> None:
    good, unknown = token_of(server), token_of(server, "unknown")
    closes: list[int | None] = []
    connected = asyncio.Event()

    def on_event(event: Event) -> None:
        if isinstance(event, State) and event.name == "waiting":
            closes.append(event.code)
        if isinstance(event, State) and event.name == "connected":
            connected.set()

    async with (
        receives_throughout(server, record_property),
        client_of("websockets") as connected_by,
        server.rest() as rest,
        Notifications(
            server.url,
            token=good,
            on_event=on_event,
            timing=Timing(backoff_base=0.1, backoff_max=1),
        ) as client,
    ):
        listening = asyncio.create_task(anext(aiter(client)))
        for token in (good, unknown, good):
            assert await until_closed(await connected_by(server.socket_url(token))) == AWAY
        answer = await rest.get("/api/me", headers={"authorization": f"Bearer {good}"})
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        keys.status = "200 OK"
        async with asyncio.timeout(HANG_TIMEOUT):
            await connected.wait()
        assert set(closes) == {1013}
        answer = await rest.get("/api/me", headers={"authorization": f"Bearer {good}"})
        assert answer.status_code == 200
        assert await until_closed(await connected_by(server.socket_url(unknown))) == BAD
        keys.status = "503 Service Unavailable"
        await take(await connected_by(server.socket_url(good)), 1)
        listening.cancel()


async def test_a_session_goes_on_with_the_token_it_has_when_a_fresh_one_cannot_be_judged(
    server: NodeProcess,
) -> None:
    person = server.person()
    url = server.socket_url(person.token)
    async with connect(url, subprotocols=[Subprotocol("useby.v1")]) as client:
        await client.recv()
        await client.send(json.dumps({"action": "authenticate", "access_token": token_of(server)}))
        assert json.loads(await client.recv()) == {
            "type": "REJECTED",
            "reason": "Issuer unavailable",
            "action": "authenticate",
        }
        await client.send("PING")
        assert json.loads(await client.recv()) == {"type": "pong"}
