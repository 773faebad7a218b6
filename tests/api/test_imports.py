"""Importing products over REST.

covers: useby.api.import_slots, useby.api.uploads, useby.schemas.imports
"""

import asyncio
import json
import threading
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from tests.support.databases import database_url
from tests.support.import_files import a_workbook, grocy_sqlite
from tests.support.rest_app import Rest, messages
from tests.support.time_limits import HANG_TIMEOUT

from useby.actions import import_rows, imports
from useby.api import import_slots
from useby.api.bodies import IMPORT_MOST
from useby.schemas.imports import MOST_FINDINGS, MOST_VALUE

__all__ = ["database_url"]

GOOD = "name,expiryDate,externalId\nOrganic Milk,2026-12-04,m\nButter,2026-12-05,b\n"
BAD = GOOD + "Cheese,someday,c\n"
PROBLEM = "application/problem+json"


async def import_(
    client: httpx.AsyncClient, data: str | bytes, *, form: bool = False, **query: Any
) -> httpx.Response:
    raw = data.encode() if isinstance(data, str) else data
    if form:
        return await client.post("/api/import", params=query, files={"file": ("f", raw)})
    return await client.post("/api/import", params=query, content=raw)


async def names(client: httpx.AsyncClient) -> list[str]:
    return [each["name"] for each in (await client.get("/api/products")).json()["items"]]


@pytest.mark.parametrize("form", [False, True], ids=["raw bytes", "multipart"])
async def test_a_file_is_imported_and_importing_it_twice_changes_nothing(
    ada: httpx.AsyncClient, form: bool
) -> None:
    answer = await import_(ada, GOOD, form=form)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert report == {
        "format": "csv",
        "encoding": "utf-8",
        "separator": ",",
        "dateOrder": None,
        "dateOrderLine": None,
        "dates": [],
        "columns": {"name": "name", "expiryDate": "expiryDate", "externalId": "externalId"},
        "dryRun": False,
        "added": 2,
        "changed": 0,
        "unchanged": 0,
        "bad": [],
        "warnings": [],
    }
    again = (await import_(ada, GOOD, form=form)).json()
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 2)
    assert await names(ada) == ["Organic Milk", "Butter"]
    assert await messages(ada) == ["2 products were added"]


async def test_a_bad_row_keeps_nothing_and_the_answer_is_422_with_the_report(
    ada: httpx.AsyncClient,
) -> None:
    answer = await import_(ada, BAD)
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    report = answer.json()
    (bad,) = report["bad"]
    assert (bad["line"], bad["column"], bad["value"]) == (4, "expiryDate", "someday")
    assert (report["status"], report["added"], report["format"]) == (422, 0, "csv")
    assert report["detail"].startswith("1 of 3 rows are bad, and nothing was imported. Line 4: ")
    assert await names(ada) == []


async def test_skip_bad_keeps_the_valid_rows(ada: httpx.AsyncClient) -> None:
    answer = await import_(ada, BAD, skipBad=True)
    assert (answer.status_code, answer.json()["added"]) == (200, 2)
    assert [each["line"] for each in answer.json()["bad"]] == [4]
    assert await names(ada) == ["Organic Milk", "Butter"]


async def test_skip_bad_of_bad_rows_only_is_422(ada: httpx.AsyncClient) -> None:
    answer = await import_(ada, "name,mhd\nCheese,someday\n", skipBad=True)
    assert (answer.status_code, len(answer.json()["bad"])) == (422, 1)


async def test_a_dry_run_keeps_nothing(ada: httpx.AsyncClient) -> None:
    answer = await import_(ada, GOOD, dryRun=True)
    report = answer.json()
    assert (answer.status_code, report["added"], report["dryRun"]) == (200, 2, True)
    assert await names(ada) == []
    assert await messages(ada) == []


async def test_a_fault_of_the_whole_file_has_no_line(ada: httpx.AsyncClient) -> None:
    answer = await import_(ada, "name,colour\nMilk,white\n")
    (bad,) = answer.json()["bad"]
    assert (answer.status_code, bad["line"], bad["column"]) == (422, None, None)
    assert "the column expiryDate is missing" in answer.json()["detail"]
    assert answer.json()["columns"] == {"name": "name", "colour": None}


async def test_the_options_choose_columns_and_the_order_of_dates(ada: httpx.AsyncClient) -> None:
    query: dict[str, Any] = {
        "map": ["Was:name", "Wann:expiryDate", "Farbe:-"],
        "order": "mdy",
        "format": "csv",
    }
    answer = await import_(ada, "Was,Wann,Farbe\nMilk,03/04/2027,white\n", **query)
    report = answer.json()
    assert report["columns"] == {"Was": "name", "Wann": "expiryDate", "Farbe": None}
    assert report["dateOrder"] == "mdy"
    (milk,) = (await ada.get("/api/products")).json()["items"]
    assert milk["expiryDate"] == "2027-03-04"


@pytest.mark.parametrize(
    "query",
    [
        {"map": "Was"},
        {"map": "Was:colour"},
        {"order": "ymd"},
        {"format": "useless"},
        {"dryRun": "perhaps"},
        {"map": ["a:name"] * 65},
        {"map": "a\0:name"},
    ],
    ids=range(7),
)
async def test_an_option_of_another_form_is_refused(
    ada: httpx.AsyncClient, query: dict[str, Any]
) -> None:
    answer = await import_(ada, GOOD, **query)
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)


async def test_files_of_other_programs_are_imported(ada: httpx.AsyncClient) -> None:
    workbook = a_workbook([["Artikel", "MHD"], ["Milch", "2027-03-04"]])
    assert (await import_(ada, workbook)).json()["format"] == "xlsx"
    assert (await import_(ada, grocy_sqlite(), form=True)).json()["format"] == "grocy"
    assert sorted(await names(ada)) == ["Cookies", "Gulash soup", "Milch"]


async def test_a_file_is_not_read_without_a_token(rest: Rest) -> None:
    answer = await import_(rest.client(), GOOD)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data", b"--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=file"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nhello\r\n--x--\r\n"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\na,b\r\n--x--\r\n',
        ),
        (
            "multipart/form-data; boundary=x",
            2 * b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n' + b"--x--\r\n",
        ),
        (
            "multipart/form-data; boundary=x",
            40 * b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\na\r\n' + b"--x--\r\n",
        ),
        ("multipart/form-data; boundary=" + "x" * 500, b"\xff\xfe" * 500),
    ],
    ids=range(8),
)
async def test_a_form_without_exactly_one_file_is_refused(
    ada: httpx.AsyncClient, kind: str, body: bytes
) -> None:
    answer = await ada.post("/api/import", content=body, headers={"content-type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    assert "field `file`" in answer.json()["detail"]


async def test_a_file_may_be_larger_than_a_batch_and_is_still_bounded(
    ada: httpx.AsyncClient,
) -> None:
    notes = "x" * 1500
    rows = "".join(f"Milk {number},2027-03-04,{notes}\n" for number in range(2000))
    text = f"name,expiryDate,notes\n{rows}"
    assert len(text) > 2 * 1024 * 1024
    assert (await import_(ada, text, dryRun=True)).json()["added"] == 2000
    answer = await import_(ada, b"x" * (IMPORT_MOST + 1))
    assert answer.status_code == 413


async def test_a_report_of_very_many_faults_stays_small(ada: httpx.AsyncClient) -> None:
    rows = "".join(f"Milk,{'x' * 300}{number}\n" for number in range(5000))
    answer = await import_(ada, f"name,expiryDate\n{rows}")
    report = answer.json()
    assert len(report["bad"]) == MOST_FINDINGS
    assert max(len(each["value"]) for each in report["bad"]) == MOST_VALUE
    assert report["detail"].startswith("5000 of 5000 rows are bad")


async def test_an_import_beyond_the_quota_is_409_and_keeps_nothing(rest: Rest) -> None:
    small = Rest(rest.database, max_products=1)
    _, ada = await small.person()
    try:
        answer = await import_(ada, GOOD)
        assert (answer.status_code, answer.headers["content-type"]) == (409, PROBLEM)
        assert await names(ada) == []
    finally:
        await small.close()


async def test_a_second_import_of_an_account_waits_for_the_first(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ada = await rest.person()
    _, bob = await rest.person()
    started, go_on = asyncio.Event(), asyncio.Event()
    store_all = imports.store_all

    async def slowly(*arguments: Any, **options: Any) -> Any:
        started.set()
        await go_on.wait()
        return await store_all(*arguments, **options)

    monkeypatch.setattr(imports, "store_all", slowly)
    first = asyncio.create_task(import_(ada, GOOD))
    await started.wait()
    second = await import_(ada, GOOD)
    assert (second.status_code, second.headers["retry-after"]) == (429, "2")
    dry = await import_(bob, GOOD, dryRun=True)
    assert dry.status_code == 200, "another account has a slot of its own"
    go_on.set()
    assert (await first).status_code == 200
    assert (await import_(ada, GOOD)).status_code == 200, "the slot is free again"


async def test_more_imports_than_slots_are_refused_after_a_wait(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_slots, "WAIT_SECONDS", 0.01)
    _, ada = await rest.person()
    slots = rest.context.imports
    async with AsyncExitStack() as held:
        for number in range(import_slots.SLOTS):
            await held.enter_async_context(slots.slot(str(number)))
        answer = await import_(ada, GOOD)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert (await import_(ada, GOOD)).status_code == 200


async def test_a_file_is_read_beside_the_event_loop(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ada = await rest.person()
    _, bob = await rest.person()
    answered = threading.Event()
    read = import_rows.read

    def waiting(*arguments: Any) -> Any:
        assert answered.wait(HANG_TIMEOUT)
        return read(*arguments)

    monkeypatch.setattr(import_rows, "read", waiting)
    importing = asyncio.create_task(import_(ada, GOOD))
    assert await names(bob) == []
    answered.set()
    assert (await importing).status_code == 200


async def test_a_value_of_the_file_reaches_the_answer_as_json(ada: httpx.AsyncClient) -> None:
    row = {"name": "Milk", "expiryDate": "\u202e\ud800\u0000<script>"}
    answer = await import_(ada, json.dumps([row]))
    assert answer.status_code == 422
    assert len(answer.json()["bad"]) >= 1


async def test_more_of_a_product_than_it_can_have_is_422_with_the_report(
    ada: httpx.AsyncClient,
) -> None:
    most = {"name": "Rice", "expiryDate": "2027-03-04", "quantity": "999999999999.999999"}
    assert (await ada.post("/api/products", json=most)).status_code == 201
    answer = await ada.post("/api/import", content=b"name,expiryDate\nRice,2027-05-04\n")
    assert answer.status_code == 422
    (bad,) = answer.json()["bad"]
    assert (bad["line"], bad["value"]) == (2, "Rice")
    assert "more than 999999999999.999999" in bad["message"]
