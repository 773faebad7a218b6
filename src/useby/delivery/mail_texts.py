"""Write mails, each as text and as HTML of the same contents.

Names and messages are texts of users and of programs: in HTML they are escaped, each in an element
whose direction is its own. The words around them are in the language of the account
(``make messages``); English if it has set none.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Final

from useby.domain.mail import Mail, link
from useby.domain.notification import Notification
from useby.text.language import language_of

MOST_SUBJECT: Final = 120
"""Maximum length of a subject, in characters."""
_BREAKS: Final = frozenset({"Cc", "Zl", "Zp"})
"""Categories of characters that end a line, or that no line may contain."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of a mail."""

    text: str
    link: str | None = None
    """URL that the paragraph leads to."""

    @property
    def as_text(self) -> str:
        """Return it as plain text, with the URL on a line of its own."""
        text = "\n".join(self.text.splitlines())
        return text if self.link is None else f"{text}\n{self.link}"

    @property
    def as_html(self) -> str:
        """Return it as an element, with the text as the link."""
        text = escape(self.text).replace("\n", "<br>")
        if self.link is not None:
            text = f'<a href="{escape(self.link)}">{text}</a>'
        return f'<p dir="auto">{text}</p>'


def write(
    mail_id: str,
    to: str,
    subject: str,
    paragraphs: Sequence[Paragraph],
    at: datetime,
    *,
    language: str | None = None,
    unsubscribe: str | None = None,
) -> Mail:
    """Return a mail.

    Args:
        mail_id: The part of the ``Message-ID`` before the ``@``.
        to: The address.
        subject: The subject, which may contain any characters.
        paragraphs: The contents.
        at: The current time, aware.
        language: The reader's language (BCP 47), if it is set.
        unsubscribe: URL that ends such mails.
    """
    subject = one_line_subject(subject)
    code = language_of(language).code
    body = "\n".join(each.as_html for each in paragraphs)
    return Mail(
        id=mail_id,
        to=to,
        at=at,
        subject=subject,
        text="\n\n".join(each.as_text for each in paragraphs) + "\n",
        html=f'<!doctype html>\n<html lang="{code}"><head><meta charset="utf-8">'
        f"<title>{escape(subject)}</title></head><body>\n{body}\n</body></html>\n",
        unsubscribe=unsubscribe,
    )


def one_line_subject(text: str, most: int = MOST_SUBJECT) -> str:
    """Return a text as a subject: one line without control characters, and not too long."""
    line = "".join(" " if unicodedata.category(char) in _BREAKS else char for char in text)
    line = " ".join(line.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def reset_mail(mail_id: str, to: str, url: str, at: datetime, language: str | None = None) -> Mail:
    """Return the mail to a person who has forgotten the password.

    Args:
        mail_id: The part of the ``Message-ID`` before the ``@``.
        to: The address.
        url: The link by which the person sets a password.
        at: The current time, aware.
        language: The reader's language (BCP 47), if it is set.
    """
    words = language_of(language)
    asked = words.gettext(
        "Somebody, probably you, asked for a new password of the account %(address)s."
    )
    rules = words.gettext(
        "The link works once, for half an hour. It ends every sign-in of the account. If you did"
        " not ask for it, do nothing: your password stays as it is."
    )
    paragraphs = [
        Paragraph(asked % {"address": to}),
        Paragraph(words.gettext("Set a new password"), url),
        Paragraph(rules),
    ]
    subject = words.gettext("Set a new password for useby")
    return write(mail_id, to, subject, paragraphs, at, language=language)


def confirmation_mail(
    mail_id: str, to: str, url: str, base: str, at: datetime, language: str | None = None
) -> Mail:
    """Return the mail that asks the owner of an address to confirm it.

    It contains no text of the account that names the address, which may be anybody's.

    Args:
        mail_id: The part of the ``Message-ID`` before the ``@``.
        to: The address.
        url: The link that confirms it.
        base: The public URL of the node.
        at: The current time, aware.
        language: The language of the account (BCP 47), if it is set.
    """
    words = language_of(language)
    wanted = words.gettext(
        "Somebody, probably you, wants notifications of useby at %(url)s as mails to %(address)s."
    )
    rules = words.gettext(
        "The link works once, for a day. If this was not you, do nothing: no mail follows."
    )
    paragraphs = [
        Paragraph(wanted % {"url": base, "address": to}),
        Paragraph(words.gettext("Confirm this address"), url),
        Paragraph(rules),
    ]
    subject = words.gettext("Confirm your address for useby")
    return write(mail_id, to, subject, paragraphs, at, language=language)


def notifications_mail(
    mail_id: str,
    to: str,
    notifications: Sequence[Notification],
    base: str,
    unsubscribe: str,
    at: datetime,
    language: str | None = None,
) -> Mail:
    """Return the mail with some notifications, each with a link to it.

    Args:
        mail_id: The part of the ``Message-ID`` before the ``@``.
        to: The address.
        notifications: The notifications, oldest first, at least one.
        base: The public URL of the node.
        unsubscribe: The link that ends such mails.
        at: The current time, aware.
        language: The reader's language (BCP 47), if it is set.
    """
    words = language_of(language)
    more = f" (+{words.number(len(notifications) - 1)})" if len(notifications) > 1 else ""
    subject = one_line_subject(notifications[0].message, MOST_SUBJECT - len(more)) + more
    paragraphs: list[Paragraph] = []
    for each in notifications:
        paragraphs.append(Paragraph(each.message, link(base, each.fragment)))
        if each.items:
            paragraphs.append(Paragraph("\n".join(f"- {item.message}" for item in each.items)))
    paragraphs.append(Paragraph(words.gettext("No more mails to this address"), unsubscribe))
    return write(mail_id, to, subject, paragraphs, at, language=language, unsubscribe=unsubscribe)
