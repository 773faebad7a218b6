"""No secret reaches a log line, whatever logs it and however."""

import asyncio
import io
import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from tests.support.cli_result import logging_put_back
from tests.support.settings import SettingsWithoutFile

from useby import logs

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJhbm5hIn0.b2xkLXNpZ25hdHVyZQ_-x"
KEY = "uby_2vQ8sT1xKd0aZr7LmN4pYc9WbE6uHjG3fRiOtSqXyVz0AbCdE"
REFRESH = "R6bTn2sQvX9yK1mPzLw4Hc8Jd0Fg5Ua3Ei7Ob_Yq-Ns"
Log = Callable[..., io.StringIO]


@pytest.fixture
def log() -> Iterator[Log]:
    """Configure logging into a buffer, and put everything back as it was."""

    def configure(**settings: Any) -> io.StringIO:
        stream = io.StringIO()
        logs.configure(SettingsWithoutFile(**{"log_level": "DEBUG", **settings}), stream)
        return stream

    with logging_put_back():
        yield configure


@pytest.mark.parametrize(
    "line",
    [
        'GET "/api/ws/notification?access_token=SECRET HTTP/1.1" 426',
        "/api/ws/notification?since=1&ACCESS_TOKEN=SECRET&x=1",
        "/x?access%5Ftoken=SECRET",
        "/x?%61ccess_%74%4Fken=SECRET",
        "/x?%2561ccess%255ftoke%256e=SECRET",
        "/login?next=%2Fapi%3Faccess_token%3DSECRET",
        "/x?token=SECRET",
        "/x?ticket=SECRET",
        "Authorization: Bearer SECRET",
        "authorization: bearer  SECRET",
        "[(b'authorization', b'Bearer SECRET')]",
        "[(b'access_token', b'SECRET')]",
        '{"refreshToken": "SECRET", "n": 1}',
        '{\\"password\\":\\"SECRET\\"}',
        "{'new_password': 'SECRET'}",
        "USEBY_SECRET_KEY=SECRET",
        "\x1b[36maccess_token\x1b[0m=\x1b[35mSECRET\x1b[0m",
    ],
)
def test_a_value_under_a_secret_name_is_redacted(line: str) -> None:
    redacted = logs.redact(line)
    assert "SECRET" not in redacted.replace("USEBY_SECRET_KEY", "")
    assert redacted == line.replace("USEBY_SECRET_KEY", "\0").replace(
        "SECRET", logs.REDACTED
    ).replace("\0", "USEBY_SECRET_KEY")


@pytest.mark.parametrize(
    "secret", [JWT, JWT[:30], JWT.replace(".", "%2E"), REFRESH, f"t_{REFRESH}", KEY, KEY[:20]]
)
@pytest.mark.parametrize("line", ["{}", "failed for {}", "a/{}/b", "x='{}'", "%2F{}%20"])
def test_text_that_looks_like_a_token_is_redacted_wherever_it_stands(
    line: str, secret: str
) -> None:
    assert secret[3:] not in logs.redact(line.format(secret))


@pytest.mark.parametrize(
    "line",
    [
        "Access token required",
        "0199f8a2-1c1d-7d8e-9f64-0a1b2c3d4e5f was read",
        "GET /api/products?cursor=abc&limit=50 200",
        "test_a_connection_whose_peer_never_answers_is_cut_after_five_seconds",
    ],
)
def test_a_line_without_a_secret_stays_unchanged(line: str) -> None:
    assert logs.redact(line) == line


@given(st.text(), st.sampled_from(["access_token=", "&TOKEN=", "Bearer ", ""]), st.text())
def test_no_surroundings_let_a_token_through(before: str, name: str, after: str) -> None:
    assert JWT not in logs.redact(f"{before}{name}{JWT}{after}")


@pytest.mark.parametrize("form", ["console", "json"])
def test_the_message_its_arguments_and_its_traceback_are_redacted(log: Log, form: str) -> None:
    stream = log(log_format=form)
    try:
        _raise(ValueError(f"no such thing: {JWT}"))
    except ValueError:
        logging.getLogger("x").exception("at %s", f"/x?access_token={JWT}")
    structlog.get_logger("y").warning("said", header=f"Bearer {JWT}", refresh_token=REFRESH)
    written = stream.getvalue()
    assert "ValueError" in written
    assert written.count(logs.REDACTED) == 4
    assert JWT not in written
    assert REFRESH not in written


async def test_the_libraries_we_stand_on_are_redacted_at_debug(log: Log) -> None:
    stream = log()
    names = ["uvicorn.access", "uvicorn.error", "sqlalchemy.pool", "websockets.server", "asyncio"]
    for name in names:
        logging.getLogger(name).warning('%s - "GET /x?access_token=%s"', "127.0.0.1", JWT)
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(200))
    ) as client:
        await client.get(f"http://localhost/?access_token={JWT}")
    asyncio.get_running_loop().call_exception_handler({"message": f"lost {JWT}"})
    written = stream.getvalue()
    assert [name for name in [*names, "httpx"] if name not in written] == []
    assert JWT not in written


def test_the_parameters_of_statements_are_not_logged(log: Log) -> None:
    stream = log()
    logging.getLogger("sqlalchemy.engine.Engine").info("INSERT … [('a password hash',)]")
    assert stream.getvalue() == ""


def test_a_warning_and_an_uncaught_exception_come_through_the_log(log: Log) -> None:
    stream = log()
    error = RuntimeError(f"token={JWT}")
    sys.excepthook(RuntimeError, error, None)
    thread = threading.Thread(target=lambda: _raise(error))
    thread.start()
    thread.join()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"odd: {JWT}", stacklevel=1)
    written = stream.getvalue()
    assert written.count("RuntimeError: token=") == 2
    assert "odd: [redacted]" in written
    assert JWT not in written


def _raise(error: Exception) -> None:
    raise error


class _Unprintable:
    def __str__(self) -> str:
        raise RuntimeError(JWT)


def test_a_line_that_can_not_be_written_is_dropped_silently(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = log()
    logging.getLogger("x").info("%s %s", _Unprintable(), JWT)
    logging.getLogger("x").info("%d", JWT)
    assert stream.getvalue() == "a log line of x could not be written\n" * 2
    stream.close()
    logging.getLogger("x").info("nobody hears this")
    assert capsys.readouterr().err == ""


def test_a_json_line_is_one_object_with_the_time_in_utc(log: Log) -> None:
    stream = log(log_format="json")
    logging.getLogger("useby.node").info("listening on %d", 8000)
    line = json.loads(stream.getvalue())
    assert line["event"] == "listening on 8000"
    assert (line["level"], line["logger"]) == ("info", "useby.node")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("form", ["console", "json"])
def test_an_access_line_has_the_form_of_the_other_lines(log: Log, form: str) -> None:
    stream = log(log_format=form)
    for name in (logs.ACCESS, "useby.hub"):
        logging.getLogger(name).info("%s /x?token=%s %s", "a\nb", JWT, "@")
    access, other = stream.getvalue().splitlines()
    form_of = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
    assert form_of.sub("now", access).split() == (
        form_of.sub("now", other).replace("useby.hub", logs.ACCESS).split()
    )
    assert JWT not in access


def test_a_message_can_not_pass_for_another_line(log: Log) -> None:
    stream = log()
    logging.getLogger("x").info("name: %s", "a\n2026-01-01 [info] all is well \x1b[2J")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_the_level_is_the_settings_own_and_the_last_call_counts(log: Log) -> None:
    first, second = log(), log(log_level="ERROR")
    logging.getLogger("x").warning("unheard")
    logging.getLogger("x").error("heard")
    assert first.getvalue() == ""
    assert "unheard" not in second.getvalue()
    assert second.getvalue().count("heard") == 1
