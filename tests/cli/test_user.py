"""Accounts by the operator."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.support.cli_result import Useby
from tests.support.factories import an_owner

from useby.auth.key import key_id
from useby.auth.passwords import Passwords
from useby.store import accounts, signing_keys
from useby.store.open import open_database


def _hash_of(email: str) -> str | None:
    async def read() -> str | None:
        database = open_database("sqlite:///useby.db")
        user = await database.read(lambda c: accounts.user_by_email(c, email))
        assert user is not None
        found = await database.read(lambda c: accounts.password_hash(c, user.id))
        await database.close()
        return found

    return asyncio.run(read())


def test_a_user_is_added_and_listed(useby: Useby) -> None:
    result = useby("user", "add", "Ada@Example.org", "--name", "Ada", "--time-zone", "Asia/Tokyo")
    assert (result.status, result.err) == (0, "")
    assert result.out == (
        "ada@example.org was added without a password;"
        " set one with `useby user password ada@example.org`\n"
    )
    listed = useby("user", "list")
    assert all(word in listed.out for word in ("ada@example.org", "Ada", "Asia/Tokyo"))
    (user,) = json.loads(useby("user", "list", "--json").out)
    assert user["timeZone"] == "Asia/Tokyo"
    assert user["disabledAt"] is None


def test_a_user_is_added_with_a_language_of_messages(useby: Useby) -> None:
    added = useby("user", "add", "ada@example.org", "--language", "pt")
    assert added.status != 0
    assert "must be a language tag (BCP 47) of ar, de" in added.err
    useby("user", "add", "ada@example.org", "--language", "DE")
    (user,) = json.loads(useby("user", "list", "--json").out)
    assert user["language"] == "de"


def test_the_new_user_is_printed_as_json(useby: Useby) -> None:
    user = json.loads(useby("user", "add", "ada@example.org", "--json").out)
    assert user == json.loads(useby("user", "list", "--json").out)[0]


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_password_is_read_from_stdin(useby: Useby, end: str) -> None:
    result = useby("user", "add", "ada@example.org", "--password-stdin", stdin=f"pass word 1{end}")
    assert (result.status, result.out) == (0, "ada@example.org was added\n")

    async def verify() -> bool:
        passwords = Passwords()
        right, _ = await passwords.verify("pass word 1", hashed)
        passwords.close()
        return right

    hashed = _hash_of("ada@example.org")
    assert asyncio.run(verify())


def test_a_short_password_is_refused_and_never_shown(useby: Useby) -> None:
    result = useby("user", "add", "ada@example.org", "--password-stdin", stdin="hunter2\n")
    assert result.status == 2
    assert "password" in result.err
    assert "hunter2" not in result.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("nobody",),
            "must be an e-mail address of at most 254 characters",
        ),
        (("ada@example.org", "--time-zone", "Atlantis"), "must be an IANA time zone"),
        (("ada@example.org", "--name", "x" * 201), "must be a text of at most 200 characters"),
    ],
)
def test_a_refused_value_is_named_with_its_form(
    useby: Useby, words: tuple[str, ...], message: str
) -> None:
    result = useby("user", "add", *words)
    assert result.status == 2
    assert message in " ".join(result.err.replace("│", " ").split())


def test_a_user_may_have_no_password(useby: Useby) -> None:
    assert useby("user", "add", "ada@example.org").status == 0
    assert _hash_of("ada@example.org") is None


def test_an_email_is_taken_once_in_whatever_case(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    result = useby("user", "add", "ADA@example.org")
    assert (result.status, result.err) == (1, "useby: ada@example.org has an account already\n")


def test_a_user_is_disabled_and_enabled(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    assert useby("user", "disable", "ada@example.org").status == 0
    assert json.loads(useby("user", "list", "--json").out)[0]["disabledAt"] is not None
    assert useby("token", "ada@example.org").err == "useby: ada@example.org is disabled\n"
    assert useby("user", "enable", "ada@example.org").status == 0
    assert json.loads(useby("user", "list", "--json").out)[0]["disabledAt"] is None


def test_a_database_that_is_not_there_is_made_by_the_first_user_and_by_nothing_else(
    useby: Useby, folder: Path
) -> None:
    for words in (["user", "list"], ["user", "disable", "a@b.c"], ["notify", "a@b.c", "hello"]):
        assert "there is no database" in useby(*words).err
    assert list(folder.iterdir()) == []
    (folder / "useby-demo.db").touch()
    assert useby("user", "list").err == (
        "useby: there is no database at useby.db: make it with `useby migrate`, or use the demo's"
        " with `--database sqlite:///useby-demo.db`\n"
    )
    useby("user", "add", "ada@example.org")
    assert (folder / "useby.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("nodes_key")
def test_an_account_is_shown_with_what_it_stores(useby: Useby) -> None:
    user = json.loads(useby("user", "add", "ada@example.org", "--json").out)
    useby("token", "ada@example.org")
    useby("notify", user["id"], "Tea is ready")
    by_email = json.loads(useby("user", "show", "ADA@example.org", "--json").out)
    assert by_email == json.loads(useby("user", "show", user["id"], "--json").out)
    figures = {"password": False, "products": 0, "unread": 1, "sessions": 1}
    assert user.items() <= by_email.items()
    assert figures.items() <= by_email.items()
    lines = useby("user", "show", "ada@example.org").out.splitlines()
    assert "password    no" in lines
    assert "products    0" in lines


@pytest.mark.usefixtures("nodes_key")
def test_a_password_is_set_and_ends_every_sign_in(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    useby("token", "ada@example.org")
    assert json.loads(useby("user", "sessions", "ada@example.org", "--json").out)
    result = useby("user", "password", "ada@example.org", "--password-stdin", stdin="pass word 1\n")
    assert (result.status, result.err) == (0, "")
    assert _hash_of("ada@example.org") is not None
    assert json.loads(useby("user", "sessions", "ada@example.org", "--json").out) == []


def test_a_name_that_is_an_email_and_the_id_of_another_is_refused_and_both_can_be_named(
    useby: Useby,
) -> None:
    """A backend uses e-mails as ids, and somebody else has signed up with one of them."""
    useby("user", "add", "ada@example.org", "--name", "a stranger")
    (stranger,) = json.loads(useby("user", "list", "--json").out)

    async def provision() -> None:
        database = open_database("sqlite:///useby.db")
        owner = an_owner(id="ada@example.org", email=None, name="Ada")
        await database.write(lambda t: accounts.add_user(t, user=owner, password_hash=None))
        await database.close()

    asyncio.run(provision())
    for command in (("user", "disable"), ("user", "delete", "--yes"), ("user", "show")):
        result = useby(*command, "ada@example.org")
        assert result.status == 1
        assert f"name them {stranger['id']} and id:ada@example.org" in result.err
    result = useby("notify", "ada@example.org", "The milk is open")
    assert result.status == 1
    assert json.loads(useby("user", "show", "id:ada@example.org", "--json").out)["name"] == "Ada"
    shown = json.loads(useby("user", "show", stranger["id"], "--json").out)
    assert shown["name"] == "a stranger"


@pytest.mark.usefixtures("nodes_key")
def test_sign_ins_are_listed_and_ended(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    for _ in range(2):
        useby("token", "ada@example.org")
    assert useby("user", "sessions", "ada@example.org").out.count(" since ") == 2
    assert useby("user", "sessions", "ada@example.org", "--end").status == 0
    assert useby("user", "sessions", "ada@example.org").out == ""


def test_sign_ins_that_a_new_key_has_ended_are_not_listed_as_open(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(**keys: str) -> list[bool]:
        for name in ("USEBY_SECRET_KEY", "USEBY_SECRET_KEY_PREVIOUS"):
            monkeypatch.delenv(name, raising=False)
        for name, key in keys.items():
            monkeypatch.setenv(f"USEBY_{name}", key)
        found = json.loads(useby("user", "sessions", "ada@example.org", "--json").out)
        shown = json.loads(useby("user", "show", "ada@example.org", "--json").out)
        assert shown["sessions"] == len(found)
        return [each["underEarlierKey"] for each in found]

    old, new, other = "a" * 32, "b" * 32, "c" * 32
    useby("user", "add", "ada@example.org")
    _node_signs_with(old)
    monkeypatch.setenv("USEBY_SECRET_KEY", old)
    useby("token", "ada@example.org")
    assert listed(SECRET_KEY=old) == [False]

    _node_signs_with(new)
    assert listed(SECRET_KEY=new) == []
    assert listed(SECRET_KEY=new, SECRET_KEY_PREVIOUS=old) == [True]
    assert listed(SECRET_KEY=new, SECRET_KEY_PREVIOUS=other) == []
    assert listed(SECRET_KEY=other) == listed() == [True]
    assert "under an earlier key" in useby("user", "sessions", "ada@example.org").out

    monkeypatch.setenv("USEBY_SECRET_KEY", new)
    useby("token", "ada@example.org")
    assert listed(SECRET_KEY=new) == [False]


def _node_signs_with(key: str) -> None:
    """Store what a node stores that starts with this key."""

    async def start() -> None:
        database = open_database("sqlite:///useby.db")
        await signing_keys.record(database, key_id(key.encode()))
        await database.close()

    asyncio.run(start())


def test_an_account_is_deleted_only_after_a_yes(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    result = useby("user", "delete", "ada@example.org")
    assert (result.status, result.out) == (1, "")
    assert "--yes" in result.err
    assert useby("user", "delete", "ada@example.org", "--yes").status == 0
    assert json.loads(useby("user", "list", "--json").out) == []


@pytest.mark.parametrize("command", ["show", "password", "invite", "sessions", "delete", "disable"])
def test_a_command_for_an_unknown_user_prints_one_line(useby: Useby, command: str) -> None:
    useby("user", "add", "ada@example.org")
    options = {"delete": ["--yes"], "password": ["--password-stdin"]}.get(command, [])
    result = useby("user", command, "bob@example.org", *options, stdin="pass word 1")
    assert (result.status, result.out) == (1, "")
    assert result.err == "useby: no user has the e-mail or the id bob@example.org\n"


def test_an_invitation_is_not_signed_with_a_key_that_is_none_of_the_nodes(
    useby: Useby, folder: Path
) -> None:
    useby("user", "add", "ada@example.org")
    result = useby("user", "invite", "ada@example.org")
    assert (result.status, result.out) == (1, "")
    assert str(folder / "useby.key") in result.err
    assert not (folder / "useby.key").exists()


@pytest.mark.usefixtures("nodes_key")
def test_an_invitation_is_a_link_with_the_email(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    result = useby("user", "invite", "ada@example.org", "--url", "https://useby.example/")
    assert result.out.startswith("https://useby.example/#invitation=")
    assert result.out.endswith("&email=ada%40example.org\n")
    assert result.err == ""
    assert "`--url`" in useby("user", "invite", "ada@example.org").err, "only this machine has it"
    useby("user", "disable", "ada@example.org")
    refused = useby("user", "invite", "ada@example.org")
    assert (refused.status, refused.err) == (1, "useby: ada@example.org is disabled\n")


@pytest.mark.usefixtures("nodes_key")
@pytest.mark.parametrize(
    ("url", "below"),
    [
        ([], "http://127.0.0.1:8000/useby/#"),
        (["--url", "https://home.example/"], "https://home.example/useby/#"),
        (["--url", "https://home.example/other"], "https://home.example/other/#"),
    ],
)
def test_an_invitation_leads_below_the_nodes_root_path(
    useby: Useby, monkeypatch: pytest.MonkeyPatch, url: list[str], below: str
) -> None:
    monkeypatch.setenv("USEBY_ROOT_PATH", "/useby")
    useby("user", "add", "ada@example.org")
    assert useby("user", "invite", "ada@example.org", *url).out.startswith(below)
