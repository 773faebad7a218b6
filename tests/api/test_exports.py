"""Stock is exported over REST.

covers: useby.api.export_turns
"""

import csv
import io
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook
from tests.support.factories import an_owner
from tests.support.rest_app import MILK, Rest

from useby.api.errors import Problem
from useby.exports.rows import HEADER
from useby.exports.writing import ExportFormat, writer_of
from useby.store.database import StoreUnavailable


async def test_an_export_without_a_format_is_the_file_that_an_empty_account_imports(
    rest: Rest,
) -> None:
    _, ada = await rest.person()
    _, bob = await rest.person()
    await ada.post("/api/products", json=MILK | {"externalId": "m", "notes": "=1+1"})
    exported = await ada.get("/api/export")
    assert (exported.status_code, exported.headers["content-type"]) == (200, "application/json")
    assert 'filename="useby.json"' in exported.headers["content-disposition"]
    report = (await bob.post("/api/import", content=exported.content)).json()
    assert (report["format"], report["added"], report["bad"]) == ("useby", 1, [])
    assert (await bob.get("/api/export")).content == exported.content
    again = (await bob.post("/api/import?format=useby", content=exported.content)).json()
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 1)


async def test_a_table_has_a_row_for_each_open_lot_and_runs_nothing(ada: httpx.AsyncClient) -> None:
    await ada.post("/api/products", json=MILK | {"notes": "=cmd|' /C calc'!A0"})
    eaten = (await ada.post("/api/products", json=MILK | {"name": "Eaten"})).json()
    await ada.post(f"/api/products/{eaten['id']}/consume", json={})
    answer = await ada.get("/api/export?format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    header, row = csv.reader(io.StringIO(answer.text))
    assert header == list(HEADER)
    assert row[:3] == ["Organic Milk", "2026-03-04", "1"]
    notes = HEADER.index("notes")
    assert row[notes] == "'=cmd|' /C calc'!A0"
    workbook = await ada.get("/api/export?format=xlsx")
    sheet = load_workbook(io.BytesIO(workbook.content)).worksheets[0]
    cells = list(sheet.iter_rows(min_row=2))
    assert [each[0].value for each in cells] == ["Organic Milk"]
    assert (cells[0][notes].value, cells[0][notes].data_type) == (row[notes], "s")
    for data in (answer.content, workbook.content):
        report = (await ada.post("/api/import", content=data)).json()
        assert (report["unchanged"], report["bad"], report["warnings"]) == (1, [], [])


async def test_an_export_needs_a_token_and_one_of_the_formats(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    assert (await rest.client().get("/api/export")).status_code == 401
    wrong = await ada.get("/api/export?format=pdf")
    assert wrong.status_code == 422
    assert "json" in wrong.json()["detail"]


async def test_a_second_export_of_an_account_is_429_until_the_first_has_ended(rest: Rest) -> None:
    user, ada = await rest.person()
    _, bob = await rest.person()
    rest.context.exports.begin(user.id)
    refused = await ada.get("/api/export")
    assert (refused.status_code, refused.headers["retry-after"] != "") == (429, True)
    assert (await bob.get("/api/export")).status_code == 200
    with pytest.raises(Problem):
        rest.context.exports.begin(user.id)
    rest.context.exports.end(user.id)
    for form in ExportFormat:
        assert (await ada.get(f"/api/export?format={form.value}")).status_code == 200


async def test_an_export_that_the_database_refuses_is_503_and_leaves_no_turn_taken(
    rest: Rest, ada: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = type(rest.database).read

    async def failing(self: Any, work: Any, **options: Any) -> Any:
        if options.get("user_id"):
            raise StoreUnavailable("the disk is gone")
        return await read(self, work, **options)

    with monkeypatch.context() as patch:
        patch.setattr(type(rest.database), "read", failing)
        assert (await ada.get("/api/export")).status_code == 503
    assert (await ada.get("/api/export")).status_code == 200


@pytest.mark.parametrize("form", ExportFormat)
def test_a_writer_that_is_closed_before_its_end_leaves_nothing_open(form: ExportFormat) -> None:
    writer = writer_of(form, an_owner(time_zone="Europe/Berlin"))
    writer.write([])
    writer.close()
