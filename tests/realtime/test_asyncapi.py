"""The AsyncAPI document describes exactly the frames that a node sends and accepts."""

import json
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, get_args

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import is_typeddict

from useby.actions.stock import new_product
from useby.domain.account import User
from useby.domain.events import ChangeKind
from useby.domain.expiry import Expiry
from useby.domain.notification import MOST_SHOWN, Cause, Item, Notification, Severity
from useby.domain.policy import Policy
from useby.domain.product import Product
from useby.realtime import asyncapi, closes, frames
from useby.schemas import frames as shapes
from useby.schemas.products import product_json

NODE_PARTS: Final = Path(__file__).parents[1] / "js"
DOCUMENT: Final = asyncapi.document(version="1.2.3")
SCHEMAS: Final = DOCUMENT["components"]["schemas"]
ID: Final = "0198c0de-0000-7000-8000-00000000000a"
NOW: Final = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)


def shown(name: str) -> str:
    """A product as REST shows it with its lot."""
    owner = User("u", "u@example.org", "", "UTC", Policy(), NOW)
    product = Product(ID, "u", name, Expiry.parse("2026-03-06"), NOW, NOW)
    lots = new_product(product, owner, NOW).change.lots
    return product_json(product, owner, NOW, lots=lots)


def notification(**fields: Any) -> Notification:
    """Make a notification; of a named tuple Hypothesis would invent the other fields."""
    return Notification(**fields)


SAID: Final = st.builds(
    notification,
    id=st.uuids().map(str),
    user_id=st.just("u"),
    seq=st.integers(1, 2**60),
    message=st.text(),
    kind=st.sampled_from(Severity),
    event=st.sampled_from(sorted(set(Cause) - {Cause.SUMMARY, Cause.DIGEST})),
    product_name=st.text(),
    created_at=st.datetimes(timezones=st.just(UTC)),
    product_id=st.none() | st.uuids().map(str),
    expires_on=st.none() | st.dates(),
    days_left=st.none() | st.integers(-(2**31), 2**31),
    read_at=st.none() | st.datetimes(timezones=st.just(UTC)),
)
SUMMARIES: Final = st.builds(
    lambda said, **changed: said._replace(**changed),
    SAID,
    event=st.sampled_from((Cause.SUMMARY, Cause.DIGEST)),
    items=st.lists(
        st.builds(
            Item,
            product_id=st.uuids().map(str),
            lot_id=st.none() | st.uuids().map(str),
            message=st.text(),
            severity=st.sampled_from(Severity),
        ),
        max_size=MOST_SHOWN,
    ).map(tuple),
)
MOMENTS: Final = st.datetimes(timezones=st.just(UTC))
COUNTS: Final = st.integers(0, 2**31)
FRAMES: Final = {
    shapes.Established: st.text().map(frames.established),
    shapes.Notification: SAID.map(frames.notification),
    shapes.Pong: st.just(frames.PONG),
    shapes.ExtendedEstablished: st.builds(
        frames.established, st.text(), unread=COUNTS, expires_at=MOMENTS, seq=COUNTS
    ),
    shapes.ExtendedNotification: SAID.map(frames.extended_notification),
    shapes.Summary: SUMMARIES.map(frames.extended_notification),
    shapes.Read: st.builds(frames.read, st.lists(st.just(ID), min_size=1), COUNTS),
    shapes.UnreadCount: COUNTS.map(lambda unread: frames.read([], unread)),
    shapes.TokenExpiring: MOMENTS.map(frames.token_expiring),
    shapes.Authenticated: MOMENTS.map(frames.authenticated),
    shapes.ProductChanged: st.builds(
        frames.product,
        st.sampled_from(ChangeKind).map(str),
        st.text().map(shown) | st.just(json.dumps({"id": ID})),
    ),
    shapes.Rejected: st.builds(frames.rejected, st.text(), st.text()),
}
"""The encoder's strategy for each shape."""
UNDERSTOOD: Final[dict[type, dict[str, object]]] = {
    shapes.MarkRead: {"action": "mark_read", "id": ID},
    shapes.MarkSeveralRead: {"action": "mark_read", "ids": [ID, ID.upper()]},
    shapes.MarkAllRead: {"action": "mark_all_read"},
    shapes.Authenticate: {"action": "authenticate", "access_token": "a.b.c"},
}


def accepts(name: str) -> jsonschema_rs.Validator:
    """The schema of a message, with what it refers to."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    return jsonschema_rs.Draft7Validator(schema, validate_formats=True)


VALIDATORS: Final = {name: accepts(name) for name in SCHEMAS}


def payload(frame: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(frame[frame.index(b'{"') :])
    return value


def messages_of(operation: str) -> list[str]:
    return [
        each["$ref"].rpartition("/")[2] for each in DOCUMENT["operations"][operation]["messages"]
    ]


def test_the_asyncapi_parser_finds_every_message_and_no_fault() -> None:
    program = NODE_PARTS / "asyncapi.mjs"
    assert (NODE_PARTS / "node_modules/@asyncapi/parser").is_dir(), "npm ci in tests/js"
    run = subprocess.run(
        ["node", program], input=json.dumps(DOCUMENT), capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    # It would require the newest version of every document, which fewer tools support.
    rest = [each for each in found["diagnostics"] if each["code"] != "asyncapi-latest-version"]
    assert rest == []
    assert found["operations"] == {name: messages_of(name) for name in DOCUMENT["operations"]}


def test_the_asyncapi_parser_needs_no_other_host() -> None:
    references = [part.split('"')[0] for part in json.dumps(DOCUMENT).split('"$ref": "')[1:]]
    assert len(references) > 20
    assert all(each.startswith("#/") for each in references)


@pytest.mark.parametrize("shape", FRAMES, ids=lambda shape: shape.__name__)
@settings(max_examples=30)
@given(data=st.data())
def test_the_encoder_sends_frames_of_the_documents_schemas(
    shape: type, data: st.DataObject
) -> None:
    schema = SCHEMAS[shape.__name__]
    sent = payload(data.draw(FRAMES[shape]))
    VALIDATORS[shape.__name__].validate(sent)
    assert list(sent) == list(schema["properties"]) == schema["required"], "keys and their order"


def test_the_document_refuses_a_truth_value_where_the_greeting_carries_a_count() -> None:
    greeting = payload(frames.established("u", unread=0, expires_at=datetime.now(UTC), seq=0))
    validator = VALIDATORS["ExtendedEstablished"]
    assert validator.is_valid(greeting)
    assert not validator.is_valid(greeting | {"unread": False})


def test_the_example_of_each_message_is_valid() -> None:
    examples = {
        name: message["examples"][0]["payload"]
        for name, message in DOCUMENT["channels"]["notifications"]["messages"].items()
        if "examples" in message
    }
    assert len(examples) >= len(FRAMES) - 1
    for name, example in examples.items():
        VALIDATORS[name].validate(example)


def test_frames_of_a_plain_session_have_no_other_key() -> None:
    for name in ("Established", "Notification", "Pong"):
        assert SCHEMAS[name]["additionalProperties"] is False
    answer = Notification(
        ID, "u", 1, "Tea", Severity.INFO, Cause.CUSTOM, "", NOW, expires_on=date.max
    )
    published = payload(frames.extended_notification(answer))
    assert not VALIDATORS["Notification"].is_valid(published)
    assert VALIDATORS["ExtendedNotification"].is_valid(published | {"another": 1})


def test_the_document_has_every_frame() -> None:
    ours = (
        each for each in vars(shapes).values() if getattr(each, "__module__", "") == shapes.__name__
    )
    named = {each for each in ours if is_typeddict(each)} - {shapes.Item}  # a part of a frame
    assert named == {*FRAMES, *UNDERSTOOD}
    assert {*shapes.PLAIN, *shapes.EXTENDED} == set(FRAMES)
    assert {*get_args(shapes.Plain)} == set(shapes.PLAIN)
    assert messages_of("sendPlain") == ["Established", "Notification", "Pong"]
    assert set(messages_of("sendExtended")) == {shape.__name__ for shape in shapes.EXTENDED}
    assert set(DOCUMENT["channels"]["notifications"]["messages"]) == {
        "Ping",
        *(shape.__name__ for shape in named),
    }


@pytest.mark.parametrize("session", ["Plain", "Extended"])
def test_a_session_accepts_the_documented_frames_and_no_others(session: str) -> None:
    understood = messages_of(f"receive{session}")
    assert understood[0] == "Ping"
    for shape, action in UNDERSTOOD.items():
        VALIDATORS[shape.__name__].validate(action)
        found = frames.parse(json.dumps(action), extended=session == "Extended")
        taken = not isinstance(found, frames.Ignored)
        assert taken == (shape.__name__ in understood), shape


@pytest.mark.parametrize("shape", UNDERSTOOD, ids=lambda shape: shape.__name__)
def test_every_key_that_a_client_sends_is_needed(shape: type) -> None:
    action = UNDERSTOOD[shape]
    for key in action:
        less = {name: value for name, value in action.items() if name != key}
        assert not VALIDATORS[shape.__name__].is_valid(less)
        assert isinstance(frames.parse(json.dumps(less), extended=True), frames.Ignored)


def test_the_document_has_every_close() -> None:
    channel = DOCUMENT["channels"]["notifications"]
    answer = [closes.Close(*each.values()) for each in channel["x-closes"]]
    assert answer == list(closes.ALL)
    for each in closes.ALL:
        assert f"| {each.code} | {each.reason} |" in channel["description"]


def test_the_token_may_stand_in_the_query_or_the_header() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    handshake = DOCUMENT["channels"]["notifications"]["bindings"]["ws"]
    assert (schemes["query"]["in"], schemes["query"]["name"]) == ("query", "access_token")
    assert schemes["header"]["scheme"] == "bearer"
    assert set(handshake["query"]["properties"]) == {"access_token", "since"}
    assert handshake["headers"]["properties"]["Sec-WebSocket-Protocol"]["enum"] == ["useby.v1"]
