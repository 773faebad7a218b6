"""Parameters of ``GET /api/dates``; what it reads is in ``tests/contract_stock/test_6_dates.py``.

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


async def test_today_is_that_of_the_callers_zone_unless_it_is_given(rest: Rest) -> None:
    rest.now = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    for zone, tomorrow in (("Pacific/Niue", "2026-03-03"), ("Europe/Berlin", "2026-03-04")):
        _, client = await rest.person(time_zone=zone)
        assert (await read(client, "tomorrow")).json() == certain(tomorrow)
        assert (await read(client, "tomorrow", today="2028-02-28")).json() == certain("2028-02-29")


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
