"""NATS between nodes: interest, loss, stalls and outages. The servers are real.

covers: useby.bus.hints
"""

import asyncio
import base64
import binascii
import json
import secrets
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import nkeys
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from nats.aio.msg import Msg
from tests.support.bus_recorder import BusRecorder, notified, running_bus
from tests.support.nats_servers import NatsServer, nats_servers
from tests.support.process_node import until
from tests.support.settings import SettingsWithoutFile

from useby import metrics
from useby.bus import Gap
from useby.bus import nats as module
from useby.bus.hints import Hint
from useby.bus.nats import NatsBus
from useby.domain.events import MarkedRead

ANYBODY = Gap()
IDS = tuple(f"0199e3a6-0000-7000-8000-{number:012}" for number in range(250))
AT_ONCE = 4.0
"""Seconds, far more than handing news over takes and less than the bus waits for a server."""


async def flushed(recorder: BusRecorder, other: BusRecorder, user_id: str = "the last") -> None:
    """Wait until ``other`` has received all that ``recorder`` published."""
    await other.subscribe(user_id)
    recorder.bus.publish(notified(user_id))
    await other.until(lambda each: each.hints(user_id))


async def test_a_node_gets_hints_of_the_users_that_it_follows(
    start: Any, shared: NatsServer
) -> None:
    here, there = await start(shared), await start(shared)
    await there.subscribe("ada")
    here.bus.publish(notified("ada"))
    here.bus.publish(notified("eve"))
    here.bus.publish(MarkedRead("ada", IDS))
    await flushed(here, there)
    hints = there.hints("ada")
    assert hints[0] == Hint("ada")
    assert tuple(each for hint in hints[1:] for each in hint.read or ()) == IDS
    assert there.hints("eve") == []
    assert not [each for each in here.received if isinstance(each, Hint)], "it was received before"


@pytest.mark.parametrize("user_id", ["a.b", "*", ">", "a b", "ü/%2E", "x" * 128, "."])
async def test_every_user_id_has_a_subject_of_its_own(
    start: Any, shared: NatsServer, user_id: str
) -> None:
    here, there = await start(shared), await start(shared)
    await there.subscribe(user_id)
    here.bus.publish(notified("somebody else"))
    here.bus.publish(notified(user_id))
    await flushed(here, there)
    assert there.hints(user_id) == [Hint(user_id)]
    assert there.hints("somebody else") == []


async def test_publishing_for_a_user_without_connections_delivers_nothing(
    start: Any, server: NatsServer
) -> None:
    here, there = await start(server), await start(server)
    await there.subscribe("ada")
    await there.subscribe("eve")
    there.bus.unsubscribe("ada")
    await until(lambda: subscriptions(server, 1))
    before = await server.monitoring("varz")
    for _ in range(100):
        here.bus.publish(notified("ada"))
    here.bus.publish(notified("eve"))
    await there.until(lambda recorder: recorder.hints("eve"))
    after = await server.monitoring("varz")
    assert after["in_msgs"] - before["in_msgs"] == 101
    assert after["out_msgs"] - before["out_msgs"] == 1


async def subscriptions(server: NatsServer, count: int) -> bool:
    connections = (await server.monitoring("connz"))["connections"]
    there: int = sum(each["subscriptions"] for each in connections)
    return there == count


async def test_a_thousand_users_who_connect_and_disconnect_leave_no_subscription(
    start: Any, server: NatsServer
) -> None:
    recorder = await start(server)
    for number in range(1000):
        recorder.bus.subscribe(f"user {number}")
    await until(lambda: subscriptions(server, 1000))
    published = {each for missed in recorder.missed for each in missed.user_ids or ()}
    await recorder.until(lambda each: sum(len(m.user_ids or ()) for m in each.missed) >= 1000)
    for number in range(1000):
        recorder.bus.unsubscribe(f"user {number}")
    await until(lambda: subscriptions(server, 0))
    assert published
    assert not recorder.bus._subscriptions


async def test_a_stalled_server_blocks_neither_publish_nor_follow_nor_the_end(
    start: Any, server: NatsServer
) -> None:
    """Far more is published than any buffer takes; the oldest goes, the loop is never held up."""
    recorder = await start(server)
    dropped = metrics.hints_dropped._value.get()
    server.stall()
    longest = 0.0
    for number in range(300):
        began = time.perf_counter()
        recorder.bus.publish(MarkedRead(f"user {number}", IDS))
        recorder.bus.subscribe(f"user {number}")
        await asyncio.sleep(0)
        longest = max(longest, time.perf_counter() - began)
    assert longest < AT_ONCE
    assert metrics.hints_dropped._value.get() > dropped
    assert recorder.bus._size <= module.MAX_QUEUED_BYTES
    # Its end, while all that waits, is bounded by ``start``.


async def test_a_stalled_server_is_detected_and_used_again_when_it_resumes(
    start: Any, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROUND_TRIP_SECONDS", 0.3)
    here, there = await start(server), await start(server)
    await there.subscribe("ada")
    server.stall()
    here.bus.publish(notified("ada"))
    there.bus.subscribe("eve")
    await until(lambda: not here.bus.connected and not there.bus.connected)
    there.received.clear()
    server.go_on()
    await until(lambda: here.bus.connected and there.bus.connected)
    await there.until(lambda recorder: ANYBODY in recorder.received)
    await flushed(here, there)


async def test_an_idle_connection_to_a_stalled_server_is_detected_too(
    start: Any, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PING_SECONDS", 0.2)
    recorder = await start(server)
    server.stall()
    await until(lambda: not recorder.bus.connected)


async def clients(server: NatsServer) -> int:
    connections: list[Any] = (await server.monitoring("connz"))["connections"]
    return len(connections)


async def test_a_stalled_server_is_left_for_another(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROUND_TRIP_SECONDS", 0.3)
    with nats_servers(2) as servers:
        there = await start(*servers)
        left, right = servers if await clients(servers[0]) else reversed(servers)
        left.stall()
        there.bus.subscribe("ada")
        await until(lambda: not there.bus.connected)
        await until(lambda: there.bus.connected)
        assert await clients(right) == 1
        left.go_on()
        here = await start(left)
        await there.subscribe("the last")

        def passes() -> Any:
            """The servers find each other at some moment; a hint before it is lost."""
            here.bus.publish(notified("the last"))
            return there.hints("the last")

        await until(passes, every=0.1)


async def test_a_node_starts_without_nats_and_gets_hints_once_it_is_there(start: Any) -> None:
    with nats_servers() as (server,):
        server.kill()
        here = await start(server, connected=False)
        there = await start(server, connected=False)
        there.bus.subscribe("ada")
        here.bus.publish(notified("ada", 1))
        assert not here.bus.connected
        server.start()
        await until(lambda: here.bus.connected and there.bus.connected)
        await there.until(lambda recorder: ANYBODY in recorder.received)
        await flushed(here, there)


async def test_an_outage_ends_without_help_and_all_users_are_compared(
    start: Any, server: NatsServer
) -> None:
    here, there = await start(server), await start(server)
    await there.subscribe("ada")
    again = metrics.nats_reconnects._value.get()
    for _ in range(2):
        server.kill()
        await until(lambda: not here.bus.connected and not there.bus.connected)
        here.bus.publish(notified("ada"))
        there.received.clear()
        server.start()
        await until(lambda: here.bus.connected and there.bus.connected)
        await there.until(lambda recorder: ANYBODY in recorder.received)
        here.bus.publish(notified("ada"))
        await there.until(lambda recorder: recorder.hints("ada"))
    assert metrics.nats_reconnects._value.get() == again + 4


async def test_a_user_with_too_many_hints_is_compared(
    start: Any, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """nats-py drops messages over its limit, and reports it only on request."""
    take, may_take = NatsBus._on_message, asyncio.Event()

    async def take_late(bus: NatsBus, message: Msg) -> None:
        await may_take.wait()
        await take(bus, message)

    monkeypatch.setattr(module, "WAITING_HINTS", 1)
    monkeypatch.setattr(NatsBus, "_on_message", take_late)
    here, there = await start(server), await start(server)
    await there.subscribe("ada")
    taken = metrics.hints_received._value.get()
    for _ in range(300):
        here.bus.publish(notified("ada"))
    await there.until(
        lambda recorder: len(recorder.hints("ada")) >= 298
    )  # one is in hand, one waits
    assert metrics.hints_received._value.get() == taken, "what was received so far was dropped"
    may_take.set()
    await there.until(lambda recorder: len(recorder.hints("ada")) == 300)
    assert metrics.hints_received._value.get() - taken in (1, 2)
    await flushed(here, there)
    assert there.bus.connected


async def test_a_server_gets_its_password_and_no_log_does(
    caplog: pytest.LogCaptureFixture,
) -> None:
    users = "authorization { users: [{ user: useby, password: 'hunter2-hunter2' }] }"
    with nats_servers(config=users) as (server,):
        address = f"127.0.0.1:{server.port}"
        async with running_bus(urls=(f"nats://useby:hunter2-hunter2@{address}",)) as recorder:
            await recorder.subscribe("ada")
        wrong = (f"nats://useby:hunter3-hunter3@{address}",)
        async with running_bus(urls=wrong, connected=False) as recorder:
            await until(lambda: "no connection to NATS" in caplog.text)
            assert not recorder.bus.connected
    assert "hunter" not in caplog.text


async def test_the_printed_settings_contain_no_password() -> None:
    good: Any = "nats://a:hunter2@b, nats://c"
    settings = SettingsWithoutFile(nats_url=good)
    assert settings.nats_url == ("nats://a:hunter2@b", "nats://c")
    assert "hunter2" not in repr(settings)
    with pytest.raises(ValueError, match="USEBY_NATS_URL") as refusal:
        SettingsWithoutFile(nats_url=("http://a:hunter2@b",))
    assert "hunter2" not in str(refusal.value)
    assert NatsBus(settings).connected is False


async def test_a_server_with_a_certificate_is_verified_by_its_authority(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority, certificate, key = a_certificate(tmp_path)
    config = f"tls {{ cert_file: '{certificate}', key_file: '{key}' }}"
    with nats_servers(config=config) as (server,):
        url = (server.url.replace("nats://", "tls://"),)
        async with running_bus(urls=url, nats_ca=authority) as recorder:
            await recorder.subscribe("ada")
        async with running_bus(
            urls=url, connected=False
        ) as recorder:  # nobody whom this node serves
            await until(lambda: "CERTIFICATE_VERIFY_FAILED" in caplog.text)
            assert not recorder.bus.connected


def a_certificate(folder: Path) -> tuple[Path, Path, Path]:
    """An authority's certificate, and one it has signed for this machine, with its key."""
    now = datetime.now(UTC)
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in ("a", "b")]
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in names]
    paths: list[Path] = []
    for name, own, extension in zip(
        names,
        keys,
        (
            x509.BasicConstraints(ca=True, path_length=None),
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
        ),
        strict=True,
    ):
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names[0])
            .public_key(own.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(extension, critical=False)
            .sign(keys[0], hashes.SHA256())
        )
        paths.append(folder / f"{len(paths)}.pem")
        paths[-1].write_bytes(made.public_bytes(Encoding.PEM))
    key = folder / "key.pem"
    key.write_bytes(keys[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths[0], paths[1], key


async def test_a_creds_file_opens_a_server_of_an_operator(tmp_path: Path) -> None:
    operator, account, user = (nkeys.from_seed(a_seed(kind)) for kind in (b"O", b"A", b"U"))
    public = account.public_key.decode()
    claims = jwt_of(
        operator,
        public,
        {
            "type": "account",
            "limits": {
                "subs": -1,
                "conn": -1,
                "data": -1,
                "payload": -1,
                "imports": -1,
                "exports": -1,
                "leaf": -1,
                "wildcards": True,
            },
        },
    )
    config = (
        f"operator: '{jwt_of(operator, operator.public_key.decode(), {'type': 'operator'})}'\n"
        f"resolver: MEMORY\nresolver_preload: {{ {public}: '{claims}' }}"
    )
    token = jwt_of(
        account, user.public_key.decode(), {"type": "user", "subs": -1, "data": -1, "payload": -1}
    )
    creds = tmp_path / "node.creds"
    creds.write_text(
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n"
    )
    with nats_servers(config=config) as (server,):
        async with running_bus(server, nats_credentials=creds) as recorder:
            await recorder.subscribe("ada")


def a_seed(kind: bytes) -> bytes:
    """A seed as NATS writes it: an operator's, an account's or a user's."""
    prefix = {b"O": 14, b"A": 0, b"U": 20}[kind] << 3
    raw = bytes([(18 << 3) | (prefix >> 5), (prefix & 31) << 3]) + secrets.token_bytes(32)
    return base64.b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).rstrip(b"=")


def jwt_of(issuer: Any, subject: str, nats: dict[str, Any]) -> str:
    """A JWT as NATS has them, Ed25519 by an nkey."""
    body = {
        "iss": issuer.public_key.decode(),
        "sub": subject,
        "iat": 1,
        "nats": {"version": 2} | nats,
    }
    body["jti"] = secrets.token_hex(16)
    head = {"typ": "JWT", "alg": "ed25519-nkey"}
    parts = [
        base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (head, body)
    ]
    signed = b".".join(parts)
    return (signed + b"." + base64.urlsafe_b64encode(issuer.sign(signed)).rstrip(b"=")).decode()
