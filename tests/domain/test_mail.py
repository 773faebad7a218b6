"""URLs of mail servers, senders and addresses: what is meant is read, anything else is refused."""

import pytest

from useby.domain.mail import (
    MailServer,
    SenderAddress,
    Tls,
    is_mailbox,
    link,
    mail_server,
    public_url,
    sender,
)


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("smtps://mail.example", MailServer("mail.example", 465, Tls.IMPLICIT)),
        ("smtps://mail.example:2465/", MailServer("mail.example", 2465, Tls.IMPLICIT)),
        ("smtp://mail.example", MailServer("mail.example", 587, Tls.STARTTLS)),
        ("smtp://mail.example:25?starttls=no", MailServer("mail.example", 25, Tls.NONE)),
        ("smtp://localhost:25", MailServer("localhost", 25, Tls.NONE)),
        ("smtp://[::1]:25?starttls=yes", MailServer("::1", 25, Tls.STARTTLS)),
        (
            "smtps://ada%40useby.example:p%3Aa%2F%C3%9F@mail.example",
            MailServer("mail.example", 465, Tls.IMPLICIT, "ada@useby.example", "p:a/ß"),
        ),
        (
            "smtp://useby:secret@127.0.0.1:25",
            MailServer("127.0.0.1", 25, Tls.NONE, "useby", "secret"),
        ),
    ],
)
def test_the_url_of_a_mail_server_is_read(url: str, meant: MailServer) -> None:
    assert mail_server(url) == meant


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "https://mail.example",
        "smtp://",
        "smtp://:25",
        "smtp://mail.example:0",
        "smtp://mail.example:99999",
        "smtp://hunter2@mail.example",
        "smtp://useby:hunter2@mail.example/path",
        "smtp://useby:hunter2@mail.example#x",
        "smtp://useby:hunter2@mail.example?starttls=perhaps",
        "smtp://useby:hunter2@mail.example?tls=no",
        "smtps://useby:hunter2@mail.example?starttls=no",
        "smtp://useby:hunter2@mail.example?starttls=no",
    ],
)
def test_another_url_of_a_mail_server_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError) as refusal:
        mail_server(url)
    assert "hunter2" not in str(refusal.value)
    assert "smtps://" in str(refusal.value)


def test_the_password_is_not_in_a_representation() -> None:
    assert "secret" not in repr(mail_server("smtps://useby:secret@mail.example"))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("useby@mail.example", SenderAddress("", "useby@mail.example")),
        ("useby <useby@mail.example>", SenderAddress("useby", "useby@mail.example")),
        (
            '"Küche, unten" <a.b+c@mail.example>',
            SenderAddress("Küche, unten", "a.b+c@mail.example"),
        ),
    ],
)
def test_a_sender_is_a_name_and_an_address(text: str, meant: SenderAddress) -> None:
    assert sender(text) == meant
    assert meant.domain == "mail.example"


@pytest.mark.parametrize(
    "text", ["", "useby", "useby <>", "a@b\nBcc: c@d", "a@mail.example\n", "x\x1b <a@b.example>"]
)
def test_another_text_is_no_sender(text: str) -> None:
    with pytest.raises(ValueError, match="must be a name and an address"):
        sender(text)


@pytest.mark.parametrize(
    "good", ["ada@useby.example", "a.b+c@x", "o'neil@a-b.example", "x@localhost"]
)
def test_an_address_that_servers_take_is_a_mailbox(good: str) -> None:
    assert is_mailbox(good)


@pytest.mark.parametrize(
    "bad",
    [
        *(
            "",
            "ada",
            "@x",
            "ada@",
            "a@b@c",
            "a b@c",
            "a,b@c",
            "<a@b>",
            '"a"@b',
            "a@b\r\nRCPT TO:<c@d>",
        ),
        *("a..b@c", ".a@c", "a@-b", "a@b.", "ä@useby.example", "a@b\n", "a@[127.0.0.1]"),
        *("a" * 65 + "@b", "a@" + "b." * 130 + "c"),
    ],
)
def test_another_text_is_no_mailbox(bad: str) -> None:
    assert not is_mailbox(bad)


def test_a_public_url_has_no_slash_at_its_end_and_links_begin_with_it() -> None:
    assert public_url("https://useby.example") == "https://useby.example"
    base = public_url("http://home.example:8000/useby/")
    assert link(base, "mail/reset", token="a b&c") == (
        "http://home.example:8000/useby/mail/reset?token=a+b%26c"
    )
    assert link(base, "#/inbox") == "http://home.example:8000/useby/#/inbox"


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "useby.example", "ftp://useby.example", "https://", "https://a b", "https://a:b@c"),
        *("https://a?x=1", "https://a#x", "https://a:0", "https://a/\n", "https://a/<b>"),
    ],
)
def test_another_text_is_no_public_url(wrong: str) -> None:
    with pytest.raises(ValueError, match="must be the URL at which people reach the node"):
        public_url(wrong)
