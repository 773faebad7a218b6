"""Section 6, and what section 11 settles about dates: fields are strict, typed dates are not."""

from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.lots_over_rest import received
from tests.support.rest_app import MILK, Rest, added

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIELD = "must be a date, e.g. 2099-03-04, a month, e.g. 2099-03, or a date-time with its offset"
"""Beginning of the refusal of a date in a field of REST."""
FOREIGN = ("isoformat", "Value error", "pydantic", "datetime", "validation", "Invalid")
"""Words of libraries."""


async def each_way(client: httpx.AsyncClient, date: str) -> list[httpx.Response]:
    """Send a date in each field of REST that takes one."""
    product = await added(client)
    path = f"/api/products/{product['id']}"
    lot = (await client.get(f"{path}/lots")).json()["items"][0]
    return [
        await client.post("/api/products", json={"name": "Milk", "expiryDate": date}),
        await client.post("/api/products", json={"name": "Milk", "printedDate": date}),
        await client.patch(path, json={"expiryDate": date}),
        await client.put(
            f"/api/products/by-external-id/{product['id']}",
            json={"name": "Milk", "expiryDate": date},
        ),
        await client.patch(f"/api/lots/{lot['id']}", json={"printedDate": date}),
        await client.post(f"{path}/lots", json={"printedDate": date}),
        await client.post(f"{path}/lots", json={"expiryDate": date}),
    ]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2027-03-04", "2027-03-04"),
        ("2027-02", "2027-02-28"),
        ("2028-02", "2028-02-29"),
        ("2027-12", "2027-12-31"),
        ("2027-03-04T10:30:00+05:30", "2027-03-04T06:00:00+01:00"),
        ("2027-07-04T10:30Z", "2027-07-04T12:30:00+02:00"),
    ],
)
async def test_a_field_takes_a_day_a_month_which_is_its_last_day_or_a_date_time_with_offset(
    ada: httpx.AsyncClient, sent: str, kept: str
) -> None:
    for answer in await each_way(ada, sent):
        assert answer.is_success, answer.text
        assert answer.json()["expiryDate"] == kept


async def test_iso_weeks_and_ordinal_days_are_refused_in_a_field(ada: httpx.AsyncClient) -> None:
    for week in ("2026-W51-3", "2026-W51", "2026W513", "2026W51", "2026-350", "2026350"):
        for answer in await each_way(ada, week):
            assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
            assert answer.json()["errors"][0]["message"].startswith(FIELD)


async def test_a_date_time_that_is_midnight_with_no_offset_is_taken_as_its_day(
    ada: httpx.AsyncClient,
) -> None:
    for midnight in ("2027-03-04T00:00", "2027-03-04T00:00:00", "2027-03-04 00:00:00.000000"):
        for answer in await each_way(ada, midnight):
            assert (answer.json()["expiryDate"], answer.json()["warnings"]) == ("2027-03-04", [])


@pytest.mark.parametrize(
    ("zone", "midnight", "offset"),
    [
        ("Europe/Berlin", "2026-12-03T23:00:00.000Z", "+01:00"),
        ("America/New_York", "2026-12-04T05:00:00.000Z", "-05:00"),
        ("Asia/Kathmandu", "2026-12-03T18:15:00.000Z", "+05:45"),
    ],
)
async def test_midnight_in_the_owners_zone_is_kept_with_a_warning_of_how_to_send_a_day(
    rest: Rest, zone: str, midnight: str, offset: str
) -> None:
    _, client = await rest.person(time_zone=zone)
    for answer in await each_way(client, midnight):
        assert answer.json()["expiryDate"] == f"2026-12-04T00:00:00{offset}"
        (warning,) = answer.json()["warnings"]
        assert f"{midnight} is the first moment of 2026-12-04 in {zone}" in warning
        assert "expires as that day begins" in warning
        assert "Send 2026-12-04 if" in warning


async def test_a_date_time_that_is_not_midnight_in_the_owners_zone_has_no_warning(
    ada: httpx.AsyncClient,
) -> None:
    for time in ("2026-12-04T00:00:00Z", "2026-12-03T23:00:01Z"):
        for answer in await each_way(ada, time):
            assert (answer.is_success, answer.json()["warnings"]) == (True, [])


REFUSED = [
    *("tomorrow", "04.03.2027", "4 Mar 2027", "03/2027", "+5", "never", "x", "", " ", "2027"),
    *("2027-3-4", "20270304", "2027-02-30", "2027-13", "2027-00", "2027-03-04T10:30"),
    *("2027-03-04T24:00:00Z", "2027-03-04T10Z", "2027-03-04T10:30+25:00", "0000-00-00"),
    *("1969-12-31", "9999-12-30", "٢٠٢٧-٠٣-٠٤", "2027-03-04\n", "2027–03–04", "1e9"),
    *("'; DROP TABLE lots; --", "x" * 500),
]


async def test_every_refusal_of_a_date_names_what_is_wanted_with_an_example_in_our_words(
    ada: httpx.AsyncClient,
) -> None:
    for text in REFUSED:
        for answer in await each_way(ada, text):
            assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, text
            (error,) = answer.json()["errors"]
            assert error["message"].startswith("must "), text
            assert "e.g. 2099-03-04" in error["message"], text
            assert not [word for word in FOREIGN if word in answer.text], text


async def test_a_date_that_is_no_text_is_refused_in_our_words(ada: httpx.AsyncClient) -> None:
    values: list[Any] = [20270304, 1.5, True, [], {}, ["2027-03-04"]]
    for value in values:
        answer = await ada.post("/api/products", json=MILK | {"expiryDate": value})
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert answer.json()["errors"][0]["message"].startswith(FIELD)


# GET /api/dates


async def read(client: httpx.AsyncClient, text: str, **query: str) -> dict[str, Any]:
    answer = await client.get("/api/dates", params={"text": text, "today": "2026-03-02"} | query)
    assert answer.status_code == HTTPStatus.OK, answer.text
    found: dict[str, Any] = answer.json()
    return found


def certain(day: str) -> dict[str, Any]:
    return {"date": day, "certain": True, "readings": [day]}


NEVER: dict[str, Any] = {"date": None, "certain": True, "readings": []}
TYPED = {
    "2026-03-04": "2026-03-04",
    "04.03.2026": "2026-03-04",
    "4.3.26": "2026-03-04",
    "4 Mar 2026": "2026-03-04",
    "2026/03/04": "2026-03-04",
    "20260304": "2026-03-04",
    "05/2026": "2026-05-31",
    "05/26": "2026-05-31",
    "EXP 05/26": "2026-05-31",
    "BBE 12/2025": "2025-12-31",
    "MHD 04.03.2026": "2026-03-04",
    "best before end: 12 2025": "2025-12-31",
    "+5": "2026-03-07",
    "+2w": "2026-03-16",
    "in 5 days": "2026-03-07",
    "tomorrow": "2026-03-03",
    "next friday": "2026-03-06",
    "12.2026": "2026-12-31",
    "EXP 2026-02": "2026-02-28",
    "4. März 2026": "2026-03-04",
    "morgen": "2026-03-03",
}
"""Texts of the contract, on Monday 2 March 2026."""


async def test_each_text_that_people_write_is_answered_with_date_certain_and_readings(
    ada: httpx.AsyncClient,
) -> None:
    for text, day in TYPED.items():
        assert await read(ada, text) == certain(day), text


async def test_never_x_and_an_empty_text_are_null(ada: httpx.AsyncClient) -> None:
    for text in ("never", "x", "", "  ", "nie", "NEVER", "2999-12-31", "9999-12-31"):
        assert await read(ada, text) == NEVER, text


async def test_a_month_alone_means_its_last_day(ada: httpx.AsyncClient) -> None:
    for text in ("02/2028", "Feb 2028", "Februar 2028", "2028-02", "EXP 02/28"):
        assert await read(ada, text) == certain("2028-02-29"), text


async def test_years_of_two_digits_are_49_back_or_50_ahead(ada: httpx.AsyncClient) -> None:
    for text, day in (("01/76", "2076-01-31"), ("01/77", "1977-01-31"), ("4.3.26", "2026-03-04")):
        assert await read(ada, text) == certain(day), text
    assert await read(ada, "01/77", today="2027-01-01") == certain("2077-01-31")


async def test_a_text_that_can_be_read_in_two_ways_gives_both_readings_and_is_not_guessed(
    ada: httpx.AsyncClient,
) -> None:
    both = {"date": None, "certain": False, "readings": ["2026-03-04", "2026-04-03"]}
    assert await read(ada, "03/04/2026") == both
    assert await read(ada, "03/04/2026", order="dmy") == certain("2026-04-03")
    assert await read(ada, "03/04/2026", order="mdy") == certain("2026-03-04")
    assert await read(ada, "13/04/2026", order="mdy") == certain("2026-04-13")


ENGLISH_AND_GERMAN = {
    "use by 4 March 2026": "2026-03-04",
    "Best if used by MAR 04 2026": "2026-03-04",
    "zu verbrauchen bis 4.3.2026": "2026-03-04",
    "Verfallsdatum: 04.03.2026": "2026-03-04",
    "verfällt am 4. März 2026": "2026-03-04",
    "mindestens haltbar bis Ende 05/2026": "2026-05-31",
    "in two weeks": "2026-03-16",
    "in zwei Wochen": "2026-03-16",
    "übermorgen": "2026-03-04",
    "nächsten Freitag": "2026-03-06",
    "Wednesday, 4 March 2026": "2026-03-04",
    "Mi, 4. März 2026": "2026-03-04",
}


async def test_english_and_german_words_are_read(ada: httpx.AsyncClient) -> None:
    for text, day in ENGLISH_AND_GERMAN.items():
        assert await read(ada, text) == certain(day), text


async def test_an_unreadable_text_is_422_with_an_example_and_no_word_of_a_library(
    ada: httpx.AsyncClient,
) -> None:
    texts = ("soon", "2026-W51-3", "2026-350", "31.02.2026", "13/2026", "a\0b", "9" * 99, "\u202e?")
    for text in texts:
        answer = await ada.get("/api/dates", params={"text": text})
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, text
        assert "e.g. 2099-03-04" in answer.json()["detail"]
        assert not [word for word in FOREIGN if word in answer.text]


async def test_never_is_date_null_with_certain_true_and_one_reading_always_certain(
    ada: httpx.AsyncClient,
) -> None:
    for text in (*TYPED, *ENGLISH_AND_GERMAN, "03/04/2026", "monday", "never", "x", ""):
        found = await read(ada, text)
        assert found["certain"] == (len(found["readings"]) < 2), text
        assert (found["date"] is None) == (len(found["readings"]) != 1), text
        assert all(len(day) == len("2026-03-04") for day in found["readings"])


@pytest.mark.parametrize("year", ["2999", "9999"])
async def test_the_far_days_mean_never_in_each_form_of_a_field(
    ada: httpx.AsyncClient, year: str
) -> None:
    for text in (f"{year}-12-31", f"{year}-12", f"{year}-12-31T00:00:00"):
        for answer in await each_way(ada, text):
            assert answer.is_success, answer.text
            assert answer.json()["expiryDate"] is None


async def test_the_words_for_never_count_in_dates_and_imports_and_not_in_fields(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada)
    for word in ("never", "x", "nie"):
        assert (await read(ada, word))["date"] is None
        refused = await ada.post("/api/products", json=MILK | {"expiryDate": word})
        assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        file = f"name,mhd\n{word} salt,{word}\n".encode()
        assert (await ada.post("/api/import", content=file)).json()["added"] == 1
    for never in (None, "2999-12-31", "9999-12-31"):
        lot = await received(ada, product["id"], printedDate=never)
        assert (lot["printedDate"], lot["expiryDate"]) == (None, None)
    found = (await ada.get("/api/products", params={"q": "salt"})).json()["items"]
    assert [each["expiryDate"] for each in found] == [None] * 3
