"""``useby household``, ``useby alerts``, and the household of commands about stock.

covers: useby.cli.household
covers: useby.cli.household_doing
covers: useby.cli.household_members
covers: useby.cli.household_option
covers: useby.cli.alerts
"""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli_result import CliResult, Useby

from useby.actions import households as actions

ADA = ("--user", "ada@example.org")
BOB = ("--user", "bob@example.org")
KITCHEN = ("--household", "kitchen")


@pytest.fixture(autouse=True)
def people(useby: Useby, database_file: Path) -> None:
    """Ada has a household with a name, and Bob has one without."""
    for who in ("ada", "bob"):
        assert useby("user", "add", f"{who}@example.org", "--name", who.title()).status == 0
    assert useby("household", "rename", "Kitchen", *ADA).out == "Kitchen is changed\n"


def joined(useby: Useby, role: str) -> CliResult:
    link = useby("household", "invite", role, "--url", "https://useby.example/", *ADA).out.strip()
    assert link.startswith("https://useby.example/#/invite/")
    return useby("household", "join", link, *BOB)


def shown(useby: Useby, *words: str) -> Any:
    result = useby("household", *words, "--json")
    assert result.status == 0, result.err
    return json.loads(result.out)


def test_a_person_is_invited_by_a_link_joins_once_and_leaves(useby: Useby) -> None:
    made = shown(useby, "invite", "viewer", *ADA)
    assert (made["role"], made["url"].rpartition("/")[2]) == ("viewer", made["token"])
    (listed,) = shown(useby, "show", *ADA)["invitations"]
    assert (listed["id"], "token" in listed) == (made["id"], False)
    assert made["id"] in useby("household", "show", *ADA).out
    assert useby("household", "revoke", made["id"], *ADA).status == 0
    gone = useby("household", "revoke", made["id"], *ADA)
    assert (gone.status, made["id"] in gone.err) == (1, True)
    refused = useby("household", "join", made["url"], *BOB)
    assert (refused.status, "there is no such invitation" in refused.err) == (1, True)

    assert joined(useby, "editor").out == "bob@example.org is in Kitchen, as editor\n"
    assert "is a member of this household already" in joined(useby, "editor").err
    own, theirs = shown(useby, "list", *BOB)
    assert (own["role"], theirs["name"], theirs["role"]) == ("owner", "Kitchen", "editor")
    assert [each["email"] for each in shown(useby, "members", *ADA)] == [
        "ada@example.org",
        "bob@example.org",
    ]
    assert useby("household", "leave", *KITCHEN, "--yes", *BOB).out == (
        "bob@example.org has left Kitchen\n"
    )
    assert [each["name"] for each in shown(useby, "list", *BOB)] == ["Bob"]


def test_an_invitation_beyond_the_limit_of_households_is_refused_and_names_it(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MOST_HOUSEHOLDS", 0)
    assert joined(useby, "editor").err == (
        "useby: bob@example.org is in 50 households, which is the most: leave one first\n"
    )


def test_a_household_is_handed_over_changed_and_deleted(useby: Useby) -> None:
    joined(useby, "viewer")
    alone = useby("household", "leave", "--yes", *ADA)
    assert (alone.status, "a household must keep an owner" in alone.err) == (1, True)
    denied = useby("household", "role", "ada@example.org", "viewer", *KITCHEN, *BOB)
    assert "the role of bob@example.org in this household is viewer" in denied.err
    assert useby("household", "role", "bob@example.org", "owner", *ADA).status == 0
    assert useby("household", "leave", "--yes", *ADA).status == 0
    zone = ("--time-zone", "Asia/Tokyo", "--currency", "JPY", "--reads-settle-all")
    assert useby("household", "change", *zone, *KITCHEN, *BOB).status == 0
    its = shown(useby, "show", *KITCHEN, *BOB)
    assert (its["timeZone"], its["currency"], its["readSettlesAll"]) == ("Asia/Tokyo", "JPY", True)
    assert [each["email"] for each in its["members"]] == ["bob@example.org"]
    assert useby("household", "delete", "--yes", *KITCHEN, *BOB).out == "Kitchen is deleted\n"
    assert [each["name"] for each in shown(useby, "list", *BOB)] == ["Bob"]


def test_a_member_is_removed_and_no_question_is_a_no(useby: Useby) -> None:
    joined(useby, "kiosk")
    asked = useby("household", "remove", "bob@example.org", *ADA)
    assert (asked.status, asked.err) == (
        1,
        "useby: bob@example.org is not removed; `--yes` does not ask\n",
    )
    assert useby("household", "remove", "bob@example.org", "--yes", *ADA).status == 0
    again = useby("household", "remove", "bob@example.org", "--yes", *ADA)
    assert again.err == (
        "useby: bob@example.org is no member: `useby household members` lists them\n"
    )


def test_stock_commands_act_on_the_household_that_is_named(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined(useby, "editor")
    added = useby("product", "add", "Milk", "2090-01-31", *KITCHEN, *BOB)
    assert added.status == 0, added.err
    assert "Milk" in useby("product", "list", *ADA).out
    assert "Milk" not in useby("product", "list", *BOB).out
    monkeypatch.setenv("USEBY_HOUSEHOLD", "Kitchen")
    assert useby("lot", "add", "Milk", "2090-02-28", *BOB).status == 0
    assert len(useby("lot", "list", "Milk", *BOB).out.splitlines()) == 3
    assert useby("product", "consume", "Milk", "--quantity", "1", *BOB).status == 0
    assert useby("product", "undo", *BOB).status == 0
    assert "Milk" in useby("export", "--format", "csv", *BOB).out
    assert useby("stats", *BOB).status == 0
    monkeypatch.delenv("USEBY_HOUSEHOLD")
    unknown = useby("product", "list", "--household", "Cellar", *BOB)
    assert unknown.err == (
        "useby: bob@example.org is no member of a household Cellar:"
        " `useby household list --user bob@example.org` lists them\n"
    )


def test_a_role_limits_stock_commands_as_it_limits_requests(useby: Useby) -> None:
    joined(useby, "kiosk")
    useby("product", "add", "Milk", "2090-01-31", "--quantity", "3", *ADA)
    refused = useby("product", "freeze", "Milk", *KITCHEN, *BOB)
    assert (refused.status, "is kiosk, which may not change the stock" in refused.err) == (1, True)
    assert useby("product", "consume", "Milk", "--quantity", "1", *KITCHEN, *BOB).status == 0
    assert useby("product", "undo", *KITCHEN, *BOB).status == 0
    useby("product", "consume", "Milk", "--quantity", "1", *ADA)
    other = useby("product", "undo", *KITCHEN, *BOB)
    assert (other.status, "may not undo what somebody else did" in other.err) == (1, True)


def test_the_default_of_a_household_counts_for_its_members_and_is_for_editors(
    useby: Useby,
) -> None:
    joined(useby, "viewer")
    useby("product", "add", "Milk", "2090-01-31", *ADA)
    assert useby("policy", "set", "household", "--leads", "5d", *ADA).status == 0
    refused = useby("policy", "set", "household", "--never", *KITCHEN, *BOB)
    assert "may not change the household's policy" in refused.err
    (alert, _) = json.loads(useby("alerts", "Milk", "--json", *KITCHEN, *BOB).out)
    assert (alert["lead"], alert["because"]) == ("5d", {"scope": "household", "key": None})
    (first,) = json.loads(useby("policy", "list", "--json", *KITCHEN, *BOB).out)
    assert (first["scope"], first["leads"]) == ("household", ["5d"])
    assert useby("policy", "delete", "household", *ADA).status == 0
    assert json.loads(useby("policy", "list", "--json", *ADA).out) == []


def test_a_members_file_has_their_own_policies_and_is_compared_with_them(useby: Useby) -> None:
    joined(useby, "editor")
    useby("product", "add", "Milk", "2090-01-31", "--category", "Dairy", *ADA)
    useby("policy", "set", "category/Dairy", "--leads", "3d", *ADA)
    useby("policy", "set", "account", "--leads", "9d", *BOB)
    file = json.loads(useby("export", *KITCHEN, *BOB).out)
    assert [(each["scope"], each["leads"]) for each in file["policies"]] == [("account", ["9d"])]
    assert useby("export", "stock.json", *ADA).status == 0
    for words, added in ((("--dry-run",), "would be added"), ((), "added")):
        done = useby("import", "stock.json", *words, *KITCHEN, *BOB).out.splitlines()[-1]
        assert f"1 policies of alerts {added}" in done


def test_alerts_of_a_product_name_their_time_and_their_rule(useby: Useby) -> None:
    useby("product", "add", "Milk", "2090-01-31", "--category", "Dairy", *ADA)
    useby("policy", "set", "category/Dairy", "--leads", "3d", *ADA)
    header, first, last = useby("alerts", "Milk", *ADA).out.splitlines()
    assert header.split() == ["at", "alert", "lead", "because", "of", "lot"]
    assert first.startswith("2090-01-28 09:00  Milk expires in 3 days  3d      category/Dairy")
    assert "expiry" in last
    items = json.loads(useby("alerts", "Milk", "--json", *ADA).out)
    assert [each["lead"] for each in items] == ["3d", "expiry"]
    useby("product", "consume", "Milk", *ADA)
    assert useby("alerts", "Milk", *ADA).out == "no alert is still to come\n"
