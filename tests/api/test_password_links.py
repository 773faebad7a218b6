"""A link sets a password, once: an invitation of the operator, or a mail for a forgotten password.

covers: useby.delivery.account_mail
covers: useby.api.mail_pages
covers: useby.api.plain_page
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.support.cheap_passwords import Counted, cheap_passwords
from tests.support.mail_server import PUBLIC_URL, MailReceiver, receiving_mail
from tests.support.process_node import until
from tests.support.rest_app import KEY, Rest

from useby.api import password_links
from useby.auth.key import SigningKeys
from useby.auth.password_links import PasswordLink, new_token
from useby.delivery import account_mail
from useby.domain.account import User
from useby.domain.mail import Mail
from useby.store import accounts
from useby.store.database import Database

EMAIL = "ada@useby.example"
PASSWORD = "correct horse"
Start = Callable[..., Awaitable[Rest]]


@pytest.fixture(autouse=True)
def hasher(monkeypatch: pytest.MonkeyPatch) -> Counted:
    hasher = Counted()
    cheap_passwords(hasher, monkeypatch).close()
    return hasher


@pytest.fixture
async def receiver() -> AsyncIterator[MailReceiver]:
    async with receiving_mail() as running:
        yield running


@pytest.fixture
async def start(database: Database, receiver: MailReceiver) -> AsyncIterator[Start]:
    """Start applications that send mail."""
    started: list[Rest] = []

    async def start(**changed: Any) -> Rest:
        rest = Rest(database, **receiver.settings() | {"mail_rate": "100/minute"} | changed)
        started.append(rest)
        return rest

    yield start
    for each in started:
        await each.close()


@pytest.fixture
async def mailing(start: Start) -> Rest:
    return await start()


async def invited(rest: Rest) -> tuple[User, httpx.AsyncClient, dict[str, str]]:
    """A person who is signed in, and the body that accepts their invitation."""
    user, client = await rest.person(email=EMAIL)
    invitation = new_token(KEY, PasswordLink.INVITATION, user.id, None, rest.now)
    return user, client, {"invitation": invitation, "password": PASSWORD}


async def forgotten(rest: Rest, receiver: MailReceiver) -> str:
    """Ask for a mail, and return the token of its link."""
    before = len(receiver.mails)
    answer = await rest.client().post("/api/auth/forgot", json={"email": EMAIL})
    assert answer.status_code == 202
    await receiver.until_count(before + 1)
    (link,) = receiver.mails[-1].links
    (token,) = parse_qs(urlsplit(link).query)["token"]
    return token


async def disable(rest: Rest, user: User) -> None:
    now = rest.now
    await rest.database.write(lambda t: accounts.disable_user(t, user.id, disabled=True, now=now))


async def test_an_invitation_sets_a_password_and_ends_sign_ins(rest: Rest) -> None:
    user, before, body = await invited(rest)
    anybody = rest.client()
    assert (await anybody.post("/api/auth/invitation", json=body)).status_code == 204
    login = await anybody.post("/api/auth/login", json={"email": user.email, "password": PASSWORD})
    assert login.status_code == 200
    assert (await before.get("/api/me")).status_code == 401


async def test_an_invitation_works_once_also_for_two_at_the_same_time(rest: Rest) -> None:
    _, _, body = await invited(rest)
    anybody = rest.client()
    answers = await asyncio.gather(
        *(anybody.post("/api/auth/invitation", json=body) for _ in range(2))
    )
    assert sorted(each.status_code for each in answers) == [204, 403]
    again = await anybody.post("/api/auth/invitation", json=body)
    assert again.status_code == 403
    assert "expired or was used" in again.json()["detail"]


async def test_a_forged_or_disabled_invitation_is_refused_without_hashing(
    rest: Rest, hasher: Counted
) -> None:
    user, _, body = await invited(rest)
    anybody = rest.client()
    forged = new_token(b"x" * 32, PasswordLink.INVITATION, user.id, None, rest.now)
    answer = await anybody.post("/api/auth/invitation", json=body | {"invitation": forged})
    assert answer.status_code == 403
    assert hasher.work == []
    await disable(rest, user)
    assert (await anybody.post("/api/auth/invitation", json=body)).status_code == 403


async def test_guesses_of_invitations_are_limited_by_network(rest: Rest) -> None:
    _, _, body = await invited(rest)
    anybody = rest.client()
    answers = [
        (await anybody.post("/api/auth/invitation", json=body | {"invitation": f"{n}"})).status_code
        for n in range(11)
    ]
    assert answers == [403] * 10 + [429]


async def test_a_forgotten_password_is_replaced_by_the_link_of_a_mail_and_sign_ins_end(
    mailing: Rest, receiver: MailReceiver
) -> None:
    _, before = await mailing.person(email=EMAIL)
    token = await forgotten(mailing, receiver)
    (mail,) = receiver.mails
    assert mail.to == [EMAIL]
    assert mail.links == [f"{PUBLIC_URL}/mail/reset?token={token}"]
    anybody = mailing.client()
    body = {"token": token, "password": PASSWORD}
    assert (await anybody.post("/api/auth/reset", json=body)).status_code == 204
    assert (await before.get("/api/me")).status_code == 401
    login = await anybody.post("/api/auth/login", json={"email": EMAIL, "password": PASSWORD})
    assert login.status_code == 200
    again = await anybody.post("/api/auth/reset", json=body | {"password": "another one"})
    assert again.status_code == 403
    assert again.json()["detail"] == "The link has expired or was used: ask for another mail."


async def test_a_used_link_ends_all_others(mailing: Rest, receiver: MailReceiver) -> None:
    await mailing.person(email=EMAIL)
    tokens = [await forgotten(mailing, receiver) for _ in range(2)]
    anybody = mailing.client()
    answers = [
        (await anybody.post("/api/auth/reset", json={"token": each, "password": PASSWORD}))
        for each in tokens
    ]
    assert [each.status_code for each in answers] == [204, 403]


async def test_a_link_ends_after_30_minutes(mailing: Rest, receiver: MailReceiver) -> None:
    await mailing.person(email=EMAIL)
    token = await forgotten(mailing, receiver)
    mailing.now += timedelta(minutes=30)
    body = {"token": token, "password": PASSWORD}
    assert (await mailing.client().post("/api/auth/reset", json=body)).status_code == 403


async def test_a_link_of_the_mail_is_no_invitation_and_the_other_way_round(
    mailing: Rest, receiver: MailReceiver
) -> None:
    _, _, invitation = await invited(mailing)
    token = await forgotten(mailing, receiver)
    anybody = mailing.client()
    answer = await anybody.post(
        "/api/auth/invitation", json={"invitation": token, "password": PASSWORD}
    )
    assert answer.status_code == 403
    body = {"token": invitation["invitation"], "password": PASSWORD}
    assert (await anybody.post("/api/auth/reset", json=body)).status_code == 403


async def test_the_answer_is_the_same_without_an_account_and_nothing_is_sent(
    mailing: Rest, receiver: MailReceiver
) -> None:
    user, _ = await mailing.person(email="bob@useby.example")
    await disable(mailing, user)
    await mailing.person(email=EMAIL)
    anybody = mailing.client()
    answers = [
        await anybody.post("/api/auth/forgot", json={"email": each})
        for each in ("nobody@useby.example", "bob@useby.example", EMAIL)
    ]
    await receiver.until_count(1)
    assert {(each.status_code, each.content) for each in answers} == {(202, answers[0].content)}
    assert [each.to for each in receiver.mails] == [[EMAIL]], "jobs begin in their order"


async def test_a_request_reads_nothing_and_waits_for_no_mail_server(
    mailing: Rest, receiver: MailReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same time with an account and without: all that depends on it happens afterwards."""
    await mailing.person(email=EMAIL)
    receiver.answer = lambda _: None
    await mailing.client().post("/api/auth/forgot", json={"email": EMAIL})
    await receiver.until_count(1)

    async def unreachable(*_: Any, **__: Any) -> None:
        raise AssertionError("the request used the database")

    for name in ("read", "write"):
        monkeypatch.setattr(mailing.context.database, name, unreachable)
    for email in (EMAIL, "nobody@useby.example"):
        answer = await mailing.client().post("/api/auth/forgot", json={"email": email})
        assert answer.status_code == 202


async def test_requests_are_limited_by_network(start: Start, receiver: MailReceiver) -> None:
    rest = await start(mail_rate="2/minute")
    await rest.person(email=EMAIL)
    anybody = rest.client()
    answers = [await anybody.post("/api/auth/forgot", json={"email": EMAIL}) for _ in range(3)]
    assert [each.status_code for each in answers] == [202, 202, 429]
    assert "Retry-After" in answers[2].headers
    await receiver.until_count(2)


async def test_an_address_gets_no_more_mails_than_its_rate_and_the_answer_stays_the_same(
    start: Start, receiver: MailReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = await start(mail_rate="2/minute")
    await rest.person(email=EMAIL)
    await rest.person(email="bob@useby.example")
    networks = iter(range(10))
    monkeypatch.setattr(password_links, "_network_of", lambda _: str(next(networks)))
    anybody = rest.client()
    answers = [
        await anybody.post("/api/auth/forgot", json={"email": each})
        for each in (EMAIL, EMAIL, EMAIL, "bob@useby.example")
    ]
    assert {(each.status_code, each.content) for each in answers} == {(202, answers[0].content)}
    await receiver.until(lambda: ["bob@useby.example"] in [each.to for each in receiver.mails])
    assert sorted(each.to[0] for each in receiver.mails) == [EMAIL, EMAIL, "bob@useby.example"]


async def test_wrong_tokens_are_limited_by_network(mailing: Rest) -> None:
    anybody = mailing.client()
    body = {"token": "x", "password": PASSWORD}
    answers = [(await anybody.post("/api/auth/reset", json=body)).status_code for _ in range(11)]
    assert answers == [403] * 10 + [429]


async def test_a_node_without_a_mail_server_gives_the_reason(rest: Rest) -> None:
    answer = await rest.client().post("/api/auth/forgot", json={"email": EMAIL})
    assert answer.status_code == 403
    assert answer.json()["detail"] == password_links.NO_MAIL
    page = await rest.client().get("/mail/forgot")
    assert page.status_code == 403
    assert "This server sends no mail." in page.text


async def test_a_mail_that_fails_for_a_moment_is_repeated_as_the_same(
    mailing: Rest, receiver: MailReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_mail, "PAUSES", (0.0, 0.0, 0.0))
    receiver.answer = lambda _: "451 later" if len(receiver.mails) < 3 else "250 OK"
    await mailing.person(email=EMAIL)
    await forgotten(mailing, receiver)
    await receiver.until_count(3)
    assert len({(each.parsed["Message-ID"], each.text) for each in receiver.mails}) == 1


@pytest.mark.parametrize("answer", ["550 no", "451 later"])
async def test_a_mail_that_fails_is_given_up_and_logged_without_its_token(
    answer: str,
    mailing: Rest,
    receiver: MailReceiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(account_mail, "PAUSES", (0.0, 0.0))
    receiver.answer = lambda _: answer
    await mailing.person(email=EMAIL)
    token = await forgotten(mailing, receiver)
    reason = f"a mail (reset) was not sent: the mail server refused the mail ({answer[:3]})"
    await until(lambda: reason in caplog.text)
    assert len(receiver.mails) == (2 if answer.startswith("4") else 1)
    assert token not in caplog.text
    assert EMAIL not in caplog.text


async def test_requests_are_refused_while_too_many_mails_wait(
    mailing: Rest, receiver: MailReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Mail] = []

    class Hanging:
        async def send(self, mail: Mail) -> str:
            sent.append(mail)
            await asyncio.Event().wait()
            return ""

    keys = SigningKeys(KEY)
    monkeypatch.setattr(account_mail, "MOST_WAITING", 2)
    queue = account_mail.AccountMail(
        Hanging(),  # type: ignore[arg-type]
        mailing.database,
        keys,
        PUBLIC_URL,
        lambda: mailing.now,
    )
    monkeypatch.setattr(mailing.context, "mail", queue)
    anybody = mailing.client()
    answers = [
        await anybody.post("/api/auth/forgot", json={"email": f"{each}@useby.example"})
        for each in range(3)
    ]
    assert [each.status_code for each in answers] == [202, 202, 503]


async def test_the_pages_of_a_forgotten_password_work_without_script(
    mailing: Rest, receiver: MailReceiver
) -> None:
    await mailing.person(email=EMAIL)
    anybody = mailing.client(host="evil.example")
    page = await anybody.get("/mail/forgot")
    assert page.status_code == 200
    assert '<label for="email">E-mail</label><input id="email" name="email"' in page.text
    assert "script" not in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    wrong = await anybody.post("/mail/forgot", data={"email": "ada"})
    assert wrong.status_code == 422
    assert "The e-mail must be an e-mail address" in wrong.text
    sent = await anybody.post("/mail/forgot", data={"email": EMAIL})
    assert sent.status_code == 202
    assert "a link for a new password is on its way" in sent.text
    await receiver.until_count(1)
    (link,) = receiver.mails[0].links
    assert link.startswith(f"{PUBLIC_URL}/mail/reset?token="), "no Host header counts"
    path = link.removeprefix(PUBLIC_URL)
    for _ in range(2):  # a program that checks mails opens it as well
        page = await anybody.get(path)
        assert page.status_code == 200
    assert re.search(r'<form method="post"><div class="field"><label for="password">', page.text)
    short = await anybody.post(path, data={"password": "short"})
    assert (short.status_code, "needs at least 8 characters" in short.text) == (422, True)
    done = await anybody.post(path, data={"password": PASSWORD})
    assert (done.status_code, "Your password is set" in done.text) == (200, True)
    login = await anybody.post("/api/auth/login", json={"email": EMAIL, "password": PASSWORD})
    assert login.status_code == 200
    used = await anybody.post(path, data={"password": PASSWORD})
    assert (used.status_code, "has expired or was used" in used.text) == (403, True)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/mail/forgot", b""),
        ("/mail/forgot", b"\xff\xfe=%ZZ&email=%00"),
        ("/mail/forgot", b"&".join([b"a=b"] * 100)),
        ("/mail/reset", b"password=long+enough"),
        ("/mail/reset?token=%3Cscript%3E", b"password=%3Cscript%3E"),
    ],
)
async def test_a_form_that_is_wrong_gets_a_page_with_the_reason(
    mailing: Rest, path: str, body: bytes
) -> None:
    answer = await mailing.client().post(path, content=body)
    assert answer.status_code in (403, 422)
    assert 'role="alert"' in answer.text
    assert "<script>" not in answer.text


async def test_the_page_is_offered_the_link_only_if_mail_can_be_sent(
    rest: Rest, mailing: Rest
) -> None:
    assert (await rest.client().get("/api/config")).json()["mail"] is False
    assert (await mailing.client().get("/api/config")).json()["mail"] is True
