"""Frames: exact bytes when they are written, and a value for every input when they are parsed.

covers: useby.realtime.closes
"""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json
from websockets.frames import Frame, Opcode

from useby.domain.notification import Cause, Notification, Severity
from useby.realtime import closes, frames
from useby.schemas import frames as shapes

ID = "0198c0de-0000-7000-8000-00000000000a"


def notification_row(**changes: Any) -> Notification:
    values: dict[str, Any] = {
        "id": ID,
        "user_id": "u",
        "seq": 1,
        "message": "Organic Milk expires in 2 days",
        "kind": Severity.WARNING,
        "event": Cause.EXPIRING,
        "product_name": "Organic Milk",
        "created_at": datetime(2026, 3, 4, 10, 30, tzinfo=UTC),
    }
    return Notification(**values | changes)


def payload(frame: bytes) -> bytes:
    assert frame[0] == 0x81, "one whole text frame"
    if frame[1] < 126:
        return frame[2:]
    assert frame[1] == 126, "longer ones have no place here"
    return frame[4:]


def test_the_first_frame_is_exactly_the_contracts() -> None:
    assert payload(frames.established("u-1")) == (
        b'{"type":"CONNECTION_ESTABLISHED","message":"Notification WebSocket connected",'
        b'"userId":"u-1"}'
    )


def test_a_notification_has_exactly_five_keys_in_order() -> None:
    assert payload(frames.notification(notification_row())).decode() == (
        f'{{"id":"{ID}","message":"Organic Milk expires in 2 days","type":"warning",'
        '"productName":"Organic Milk","created_at":"2026-03-04T10:30:00Z"}'
    )


def test_a_notification_about_no_product_carries_an_empty_name() -> None:
    assert (
        json.loads(payload(frames.notification(notification_row(product_name=""))))["productName"]
        == ""
    )


@given(st.text(), st.text(), st.sampled_from(Severity))
def test_any_text_is_encoded_without_loss(message: str, name: str, kind: Severity) -> None:
    """As the encoder of ``shapes`` has it, byte for byte."""
    whole = payload(
        frames.notification(notification_row(message=message, product_name=name, kind=kind))
    )
    shown: shapes.Notification = {
        "id": ID,
        "message": message,
        "type": kind.value,
        "productName": name,
        "created_at": "2026-03-04T10:30:00Z",
    }
    assert whole == to_json(shown)
    assert list(json.loads(whole)) == list(shapes.Notification.__annotations__)


def test_created_at_is_written_in_utc_whole_seconds_and_z() -> None:
    moment = datetime(2026, 3, 4, 12, 30, 1, 999999, tzinfo=timezone(timedelta(hours=2)))
    frame = json.loads(payload(frames.notification(notification_row(created_at=moment))))
    assert frame["created_at"] == "2026-03-04T10:30:01Z"


@pytest.mark.parametrize("length", [0, 1, 100, 126, 1000])
def test_the_length_in_a_frame_is_that_of_its_payload(length: int) -> None:
    frame = frames.notification(notification_row(message="ü" * length))
    body = payload(frame)
    announced = frame[1] if frame[1] < 126 else int.from_bytes(frame[2:4], "big")
    assert announced == len(body)
    assert json.loads(body)["message"] == "ü" * length


def test_pong_is_exactly_the_contracts() -> None:
    assert payload(frames.PONG) == b'{"type":"pong"}'


def test_every_close_of_the_table_can_be_sent() -> None:
    for value in closes.ALL:
        frame = frames.close(value)
        assert frame[0] == 0x88
        assert int.from_bytes(frame[2:4], "big") == value.code
        assert frame[4:].decode() == value.reason


def test_only_the_exact_text_ping_is_a_ping() -> None:
    assert isinstance(frames.parse("PING"), frames.Ping)
    for other in ("ping", "PING ", " PING", '"PING"', "PING\n", "PINGPING", ""):
        assert isinstance(frames.parse(other), frames.Ignored), other


def test_mark_read_names_a_notification() -> None:
    assert frames.parse(f'{{"action":"mark_read","id":"{ID}"}}') == frames.MarkRead((ID,))
    assert frames.parse(f'{{"id":"{ID.upper()}","action":"mark_read","x":1}}') == frames.MarkRead(
        (ID,)
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"action":"mark_read"}', "no id"),
        ('{"action":"mark_read","id":{"$ne":1}}', "no id"),
        ('{"action":"mark_read","id":17}', "no id"),
        ('{"action":"mark_read","id":true}', "no id"),
        ('{"action":"mark_read","id":[]}', "no id"),
        ('{"action":"mark_read","id":null}', "no id"),
        ('{"action":"mark_read","id":"\\u0000"}', "no id"),
        ('{"action":"mark_read","id":"\\ud800"}', "no id"),
        (f'{{"action":"mark_read","id":{10**30}}}', "no id"),
        (f'{{"action":"mark_read","id":"{"x" * 4000}"}}', "no id"),
        (f'{{"action":"mark_read","id":"{ID}\\n"}}', "no id"),
        ('{"action":"mark_unread","id":"x"}', "unknown action"),
        ('{"action":["mark_read"]}', "unknown action"),
        ("{}", "unknown action"),
        ("[]", "not an object"),
        ("17", "not an object"),
        ("NaN", "not an object"),
        ("1e999", "not an object"),
        ("9" * 5000, "not JSON"),
        ("[" * 4096, "not JSON"),
        ("{", "not JSON"),
        ("", "not JSON"),
    ],
)
def test_a_frame_without_an_answer_in_the_contract_is_ignored_with_a_reason(
    text: str, reason: str
) -> None:
    found = frames.parse(text)
    assert isinstance(found, frames.Ignored)
    assert found.reason == reason


@given(st.text() | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_the_parser_cannot_raise(text: str) -> None:
    assert isinstance(frames.parse(text), frames.Ping | frames.MarkRead | frames.Ignored)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_a_frame_has_the_bytes_that_the_library_would_write(size: int) -> None:
    fixed = len(frames.product("added", "", "ada"))
    shown = "x" * max(0, size - fixed)
    made = frames.product("added", shown, "ada")
    payload = (
        f'{{"type":"PRODUCT","change":"added","product":{shown},"householdId":"ada"}}'.encode()
    )
    assert made == Frame(Opcode.TEXT, payload).serialize(mask=False)
