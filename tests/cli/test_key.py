"""Keys by the operator: service keys, and keys of users."""

import json

import pytest
from tests.support.cli_result import Useby

from useby.auth.api_keys import is_well_formed


@pytest.fixture
def ada(useby: Useby) -> str:
    useby("user", "add", "ada@example.org")
    return "ada@example.org"


def test_a_service_key_is_printed_once_listed_and_revoked(useby: Useby, ada: str) -> None:
    added = useby("key", "add", "shop", "--scope", "notify:any")
    assert added.status == 0
    key = added.out.strip()
    assert is_well_formed(key)
    assert "only time" in added.err
    listed = useby("key", "list")
    assert all(word in listed.out for word in ("shop", "(service)", "notify:any"))
    assert key not in listed.out
    (shown,) = json.loads(useby("key", "list", "--json").out)
    assert (shown["userId"], shown["prefix"], shown["lastUsedOn"]) == (None, key[:10], None)
    revoked = useby("key", "revoke", shown["id"])
    assert (revoked.status, revoked.out) == (0, f"the key {shown['id']} is revoked\n")
    again = useby("key", "revoke", shown["id"])
    assert (again.status, again.err) == (
        1,
        f"useby: there is no key {shown['id']}: `useby key list` shows their ids\n",
    )


def test_a_key_of_a_user_has_its_scopes_and_its_end(useby: Useby, ada: str) -> None:
    scopes = ("--scope", "notify", "--scope", "listen")
    added = useby("key", "add", "cron", "--user", ada, *scopes, "--days", "7", "--json")
    made = json.loads(added.out)
    assert is_well_formed(made["key"])
    assert made["scopes"] == ["notify", "listen"]
    assert made["expiresAt"] is not None
    assert ada in useby("key", "list").out
    (shown,) = json.loads(useby("key", "list", "--user", ada, "--json").out)
    assert shown["id"] == made["id"]
    useby("key", "revoke", made["id"])
    assert json.loads(useby("key", "list", "--json").out) == []
    assert useby("user", "sessions", ada).out == ""


def test_a_key_is_for_the_household_that_is_named_and_the_list_shows_it(
    useby: Useby, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    useby("user", "add", "bob@example.org")
    useby("household", "rename", "Kitchen", "--user", "bob@example.org")
    link = useby("household", "invite", "editor", "--user", "bob@example.org").out.strip()
    assert useby("household", "join", link, "--user", ada).status == 0
    own, its = json.loads(useby("household", "list", "--user", ada, "--json").out)
    words = ("key", "add", "cron", "--user", ada, "--scope", "stock:read", "--json")
    made = [json.loads(useby(*words, *more).out) for more in ((), ("--household", "kitchen"))]
    assert [each["householdId"] for each in made] == [own["id"], its["id"]]
    rows = useby("key", "list").out.splitlines()
    assert ["Kitchen" in each for each in rows[1:]] == [False, True]
    service = ("key", "add", "shop", "--scope", "notify:any")
    refused = useby(*service, "--household", "Kitchen")
    assert refused.status == 1
    assert refused.err.startswith("useby: a service key is for no household: leave out --household")
    monkeypatch.setenv("USEBY_HOUSEHOLD", "Kitchen")  # it is for the commands about stock
    assert useby(*service).status == 0
    shown = json.loads(useby("key", "list", "--json").out)
    assert [each["householdId"] for each in shown] == [own["id"], its["id"], None]
    refused = useby(*words, "--household", "Garden")
    assert refused.status == 1
    assert "no member of a household Garden" in refused.err


@pytest.mark.parametrize(
    ("words", "status", "error"),
    [
        (("x", "--scope", "notify"), 1, "belongs to a user: name them"),
        (("x", "--scope", "notify:any", "--user", "ada@example.org"), 1, "belongs to no user"),
        (("x", "--scope", "notify:any", "--scope", "listen"), 1, "has no other scope"),
        (("x", "--scope", "all"), 2, "--scope has a wrong value"),
        (("x",), 2, "--scope is missing"),
        (("", "--scope", "notify:any"), 2, "NAME must be a text of 1 to 100 characters"),
        (("x", "--scope", "notify", "--user", "bob@example.org"), 1, "no user has the e-mail"),
        (("x", "--scope", "notify:any", "--days", "0"), 2, "--days has a wrong value"),
    ],
    ids=str,
)
def test_a_wrong_key_is_refused_with_an_example(
    useby: Useby, ada: str, words: tuple[str, ...], status: int, error: str
) -> None:
    refused = useby("key", "add", *words)
    assert refused.status == status
    assert error in refused.err
    assert json.loads(useby("key", "list", "--json").out) == []


def test_a_user_has_at_most_fifty_keys(useby: Useby, ada: str) -> None:
    for _ in range(50):
        assert useby("key", "add", "x", "--scope", "notify", "--user", ada).status == 0
    refused = useby("key", "add", "x", "--scope", "notify", "--user", ada)
    assert refused.err == f"useby: {ada} has 50 keys, which is the most: revoke one\n"
