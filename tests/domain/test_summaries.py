"""The words of a summary, and the order of urgency."""

from datetime import date

import pytest
from tests.support.factories import an_owner

from useby.domain import messages
from useby.domain.notification import MOST_SHOWN, Cause, Draft, Item, Severity
from useby.domain.summaries import summary

ADA = an_owner(id="ada")


def alert(
    name: str, days: int, kind: Severity = Severity.WARNING, *, lots: tuple[str, ...] = ("lot",)
) -> Draft:
    expired = days < 0
    return Draft(
        user_id="ada",
        message=messages.expiry(name, days, expired=expired, lots=len(lots)),
        kind=kind,
        event=Cause.EXPIRED if expired else Cause.EXPIRING,
        product_name=name,
        product_id=f"id of {name}",
        expires_on=date(2026, 3, 4),
        days_left=days,
        lot_ids=lots,
    )


HAM = alert("Ham", -1, Severity.ERROR)
MILK = alert("Milk", 0)
EGGS = alert("Eggs", 1, lots=("a", "b"))
RICE = alert("Rice", 30, Severity.INFO)


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        ([HAM], "1 product needs attention: Ham expired yesterday"),
        ([MILK, HAM], "2 products need attention: Ham expired yesterday and Milk expires today"),
        (
            [EGGS, MILK, HAM],
            (
                "3 products need attention: Ham expired yesterday, Milk expires today,"
                " and 2 lots of Eggs expire tomorrow"
            ),
        ),
        (
            [RICE, EGGS, MILK, HAM],
            (
                "4 products need attention: Ham expired yesterday, Milk expires today,"
                " 2 lots of Eggs expire tomorrow, and 1 more"
            ),
        ),
    ],
)
def test_a_summary_names_three_products_and_the_number_of_the_others(
    alerts: list[Draft], expected: str
) -> None:
    made = summary(alerts, ADA)
    assert made.message == expected
    assert (made.user_id, made.event, made.product_name) == ("ada", Cause.SUMMARY, "")


def test_severity_comes_before_days_left_and_days_left_before_the_name() -> None:
    old = alert("Rice", -9, Severity.WARNING)
    alerts = [RICE, MILK, alert("Butter", 0), old, HAM]
    made = summary(alerts, ADA)
    assert [each.product_name for each in made.alerts] == ["Ham", "Rice", "Butter", "Milk", "Rice"]
    assert made.kind is Severity.ERROR
    assert summary([RICE], ADA).kind is Severity.INFO


def test_a_product_with_several_alerts_is_named_and_counted_once() -> None:
    made = summary([MILK, alert("Milk", 1), alert("Milk", 2), HAM, EGGS], ADA)
    assert made.message == (
        "3 products need attention: Ham expired yesterday, Milk expires today,"
        " and 2 lots of Eggs expire tomorrow"
    )


def test_a_summary_shows_an_item_for_each_lot_up_to_the_limit_of_a_frame() -> None:
    assert summary([EGGS, HAM], ADA).items == (
        Item("id of Ham", "lot", "Ham expired yesterday", Severity.ERROR),
        Item("id of Eggs", "a", "2 lots of Eggs expire tomorrow", Severity.WARNING),
        Item("id of Eggs", "b", "2 lots of Eggs expire tomorrow", Severity.WARNING),
    )
    many = [alert("Egg", number) for number in range(MOST_SHOWN + 1)]
    assert len(summary(many, ADA).items) == MOST_SHOWN


def test_a_summary_of_the_longest_names_fits_into_a_message() -> None:
    alerts = [alert(f"{number}" + "x" * 199, -36_500, Severity.ERROR) for number in range(4)]
    assert len(summary(alerts, ADA).message) <= 1000
