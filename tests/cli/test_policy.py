"""``useby policy`` lists, sets and deletes policies of alerts."""

import json
from pathlib import Path

import pytest
from tests.support.cli_result import Useby

ADA = ("--user", "ada@example.org")


@pytest.fixture(autouse=True)
def ada(useby: Useby, database_file: Path) -> None:
    useby("user", "add", "ada@example.org")


def test_a_policy_is_set_listed_and_deleted(useby: Useby) -> None:
    result = useby("policy", "set", "category/Dairy", "--leads", "3d, 24h", *ADA)
    assert (result.status, result.out) == (0, "the policy of category/Dairy is set\n")
    rule = ("--alert-time", "08:00", "--no-expiry", "--repeat", "P1W", "--most", "2")
    assert useby("policy", "set", "account", *rule, "--muted", "false", *ADA).status == 0
    header, account, dairy = useby("policy", "list", *ADA).out.splitlines()
    assert header.split() == ["scope", "leads", "at", "on", "expiry", "repeat", "muted"]
    assert account.split() == ["account", "08:00", "no", "2", "times", "P1W", "no"]
    assert dairy.split() == ["category/dairy", "3d,", "24h"]
    (first, _) = json.loads(useby("policy", "list", "--json", *ADA).out)
    assert first == {
        "scope": "account",
        "key": None,
        "leads": None,
        "alertTime": "08:00",
        "onExpiry": False,
        "repeat": {"every": "P1W", "most": 2},
        "muted": False,
    }
    for scope in ("account", "category/dairy"):
        assert useby("policy", "delete", scope, *ADA).status == 0
    assert useby("policy", "list", *ADA).out.startswith("there are none")


def test_never_sets_no_leads_and_no_alert_on_expiry(useby: Useby) -> None:
    useby("policy", "set", "location/Cellar", "--never", *ADA)
    (only,) = json.loads(useby("policy", "list", "--json", *ADA).out)
    assert (only["key"], only["leads"], only["onExpiry"]) == ("Cellar", [], False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("house",),
            "must be lot, product, category, location, dateKind, account, household, e.g.",
        ),
        (("dateKind/soon",), "must be use_by or best_before, e.g. use_by"),
        (("account", "--leads", "soon"), '"7d", "24h", "15%"'),
        (("account", "--alert-time", "9"), "must be a time of day as HH:MM, e.g. 09:00"),
        (("account", "--repeat", "daily"), "in whole days or weeks, e.g. P3D"),
        (("account", "--muted", "soon"), "must be true, false or a date-time"),
    ],
)
def test_a_bad_policy_is_refused_with_an_example(
    useby: Useby, words: tuple[str, ...], message: str
) -> None:
    result = useby("policy", "set", *words, *ADA)
    assert result.status == 2
    assert message in result.err


def test_the_policy_of_an_unknown_product_is_refused(useby: Useby) -> None:
    result = useby("policy", "set", "product/1", "--never", *ADA)
    assert (result.status, result.err) == (1, "useby: the person has no product with this id\n")
