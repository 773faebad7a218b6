"""Dates as people write them: each text of the contract, and others of the same kinds."""

from datetime import date, timedelta

import pytest

from useby.domain.dates import (
    NEVER,
    DateOrder,
    DateReading,
    UnreadableDate,
    counts_from_today,
    read_date,
)

TODAY = date(2026, 3, 2)
"""A Monday."""
DMY, MDY = DateOrder.DMY, DateOrder.MDY


def read(text: str, today: date = TODAY, order: DateOrder | None = None) -> DateReading:
    return read_date(text, today=today, order=order)


def certain(*day: int) -> DateReading:
    found = date(*day)
    return DateReading(found, certain=True, readings=(found,))


def several(*days: date) -> DateReading:
    return DateReading(None, certain=False, readings=days)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-04", (2026, 3, 4)),
        ("04.03.2026", (2026, 3, 4)),
        ("4.3.26", (2026, 3, 4)),
        ("4 Mar 2026", (2026, 3, 4)),
        ("2026/03/04", (2026, 3, 4)),
        ("20260304", (2026, 3, 4)),
        ("05/2026", (2026, 5, 31)),
        ("05/26", (2026, 5, 31)),
        ("EXP 05/26", (2026, 5, 31)),
        ("BBE 12/2025", (2025, 12, 31)),
        ("MHD 04.03.2026", (2026, 3, 4)),
        ("best before end: 12 2025", (2025, 12, 31)),
        ("+5", (2026, 3, 7)),
        ("+2w", (2026, 3, 16)),
        ("in 5 days", (2026, 3, 7)),
        ("tomorrow", (2026, 3, 3)),
        ("next friday", (2026, 3, 6)),
        ("12.2026", (2026, 12, 31)),
        ("EXP 2026-02", (2026, 2, 28)),
        ("4. März 2026", (2026, 3, 4)),
        ("morgen", (2026, 3, 3)),
    ],
)
def test_each_text_of_the_contract_is_read(text: str, day: tuple[int, ...]) -> None:
    assert read(text) == certain(*day)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("  4 MÄRZ 2026 ", (2026, 3, 4)),
        ("4. Ma\u0308rz 2026", (2026, 3, 4)),
        ("4. Maerz 2026", (2026, 3, 4)),
        ("\u200e04.03.2026\u200e", (2026, 3, 4)),
        ("04\u00a0.\u00a003\u00a0.\u00a02026", (2026, 3, 4)),
        ("２０２６－０３－０４", (2026, 3, 4)),
        ("2026\u201103\u201104", (2026, 3, 4)),
        ("'04.03.2026", (2026, 3, 4)),
        ("04.03.2026.", (2026, 3, 4)),
        ("04. 03. 2026", (2026, 3, 4)),
        ("04.03.2026 00:00", (2026, 3, 4)),
        ("2026-03-04T00:00:00.000", (2026, 3, 4)),
        ("3/14/2026 12:00:00 AM", (2026, 3, 14)),
        ("March 4th, 2026", (2026, 3, 4)),
        ("the 4th of March 2026", (2026, 3, 4)),
        ("04MAR26", (2026, 3, 4)),
        ("04-Mar-2026", (2026, 3, 4)),
        ("2026 Mar 4", (2026, 3, 4)),
        ("2026-MAR-04", (2026, 3, 4)),
        ("am 4. Mär. 2026", (2026, 3, 4)),
        ("Wed, 4 March 2026", (2026, 3, 4)),
        ("Mittwoch, 4. März 2026", (2026, 3, 4)),
        ("MAR 32", (2032, 3, 31)),
        ("BBE MAR 26", (2026, 3, 31)),
        ("Ende Mai 27", (2027, 5, 31)),
        ("Mar '26", (2026, 3, 31)),
        ("Ende Mai 2027", (2027, 5, 31)),
        ("end of February 2028", (2028, 2, 29)),
        ("2026 Feb", (2026, 2, 28)),
        ("EXP05/26", (2026, 5, 31)),
        ("EXP: 05 26", (2026, 5, 31)),
        ("Exp. Date: 05/2026", (2026, 5, 31)),
        ("Use by 4 Mar 26", (2026, 3, 4)),
        ("best-before (end) 05-2026", (2026, 5, 31)),
        ("mindestens haltbar bis Ende 05.2026", (2026, 5, 31)),
        ("mindestens haltbar bis: 04.03.2026", (2026, 3, 4)),
        ("zu verbrauchen bis 4.3.26", (2026, 3, 4)),
        ("verwendbar bis 2026-05", (2026, 5, 31)),
        ("today", (2026, 3, 2)),
        ("heute", (2026, 3, 2)),
        ("Übermorgen", (2026, 3, 4)),
        ("the day after tomorrow", (2026, 3, 4)),
        ("+ 5 days", (2026, 3, 7)),
        ("+1m", (2026, 4, 2)),
        ("5 days", (2026, 3, 7)),
        ("in a week", (2026, 3, 9)),
        ("in two weeks", (2026, 3, 16)),
        ("a week from now", (2026, 3, 9)),
        ("in 5 Tagen", (2026, 3, 7)),
        ("in einer Woche", (2026, 3, 9)),
        ("in zwölf Monaten", (2027, 3, 2)),
        ("in 1 Jahr", (2027, 3, 2)),
        ("friday", (2026, 3, 6)),
        ("on Friday", (2026, 3, 6)),
        ("this fri", (2026, 3, 6)),
        ("next Monday", (2026, 3, 9)),
        ("by sunday", (2026, 3, 8)),
        ("nächsten Freitag", (2026, 3, 6)),
        ("am Freitag", (2026, 3, 6)),
        ("kommenden Montag", (2026, 3, 9)),
        ("31.12.1999", (1999, 12, 31)),
        ("31122030", (2030, 12, 31)),
        ("20112026", (2026, 11, 20)),
    ],
)
def test_a_text_of_the_same_kinds_is_read(text: str, day: tuple[int, ...]) -> None:
    assert read(text) == certain(*day)


NO_DAY = [
    *("never", "x", "", " ", "\t", "X", "NEVER", "nie", "n/a", "\u2014", "-", "none", "kein MHD"),
    *("never expires", "doesn\u2019t expire", "unbegrenzt haltbar", "läuft nicht ab", "EXP never"),
    *("2999-12-31", "9999-12-31", "31.12.2999", "12/31/9999", "12/2999", "99991231", "EXP 12/9999"),
]


@pytest.mark.parametrize("text", NO_DAY)
def test_never_is_no_day_and_certain(text: str) -> None:
    assert read(text) == NEVER == DateReading(None, certain=True, readings=())


@pytest.mark.parametrize("text", ["EXP", "best before", "use by:", ".", "'", "''", "bis"])
def test_a_label_without_a_date_is_not_never(text: str) -> None:
    with pytest.raises(UnreadableDate):
        read(text)


def test_a_text_that_can_be_read_in_two_ways_gives_both_readings_and_is_not_guessed() -> None:
    both = several(date(2026, 3, 4), date(2026, 4, 3))
    for text in ("03/04/2026", "03/04/26", "3-4-2026", "03 04 2026", "EXP 03/04/26", "04032026"):
        assert read(text) == both, text
        assert {read(text, order=order).day for order in DateOrder} == set(both.readings), text
    assert read("03/04/2026", order=DMY) == certain(2026, 4, 3)
    assert read("03/04/2026", order=MDY) == certain(2026, 3, 4)


@pytest.mark.parametrize("order", [None, DMY, MDY])
def test_a_text_that_can_be_read_in_one_way_is_certain_in_any_order(
    order: DateOrder | None,
) -> None:
    assert read("14/03/2026", order=order) == certain(2026, 3, 14)
    assert read("03/14/2026", order=order) == certain(2026, 3, 14)
    assert read("03/03/2026", order=order) == certain(2026, 3, 3)
    assert read("2026/03/04", order=order) == certain(2026, 3, 4)


def test_between_points_the_day_is_first_unless_the_order_differs() -> None:
    assert read("04.03.2026") == read("04.03.2026", order=DMY) == certain(2026, 3, 4)
    assert read("04.03.2026", order=MDY) == certain(2026, 4, 3)
    assert read("03.14.2026") == certain(2026, 3, 14)


@pytest.mark.parametrize(
    ("text", "month", "day"),
    [
        ("MHD 05.06.", (2006, 5, 31), (2026, 6, 5)),
        ("05.06", (2006, 5, 31), (2026, 6, 5)),
        ("01.03.", (2003, 1, 31), (2027, 3, 1)),
        ("02.03.", (2003, 2, 28), (2026, 3, 2)),
        ("2.10", (2010, 2, 28), (2026, 10, 2)),
        ("Dec 25", (2025, 12, 31), (2026, 12, 25)),
        ("EXP MAR 26", (2026, 3, 31), (2026, 3, 26)),
        ("Feb 29", (2029, 2, 28), (2028, 2, 29)),
        ("mar26", (2026, 3, 31), (2026, 3, 26)),
    ],
)
def test_two_digits_that_are_a_year_or_a_day_without_its_year_give_both_readings(
    text: str, month: tuple[int, int, int], day: tuple[int, int, int]
) -> None:
    assert read(text) == several(*sorted((date(*month), date(*day))))


def test_a_day_without_its_year_has_the_order_that_is_given() -> None:
    assert date(2026, 5, 6) in read("05.06.", order=MDY).readings
    assert date(2026, 6, 5) in read("05.06.", order=DMY).readings


@pytest.mark.parametrize("text", ["05/26", "12.2026", "05.26", "Mar '26", "12 25"])
def test_a_month_whose_second_number_is_its_year_is_certain(text: str) -> None:
    assert read(text).certain


@pytest.mark.parametrize(
    ("text", "does"),
    [
        *((each, True) for each in ("tomorrow", "in 5 days", "+2w", "friday", "MHD morgen")),
        *((each, False) for each in ("2026-03-04", "05/26", "Fr 6.3.2026", "never", "31.12.26")),
    ],
)
def test_a_text_that_counts_from_today_is_distinguished_from_a_date(text: str, does: bool) -> None:
    assert counts_from_today(text) is does


def test_between_hyphens_a_year_of_two_digits_may_be_first() -> None:
    assert read("26-03-04") == several(date(2004, 3, 26), date(2026, 3, 4))
    assert read("26-03-04", order=DMY) == certain(2004, 3, 26)
    assert read("99-12-31") == certain(1999, 12, 31)


def test_a_day_of_the_week_beside_a_date_decides_between_readings_and_must_be_right() -> None:
    assert read("Wed 03/04/2026") == certain(2026, 3, 4)
    assert read("Fr 03/04/2026") == certain(2026, 4, 3)
    with pytest.raises(UnreadableDate, match=r"^must fall on the day of the week that it names"):
        read("Mo 04.03.2026")


def test_a_day_of_the_week_that_is_today_can_mean_today_or_in_a_week() -> None:
    assert read("monday") == several(TODAY, TODAY + timedelta(days=7))
    assert read("Montag") == read("monday")
    assert read("next monday").day == TODAY + timedelta(days=7)


@pytest.mark.parametrize(
    "text", ["2026-W51-3", "2026W513", "2026-W51", "2026W51", "2026-350", "2026350", "EXP 2026-350"]
)
def test_iso_weeks_and_ordinal_days_are_refused(text: str) -> None:
    with pytest.raises(UnreadableDate, match=r"^must be a day of a month, not of an ISO week"):
        read(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("soon", "must be a date, e.g. 2099-03-04, 4 Mar 2099, 03/2099, in 5 days or never"),
        ("31.02.2026", "must be a day of the calendar, e.g. 2099-03-04"),
        ("2026-13-01", "must be a day of the calendar, e.g. 2099-03-04"),
        ("13/2026", "must be a day of the calendar, e.g. 2099-03-04"),
        ("31.12.", "must be a day of the calendar, e.g. 2099-03-04"),
        ("29.02.2026", "must be a day of the calendar, e.g. 2099-03-04"),
        ("04.03.1969", "must have a year from 1970 to 9998, e.g. 2099-03-04"),
        ("9999-12-30", "must have a year from 1970 to 9998, e.g. 2099-03-04"),
        ("+99999y", "must have a year from 1970 to 9998, e.g. 2099-03-04"),
        ("2026-03-04T10:30", "must be a day without a time of day, e.g. 2099-03-04"),
        ("2026-03-04T00:00:00Z", "must be a day without a time of day, e.g. 2099-03-04"),
        ("x" * 101, "must be a date of at most 100 characters, e.g. 2099-03-04"),
    ],
)
def test_a_refusal_is_one_sentence_with_an_example(text: str, message: str) -> None:
    with pytest.raises(UnreadableDate) as refused:
        read(text)
    assert str(refused.value) == message


OPEN = [
    *(
        "26 Mar",
        "4.3.",
        "March",
        "2026",
        "5",
        "46085",
        "260304",
        "next week",
        "12:30",
        "1.000",
        "?",
    ),
    *("LOT 42", "MFG 05/2026", "not before 05/2026", "2026-03/04", "04.03.202", "0", "+", "in"),
    *("04.03.2026 05.03.2026", "in 5", "+5x", "4 Marx 2026", "2026-03-04\0", "\u0664.3.2026"),
]


@pytest.mark.parametrize("text", OPEN)
def test_a_text_that_leaves_the_date_open_is_refused(text: str) -> None:
    with pytest.raises(UnreadableDate):
        read(text)


def test_an_unreadable_date_is_a_value_error() -> None:
    assert issubclass(UnreadableDate, ValueError)
