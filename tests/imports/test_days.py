"""Dates of a column."""

from zoneinfo import ZoneInfo

import pytest
from tests.support.import_files import TODAY, read_file

from useby.domain.dates import DateOrder
from useby.domain.expiry import Expiry
from useby.imports.days import BadDate, day_of, order_of, read


@pytest.mark.parametrize(
    ("dates", "order", "line"),
    [
        (["03/04/2027", "05/06/2027", "31/12/2027"], DateOrder.DMY, 4),
        (["03/04/2027", "12/31/2027"], DateOrder.MDY, 3),
        (["04.03.2027", "31.12.2027"], DateOrder.DMY, 3),
        (["04.03.2027"], DateOrder.DMY, 2),
        (["31/12/2027 00:00"], DateOrder.DMY, 2),
        (["03/04/2027"], None, None),
        (["31/12/2027", "12/31/2027"], None, None),
        (["2027-03-04", "soon"], None, None),
        (["26-03-04", "26-12-31"], None, None),
        (["26-03-04", "31-12-2027"], DateOrder.DMY, 3),
    ],
)
def test_the_whole_column_decides_the_order_of_dates_and_by_which_line(
    dates: list[str], order: DateOrder | None, line: int | None
) -> None:
    assert order_of(enumerate(dates, 2)) == (order, line)


def test_an_ambiguous_date_is_read_in_the_order_of_its_column() -> None:
    found, products = read_file("name,mhd\nA,03/04/2027\nB,31/12/2027\n")
    assert [each.expiry_date for each in products] == ["2027-04-03", "2027-12-31"]
    report = found.report()
    assert (report.date_order, report.date_order_line) == ("dmy", 3)


def test_a_date_that_can_be_read_in_two_ways_is_refused_with_both() -> None:
    found, products = read_file("name,mhd\nA,03/04/2027\n")
    assert products == []
    assert "2027-03-04 or 2027-04-03; give order=dmy or order=mdy" in found.table.bad[0].message


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("26-03-04", "2004-03-26 or 2026-03-04; give order=dmy or order=mdy, or write years with"),
        ("MHD 05.06.", "2006-05-31 or 2026-06-05; write it in full, e.g. 2099-03-04"),
    ],
)
def test_a_date_whose_year_is_open_is_refused_with_what_makes_it_certain(
    text: str, remedy: str
) -> None:
    found, products = read_file(f"name,mhd\nA,{text}\n")
    assert products == []
    assert remedy in found.table.bad[0].message


def test_dates_that_count_from_today_have_a_warning_once_a_column() -> None:
    found, (milk, *_) = read_file(
        "name,mhd,bought\nMilk,in 5 days,2026-03-01\nTea,tomorrow,today\nSalt,2026-05-06,today\n"
    )
    assert milk.expiry_date == "2026-03-07"
    assert [(each.line, each.column, each.value) for each in found.table.warnings] == [
        (2, "expiryDate", "in 5 days"),
        (3, "receivedOn", "today"),
    ]
    assert "in 5 days is 2026-03-07, and is another day if" in found.table.warnings[0].message


@pytest.mark.parametrize(
    ("sent", "day"),
    [
        ("2026-12-03T23:00:00Z", "2026-12-04"),
        ("2026-12-03T23:00:00.000Z", "2026-12-04"),
        ("2026-12-03T22:59:00Z", "2026-12-03"),
        ("2026-12-03T23:00:00", "2026-12-03"),
        ("2026-12-03", "2026-12-03"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("2026-12-03T25:00:00Z", "2026-12-03T25:00:00Z"),
    ],
)
def test_a_moment_has_its_day_in_the_households_zone(sent: str, day: str) -> None:
    assert day_of(sent, ZoneInfo("Europe/Berlin")) == day


def test_a_chosen_order_decides() -> None:
    found, (product,) = read_file("name,mhd\nA,03/04/2027\n", order=DateOrder.MDY)
    assert product.expiry_date == "2027-03-04"
    assert (found.report().date_order, found.report().date_order_line) == ("mdy", None)


@pytest.mark.parametrize(
    "text",
    [
        "2027-03-04",
        "2027-03-04 00:00:00",
        "2027-03-04T00:00:00",
        "2027-03-04T00:00:00.000",
        "04.03.2027 00:00",
        "46450",
        "46450.0",
        "46450,0",
    ],
)
def test_a_spreadsheets_day_or_midnight_is_a_day(text: str) -> None:
    assert read(text, None, TODAY) == "2027-03-04"


def test_the_spreadsheet_day_46085_is_4_march_2026() -> None:
    assert read("46085", None, TODAY) == "2026-03-04"


@pytest.mark.parametrize("text", ["never", "9999-12-31", "x"])
def test_a_word_or_a_far_day_means_never(text: str) -> None:
    assert read(text, None, TODAY) is None


@pytest.mark.parametrize(
    "text",
    ["0001-01-01", "0001-01-01T00:00:00Z", "0000-00-00", "0000-00-00 00:00:00", "00.00.0000"],
)
def test_a_zero_by_which_a_program_means_that_no_date_is_set_is_no_date(text: str) -> None:
    assert read(text, None, TODAY) is None


def test_a_moment_with_an_offset_is_kept() -> None:
    moment = "2027-03-04T10:30:00+01:00"
    assert read(moment, None, TODAY) == moment


@pytest.mark.parametrize("text", ["someday", "2027-W51-3", "2027-350", "45", "32.13.2027"])
def test_another_text_is_refused_in_our_words(text: str) -> None:
    with pytest.raises(BadDate) as refused:
        read(text, None, TODAY)
    assert "isoformat" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "never", "2999-12-31", "9999-12-31"])
def test_a_row_without_a_date_never_expires(text: str) -> None:
    found, (salt,) = read_file(f"name,expiryDate,notes\nSalt,{text},x\n")
    assert found.table.bad == []
    assert Expiry.parse_or_never(salt.expiry_date) is None
