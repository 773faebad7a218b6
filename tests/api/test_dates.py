"""Dates over REST, as people write them.

covers: useby.schemas.dates
"""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.rest_app import Rest


async def read(client: httpx.AsyncClient, text: str, **query: str) -> httpx.Response:
    return await client.get("/api/dates", params={"text": text} | query)


def certain(day: str) -> dict[str, Any]:
    return {"date": day, "certain": True, "readings": [day]}


NEVER: dict[str, Any] = {"date": None, "certain": True, "readings": []}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("2026-03-04", certain("2026-03-04")),
        ("EXP 05/26", certain("2026-05-31")),
        ("best before end: 12 2025", certain("2025-12-31")),
        ("4. März 2026", certain("2026-03-04")),
        ("+5", certain("2026-03-07")),
        ("next friday", certain("2026-03-06")),
        ("never", NEVER),
        ("x", NEVER),
        ("", NEVER),
        ("2999-12-31", NEVER),
        (
            "03/04/2026",
            {"date": None, "certain": False, "readings": ["2026-03-04", "2026-04-03"]},
        ),
    ],
)
async def test_a_text_is_answered_with_its_date_and_all_readings(
    ada: httpx.AsyncClient, text: str, answer: dict[str, Any]
) -> None:
    got = await read(ada, text)
    assert (got.status_code, got.json()) == (HTTPStatus.OK, answer)


async def test_the_order_decides_between_two_readings(ada: httpx.AsyncClient) -> None:
    assert (await read(ada, "03/04/2026", order="dmy")).json() == certain("2026-04-03")
    assert (await read(ada, "03/04/2026", order="mdy")).json() == certain("2026-03-04")


async def test_today_is_that_of_the_callers_zone_unless_it_is_given(rest: Rest) -> None:
    rest.now = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    for zone, tomorrow in (("Pacific/Niue", "2026-03-03"), ("Europe/Berlin", "2026-03-04")):
        _, client = await rest.person(time_zone=zone)
        assert (await read(client, "tomorrow")).json() == certain(tomorrow)
        assert (await read(client, "tomorrow", today="2028-02-28")).json() == certain("2028-02-29")


WEEK = "must be a day of a month, not of an ISO week or counted within its year, e.g. 2099-03-04"


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (
            "soon",
            "The text must be a date, e.g. 2099-03-04, 4 Mar 2099, 03/2099, in 5 days or never.",
        ),
        ("2026-W51-3", f"The text {WEEK}."),
        ("31.02.2026", "The text must be a day of the calendar, e.g. 2099-03-04."),
        (
            "a\0b",
            "The text must be a date, e.g. 2099-03-04, 4 Mar 2099, 03/2099, in 5 days or never.",
        ),
        ("x" * 101, "The text must be a date of at most 100 characters, e.g. 2099-03-04."),
    ],
)
async def test_an_unreadable_text_is_422_in_our_words(
    ada: httpx.AsyncClient, text: str, detail: str
) -> None:
    got = await read(ada, text)
    assert (got.status_code, got.json()["detail"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, detail)


TODAY = "The today must be a date of the years 1970 to 9998, e.g. 2099-03-04."


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"today": "soon"}, TODAY),
        ({"today": "2026-W51-3"}, TODAY),
        ({"today": "0"}, TODAY),
        ({"today": "9999-12-31"}, TODAY),
        ({"order": "ymd"}, "The order must be 'dmy' or 'mdy'."),
    ],
)
async def test_a_wrong_parameter_of_a_reading_is_422_in_our_words(
    ada: httpx.AsyncClient, query: dict[str, str], detail: str
) -> None:
    got = await read(ada, "tomorrow", **query)
    assert (got.status_code, got.json()["detail"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, detail)


async def test_a_reading_needs_a_text_and_a_token(rest: Rest, ada: httpx.AsyncClient) -> None:
    assert (await ada.get("/api/dates")).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert (await read(rest.client(), "tomorrow")).status_code == HTTPStatus.UNAUTHORIZED
