"""Mails by SMTP, against a real server: encryption, sign-in, refusals, headers.

covers: useby.delivery.mail_texts
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.support.factories import NOON
from tests.support.mail_server import (
    PASSWORD,
    PUBLIC_URL,
    USER,
    MailReceiver,
    certificate,
    receiving_mail,
)
from tests.support.resolver import Resolver
from tests.support.settings import SettingsWithoutFile
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.unanswering import unanswering

from useby.auth.address_links import CONFIRM_WITHIN
from useby.auth.password_links import LIFETIMES, PasswordLink
from useby.delivery import mailer as mailer_module
from useby.delivery.channel import NotDelivered
from useby.delivery.mail_texts import (
    Paragraph,
    confirmation_mail,
    notifications_mail,
    reset_mail,
    write,
)
from useby.delivery.mailer import Mailer, mailer, message_of
from useby.domain.mail import Mail, SenderAddress
from useby.domain.notification import Cause, Draft, Severity
from useby.text.language import NAMES

TO = "ada@useby.example"
MAIL = write("1-2", TO, "Milk expires", [Paragraph("Milk expires tomorrow.", PUBLIC_URL)], NOON)
HOSTILE = '<b>Milk</b>\r\nBcc: eve@evil.example\n\n& "cream" ä €'
LOGIN = f"{USER}:{quote(PASSWORD, safe='')}@"


@pytest.fixture
async def receiver() -> AsyncIterator[MailReceiver]:
    async with receiving_mail() as running:
        yield running


def mailer_to(receiver: MailReceiver, url: str | None = None) -> Mailer:
    made = mailer(SettingsWithoutFile(**receiver.settings(url)))
    assert made is not None
    return made


async def reason_of(sending: Mailer, mail: Mail = MAIL) -> NotDelivered:
    with pytest.raises(NotDelivered) as failed:
        await sending.send(mail)
    return failed.value


def test_a_node_without_a_mail_server_has_no_mailer() -> None:
    assert mailer(SettingsWithoutFile()) is None


async def test_a_mail_has_both_parts_and_its_headers(receiver: MailReceiver) -> None:
    assert await mailer_to(receiver).send(MAIL) == "the mail server accepted the mail"
    (got,) = receiver.mails
    assert (got.sender, got.to) == ("useby@mail.example", [TO])
    headers = got.parsed
    assert headers["From"] == "useby <useby@mail.example>"
    assert headers["To"] == TO
    assert headers["Subject"] == "Milk expires"
    assert headers["Message-ID"] == "<1-2@mail.example>"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Date"].datetime == NOON
    assert headers["List-Unsubscribe"] is None
    assert got.text == f"Milk expires tomorrow.\n{PUBLIC_URL}\n"
    assert f'<p dir="auto"><a href="{PUBLIC_URL}">Milk expires tomorrow.</a></p>' in got.html
    assert got.content.isascii()
    assert receiver.sessions[0].host_name == "useby.example"


async def test_a_hostile_text_adds_no_header_and_no_markup(receiver: MailReceiver) -> None:
    mail = write("1", TO, HOSTILE, [Paragraph(HOSTILE, PUBLIC_URL)], NOON)
    await mailer_to(receiver).send(mail)
    (got,) = receiver.mails
    assert got.to == [TO]
    assert got.parsed["Bcc"] is None
    assert got.parsed["Subject"] == '<b>Milk</b> Bcc: eve@evil.example & "cream" ä €'
    assert "<b>" not in got.html
    assert "&lt;b&gt;Milk&lt;/b&gt;" in got.html
    assert '<b>Milk</b>\nBcc: eve@evil.example\n\n& "cream" ä €' in got.text


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("a\x00b\x1b[31m\u2028c\x85", "a b [31m c"),
        ("x" * 500, "x" * 119 + "…"),
        ("👩\u200d🌾 Käse", "👩\u200d🌾 Käse"),
        ("", ""),
    ],
)
def test_a_subject_is_one_short_line(subject: str, shown: str) -> None:
    assert write("1", TO, subject, [], NOON).subject == shown


@pytest.mark.parametrize(
    "address",
    ["a@b\r\nRCPT TO:<eve@evil.example>", "a b@c", "<a@b>", "ä@b", "a@b,eve@evil.example", "a"],
)
async def test_an_address_of_another_form_reaches_no_server(
    receiver: MailReceiver, address: str
) -> None:
    failed = await reason_of(mailer_to(receiver), replace(MAIL, to=address))
    assert failed.is_final
    assert failed.reason == "mail cannot be sent to an address of this form"
    assert receiver.sessions == []


def test_a_long_unsubscribe_url_stays_on_one_line_as_it_is() -> None:
    url = f"{PUBLIC_URL}/mail/unsubscribe?token={'x' * 300}"
    lines = message_of(replace(MAIL, unsubscribe=url), SenderAddress("", "a@b.example")).split(
        b"\r\n"
    )
    assert f"List-Unsubscribe: <{url}>".encode() in lines
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines


@pytest.mark.parametrize("code", [550, 552, 554])
async def test_a_refusal_by_500_to_599_is_final(receiver: MailReceiver, code: int) -> None:
    receiver.answer = lambda _: f"{code} no, {TO}"
    failed = await reason_of(mailer_to(receiver))
    assert (failed.is_final, failed.reason) == (True, f"the mail server refused the mail ({code})")
    receiver.recipient = f"{code} no such user {TO}"
    failed = await reason_of(mailer_to(receiver))
    assert failed.is_final
    assert failed.reason == f"the mail server refused the address ({code})"
    receiver.from_ = f"{code} who are you?"
    failed = await reason_of(mailer_to(receiver))
    assert failed.is_final
    assert failed.reason == (
        f"the mail server refused the sender, which is USEBY_MAIL_FROM, ({code})"
    )


@pytest.mark.parametrize("code", [421, 450, 451])
async def test_a_refusal_by_400_to_499_is_repeated(receiver: MailReceiver, code: int) -> None:
    receiver.answer = lambda _: f"{code} later"
    assert not (await reason_of(mailer_to(receiver))).is_final
    receiver.recipient = f"{code} greylisted"
    assert not (await reason_of(mailer_to(receiver))).is_final


@pytest.mark.parametrize("garbage", ["what?", "HTTP/1.1 200 OK", "9"])
async def test_garbage_is_an_unexpected_answer(receiver: MailReceiver, garbage: str) -> None:
    receiver.answer = lambda _: garbage
    failed = await reason_of(mailer_to(receiver))
    assert not failed.is_final
    assert failed.reason == "the mail server gave an unexpected answer"


async def test_a_server_that_is_not_there_cannot_be_reached() -> None:
    async with receiving_mail() as gone:
        sending = mailer_to(gone)
    failed = await reason_of(sending)
    assert (failed.is_final, failed.reason) == (False, "the mail server cannot be reached")


async def test_an_address_that_does_not_answer_leaves_time_for_the_next_one_of_its_server(
    receiver: MailReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer_module, "CONNECT_SECONDS", 0.01)
    Resolver(monkeypatch, **{"mail.example": [["127.0.0.2", "127.0.0.1"]]})
    url = f"smtp://mail.example:{receiver.port}?starttls=no"
    with unanswering("127.0.0.2", receiver.port):
        async with asyncio.timeout(HANG_TIMEOUT):
            await mailer_to(receiver, url).send(MAIL)
    assert len(receiver.mails) == 1


async def test_a_server_that_hangs_ends_with_the_callers_time_limit(
    receiver: MailReceiver,
) -> None:
    receiver.answer = lambda _: None
    sending = asyncio.create_task(mailer_to(receiver).send(MAIL))
    await receiver.until_count(1)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_a_server_that_does_not_answer_quit_has_the_mail(
    receiver: MailReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handle_quit(*_: Any) -> str:
        await asyncio.Event().wait()
        return ""

    monkeypatch.setattr(MailReceiver, "handle_QUIT", handle_quit, raising=False)
    monkeypatch.setattr(mailer_module, "QUIT_SECONDS", 0.01)
    await mailer_to(receiver).send(MAIL)
    assert len(receiver.mails) == 1


async def test_starttls_and_a_sign_in_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, trusted = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    async with receiving_mail(tls, needs_login=True) as receiver:
        url = f"smtp://{LOGIN}127.0.0.1:{receiver.port}?starttls=yes"
        await mailer_to(receiver, url).send(MAIL)
        assert [each.is_encrypted for each in receiver.mails] == [True]


async def test_encryption_from_the_first_byte_and_a_sign_in_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, trusted = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    async with receiving_mail(tls, implicit=True, needs_login=True) as receiver:
        url = f"smtps://{LOGIN}127.0.0.1:{receiver.port}"
        await mailer_to(receiver, url).send(MAIL)
        assert len(receiver.mails) == 1
        plain = mailer_to(receiver, f"smtp://127.0.0.1:{receiver.port}")
        sending = asyncio.create_task(plain.check())  # both wait for the other's first byte
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


async def test_a_wrong_password_is_named_and_repeated_because_the_operator_can_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tls, trusted = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    caplog.set_level(logging.DEBUG)
    async with receiving_mail(tls, needs_login=True) as receiver:
        url = f"smtp://useby:swordfish@127.0.0.1:{receiver.port}?starttls=yes"
        failed = await reason_of(mailer_to(receiver, url))
    assert not failed.is_final
    assert failed.reason == "the mail server refused the user name or the password (535)"
    assert "swordfish" not in caplog.text


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
async def test_a_certificate_for_another_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    tls, trusted = certificate(tmp_path, "other.example")
    async with receiving_mail(tls, implicit=scheme == "smtps") as receiver:
        more = "?starttls=yes" if scheme == "smtp" else ""
        url = f"{scheme}://127.0.0.1:{receiver.port}{more}"
        failed = await reason_of(mailer_to(receiver, url))
        assert failed.reason.startswith("the certificate of the mail server is not valid: ")
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        failed = await reason_of(mailer_to(receiver, url))
        assert "IP address mismatch" in failed.reason
        assert receiver.mails == []


async def test_a_server_without_starttls_gets_nothing_if_encryption_is_required(
    receiver: MailReceiver,
) -> None:
    url = f"smtp://{LOGIN}127.0.0.1:{receiver.port}?starttls=yes"
    failed = await reason_of(mailer_to(receiver, url))
    assert failed.reason.startswith("the mail server offers no STARTTLS: ")
    assert receiver.mails == []


async def test_a_server_that_speaks_no_tls_is_named(receiver: MailReceiver) -> None:
    failed = await reason_of(mailer_to(receiver, f"smtps://127.0.0.1:{receiver.port}"))
    assert failed.reason.startswith("the mail server and this one agree on no encryption")


async def test_a_server_that_takes_no_sign_in_is_named(receiver: MailReceiver) -> None:
    failed = await reason_of(mailer_to(receiver, f"smtp://{LOGIN}127.0.0.1:{receiver.port}"))
    assert failed.reason == ("the mail server accepts no user name and password on this connection")


async def test_a_check_sends_no_mail(receiver: MailReceiver) -> None:
    await mailer_to(receiver).check()
    assert len(receiver.sessions) == 1
    assert receiver.mails == []


def test_mails_are_in_the_language_of_the_account() -> None:
    link, base = f"{PUBLIC_URL}/mail/x?token=abc", "https://useby.example"
    row = Draft("u", "Milch läuft ab", Severity.INFO, Cause.CUSTOM).kept("n-1", 1, NOON)
    seen: dict[str, set[str]] = {}
    for language in sorted(NAMES):
        mails = [
            reset_mail("1", TO, link, NOON, language),
            confirmation_mail("2", TO, link, base, NOON, f"{language}-AT"),
            notifications_mail("3", TO, [row, row], base, link, NOON, language),
        ]
        for number, mail in enumerate(mails):
            assert f'<html lang="{language}">' in mail.html
            assert link in mail.text.splitlines()
            seen.setdefault(f"subject {number}", set()).add(mail.subject)
            seen.setdefault(f"text {number}", set()).add(mail.text)
        assert all(TO in mail.text for mail in mails[:2])
    assert seen.pop("subject 2") == {"Milch läuft ab (+1)"}
    assert {len(each) for each in seen.values()} == {len(NAMES)}
    assert "Neues Passwort festlegen" in reset_mail("1", TO, link, NOON, "de-AT").text
    assert reset_mail("1", TO, link, NOON).text == reset_mail("1", TO, link, NOON, "en").text


def test_the_mail_for_a_new_password_names_the_account_and_the_time() -> None:
    link = f"{PUBLIC_URL}/mail/reset?token=abc"
    mail = reset_mail("1", TO, link, NOON)
    assert TO in mail.text
    assert "once, for half an hour" in mail.text
    assert timedelta(minutes=30) == LIFETIMES[PasswordLink.RESET]
    assert timedelta(days=1) == CONFIRM_WITHIN
    assert link in mail.text.splitlines()
    assert "abc" not in repr(mail)
