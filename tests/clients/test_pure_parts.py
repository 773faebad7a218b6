"""The client's parts without I/O: waits, close policy, marks, received ids, position.

covers: useby.client.address, useby.client.close_policy, useby.client.events, useby.client.ids
covers: useby.client.marks, useby.client.seen, useby.client.timing, useby.client.token
"""

import base64
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.scripted_server import named

from useby.client import Timing, timing, token
from useby.client.address import rest_url, socket_url
from useby.client.close_policy import Reconnect, of_close, of_status
from useby.client.cursor import FileCursor, Position
from useby.client.events import Notification, event_of, parse
from useby.client.ids import is_id
from useby.client.inbox import Inbox
from useby.client.marks import BATCH_FRAMES, FRAME_IDS, Marks, RateLimiter
from useby.client.seen import Seen
from useby.realtime import closes

NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)


# waits


def test_the_longest_wait_doubles_up_to_the_limit() -> None:
    assert [Timing().backoff(n, 1) for n in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


@given(st.integers(0, 10**9), st.floats(0, 1))
def test_a_wait_is_a_random_part_of_the_longest(failures: int, chance: float) -> None:
    times = Timing()
    assert times.backoff(failures, 0) == 0
    assert times.backoff(failures, chance) == chance * times.backoff(failures, 1)
    assert times.backoff(failures, 1) <= times.backoff_max


@given(st.floats(0, 1))
def test_pings_are_25_to_30_seconds_apart(chance: float) -> None:
    assert 25 <= Timing().until_ping(chance) <= 30


@given(st.floats(1, 10**6), st.floats(0, 1))
def test_a_token_is_replaced_30_to_60_seconds_before_its_end_and_not_in_its_first_half(
    life: float, chance: float
) -> None:
    wait = Timing().until_refresh(life, chance)
    assert life / 2 <= wait < life
    if life >= 120:
        assert 30 - 1e-6 <= life - wait <= 60 + 1e-6


@given(st.lists(st.floats(0, 100)))
def test_a_throttle_allows_one_event_an_interval(pauses: list[float]) -> None:
    seldom, now, heeded = timing.Throttle(30), 0.0, list[float]()
    for pause in [0, *pauses]:
        now += pause
        if seldom.allow(now):
            heeded.append(now)
        assert now - heeded[-1] < 30
    assert all(later - before >= 30 for before, later in pairwise(heeded))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("0", 0),
        (" 120 ", 120),
        ("999999999999", 3600),
        ("Wed, 04 Mar 2026 10:30:05 GMT", 5),
        ("Wed, 04 Mar 2026 10:29:00 GMT", 0),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
    ],
)
def test_retry_after_is_read_as_the_rfc_has_it(text: str | None, seconds: float | None) -> None:
    assert timing.retry_after(text, NOW) == seconds


@given(st.text())
def test_no_retry_after_breaks_anything(text: str) -> None:
    found = timing.retry_after(text, NOW)
    assert found is None or 0 <= found <= 3600


# verdicts


@pytest.mark.parametrize("close", closes.ALL, ids=str)
def test_every_close_of_the_server_has_the_right_reaction(close: closes.Close) -> None:
    verdict = of_close(close.code, close.reason)
    assert (verdict is Reconnect.BACKOFF) == close.retryable
    assert (verdict is Reconnect.FRESH_TOKEN) == (close is closes.TOKEN_EXPIRED)


@given(st.one_of(st.none(), st.integers(1000, 4999)), st.text())
def test_a_close_that_is_not_in_the_table_leads_to_a_retry(code: int | None, reason: str) -> None:
    if (code, reason) not in {(each.code, each.reason) for each in closes.ALL}:
        assert of_close(code, reason) is Reconnect.BACKOFF


def test_only_4xx_statuses_other_than_408_and_429_end_the_client() -> None:
    ends = {status for status in range(300, 600) if of_status(status) is Reconnect.END}
    assert ends == set(range(400, 500)) - {408, 429}


# the token's end


def _jwt(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


@pytest.mark.parametrize(
    ("claims", "left"),
    [
        ({"iat": 1000, "exp": 1900}, 900),
        ({"iat": 500, "exp": 1400}, 400),
        ({"iat": 4600, "exp": 5500}, 900),  # the clock here is an hour behind
        ({"iat": -2600, "exp": -1700}, 900),  # and an hour ahead
        ({"exp": 1900}, 900),
        ({"exp": 900}, None),
        ({"iat": 1000}, None),
        ({"exp": "1900"}, None),
        ({"exp": True}, None),
        ({"exp": 10**400}, None),
    ],
)
def test_the_lifetime_of_a_token_does_not_depend_on_the_clock(
    claims: dict[str, object], left: float | None
) -> None:
    assert token.life(_jwt(**claims), wall=1000) == left


@given(st.one_of(st.text(), st.text().map(lambda text: f"a.{text}.b")))
def test_a_text_that_is_no_jwt_has_no_lifetime(text: str) -> None:
    assert token.life(text, 1000) is None


# marks


def test_a_batch_is_confirmed_by_its_pong_and_a_lost_one_is_sent_first() -> None:
    marks = Marks()
    marks.queue(["a", "b"])
    first = marks.next_batch(extended=False)
    marks.queue(["c", "a"])
    marks.requeue()
    assert marks.next_batch(extended=False) == [
        *first,
        json.dumps({"action": "mark_read", "id": "c"}),
    ]
    marks.confirm()
    assert not marks
    assert not marks.sending_all
    assert marks.count_durable == marks.count_queued == 3


def test_a_batch_is_short_on_a_plain_session_and_joined_on_an_extended_one() -> None:
    marks = Marks()
    marks.queue(map(str, range(200)))
    assert len(marks.next_batch(extended=False)) == BATCH_FRAMES
    marks.requeue()
    frames = [json.loads(each) for each in marks.next_batch(extended=True)]
    assert [len(each["ids"]) for each in frames] == [FRAME_IDS, FRAME_IDS, 200 - 2 * FRAME_IDS]


def test_a_frame_of_the_most_ids_is_within_the_limit_of_the_server() -> None:
    marks = Marks()
    marks.queue(f"01a20b6e-fb6e-74c6-933a-{each:012x}" for each in range(FRAME_IDS))
    (frame,) = marks.next_batch(extended=True)
    assert len(frame) <= 4096


def test_marking_all_is_not_repeated_on_another_connection() -> None:
    marks = Marks()
    marks.queue_all()
    assert marks.next_batch(extended=True) == [json.dumps({"action": "mark_all_read"})]
    assert marks.sending_all
    marks.requeue()
    assert not marks
    assert not marks.sending_all


@given(st.lists(st.sampled_from(["note", "lot", "pong", "lost"]), max_size=60))
def test_no_mark_is_lost_in_any_order_of_events(steps: list[str]) -> None:
    marks, noted, durable, under_way, number = Marks(), set[str](), set[str](), list[str](), 0
    for step in steps:
        if step == "note":
            number += 1
            noted.add(str(number))
            marks.queue([str(number)])
        elif step == "lot" and not under_way and marks.waiting:
            under_way = [json.loads(each)["id"] for each in marks.next_batch(extended=False)]
        elif step == "pong" and under_way:
            marks.confirm()
            durable |= set(under_way)
            under_way = []
        elif step == "lost":
            marks.requeue()
            under_way = []
        assert set(marks.unconfirmed) == noted - durable
        assert marks.unconfirmed == sorted(marks.unconfirmed, key=int)


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=300))
def test_frames_leave_below_the_rate_that_a_node_allows(pauses: list[float]) -> None:
    pace, now, sent = RateLimiter(), 0.0, list[float]()
    for pause in pauses:
        now += pause
        now += pace.wait(now)
        sent.append(now)
    tokens, before = 60.0, 0.0  # the server's bucket: 20 a second, 60 at once
    for moment in sent:
        tokens = min(60.0, tokens + (moment - before) * 20) - 1
        before = moment
        assert tokens >= 0


# what came before


@given(st.lists(st.integers(0, 30)))
def test_an_id_is_new_only_once(numbers: list[int]) -> None:
    seen = Seen()
    new = []
    for each in numbers:
        if str(each) not in seen:
            new.append(each)
            seen.add(str(each))
    assert Counter(new) == Counter(set(numbers))


def test_only_the_newest_ids_are_remembered() -> None:
    seen = Seen(2)
    for each in "abc":
        seen.add(each)
    assert [each in seen for each in "abc"] == [False, True, True]


def test_marking_all_leaves_out_ids_that_are_marked_already() -> None:
    seen = Seen()
    for each in "abc":
        seen.add(each)
    seen.mark(["b", "never came"])
    assert seen.unmarked() == ["a", "c"]


# what waits

_SENT = [
    Notification(str(each), "m", "info", "", NOW, seq=each, read_at=NOW if each % 5 == 0 else None)
    for each in range(1, 40)
]


@given(st.integers(1, 6), st.lists(st.sampled_from(["put", "take", "again"]), max_size=200))
def test_notifications_are_handed_over_once_in_order_from_a_bounded_inbox(
    size: int, steps: list[str]
) -> None:
    inbox, place, handed = Inbox(size), 0, list[int]()
    inbox.opened(20)
    for step in steps:
        if step == "put" and place < len(_SENT):
            if _SENT[place].id not in inbox.seen:
                inbox.put(_SENT[place])
            place += 1
        elif step == "take" and inbox:
            handed.append(inbox.take().seq or 0)
        elif step == "again":  # the server begins after the newest
            place = int(inbox.newest or 0)
            inbox.opened(99)
        assert len(inbox) <= size
    assert handed == [each for each in range(1, 40) if each % 5 or each > 20][: len(handed)]


def test_a_notification_under_a_reused_number_is_handed_over_although_it_is_read() -> None:
    """The database was restored; what bears a number of the past is not history."""
    inbox = Inbox(10)
    inbox.opened(5)
    lost, again = (replace(_SENT[3], id=each, seq=4) for each in ("lost", "again"))
    inbox.put(lost)
    inbox.put(replace(again, read_at=NOW))
    assert [inbox.take().id for _ in range(len(inbox))] == ["lost", "again"]


def test_a_connection_to_a_database_that_went_back_moves_the_end_of_history_back() -> None:
    inbox = Inbox(10, "an id", 5)
    inbox.opened(2)
    inbox.put(replace(_SENT[2], id="new", read_at=NOW))
    assert len(inbox) == 1


# the place


_IDS = st.uuids().map(str)


@given(_IDS | st.just(""), st.lists(_IDS), st.integers())
def test_a_position_is_parsed_as_it_was_written(after: str, marks: list[str], begun: int) -> None:
    assert Position.parse(Position(after, marks, begun).text()) == Position(after, marks, begun)


@given(st.text(), st.lists(st.text()), _IDS)
def test_invalid_ids_of_a_position_are_left_out(after: str, strange: list[str], one: str) -> None:
    assert Position.parse(Position(after, [*strange, one, *strange]).text()) == Position("", [one])


@pytest.mark.parametrize("strange", ["", "milk", "0" * 36, f"{named(1)} ", "١" + named(1)[1:], 7])
def test_an_id_is_the_text_of_a_uuid(strange: object) -> None:
    assert is_id(named(1))
    assert is_id(named(11).upper())
    assert not is_id(strange)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"after":1,"begun":"","marks":{}}', "[" * 100_000]
)
def test_a_text_that_can_not_be_parsed_is_no_position(text: str) -> None:
    assert Position.parse(text) == Position()


def test_a_file_has_the_last_position(tmp_path: object) -> None:
    cursor = FileCursor(f"{tmp_path}/place")
    assert cursor.load() == ""
    for text in ("one", "two"):
        cursor.save(text)
    assert FileCursor(f"{tmp_path}/place").load() == "two"


# frames and addresses


async def _mark(_: str) -> None: ...


_NAMES = ("id", "type", "message", "productName", "created_at", "ids", "unread", "product",
          "expiresOn", "readAt")  # fmt: skip
_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text(), max_size=2),
    st.just("READ"), st.just("2026-03-04T10:30:00Z"),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(_NAMES), _VALUES))
def test_no_frame_breaks_the_reading(frame: dict[str, object]) -> None:
    found = Notification.of(frame, _mark)
    assert found is None or (isinstance(found.id, str) and found.created_at.tzinfo is not None)
    event_of(frame)


@given(st.text())
def test_no_text_breaks_the_parsing(text: str) -> None:
    assert isinstance(parse(text), dict)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/api/ws/notification"),
        ("https://useby.example/", "wss://useby.example/api/ws/notification"),
        ("localhost:8000", "ws://localhost:8000/api/ws/notification"),
        ("ws://[::1]:1/api/ws/notification", "ws://[::1]:1/api/ws/notification"),
        ("https://useby.example/under/here", "wss://useby.example/under/here"),
    ],
)
def test_the_address_of_a_node_may_have_any_usual_form(given: str, url: str) -> None:
    assert socket_url(given) == url
    assert rest_url(url) in (given.rstrip("/"), f"http://{given}", "http://[::1]:1")


@pytest.mark.parametrize("given", ["ftp://x", "http://", "ws://x/?access_token=eyJ", "http://a@x"])
def test_a_text_that_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="the URL must be of a node"):
        socket_url(given)


def test_a_position_in_the_stream_is_requested_by_its_id() -> None:
    assert socket_url("http://x", "a&b").endswith("/api/ws/notification?since=a%26b")
