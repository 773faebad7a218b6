"""Write mails, each as text and as HTML of the same contents.

Names and messages are texts of users and of programs: in HTML they are escaped, each in an element
whose direction is its own.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Final

from useby.domain.mail import Mail

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
    unsubscribe: str | None = None,
) -> Mail:
    """Return a mail.

    Args:
        mail_id: The part of the ``Message-ID`` before the ``@``.
        to: The address.
        subject: The subject, which may contain any characters.
        paragraphs: The contents.
        at: The current time, aware.
        unsubscribe: URL that ends such mails.
    """
    subject = one_line_subject(subject)
    body = "\n".join(each.as_html for each in paragraphs)
    return Mail(
        id=mail_id,
        to=to,
        at=at,
        subject=subject,
        text="\n\n".join(each.as_text for each in paragraphs) + "\n",
        html=f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(subject)}</title></head><body>\n{body}\n</body></html>\n",
        unsubscribe=unsubscribe,
    )


def one_line_subject(text: str) -> str:
    """Return a text as a subject: one line without control characters, and not too long."""
    line = "".join(" " if unicodedata.category(char) in _BREAKS else char for char in text)
    line = " ".join(line.split())
    return line if len(line) <= MOST_SUBJECT else line[: MOST_SUBJECT - 1] + "…"


def reset_mail(mail_id: str, to: str, link: str, minutes: int, at: datetime) -> Mail:
    """Return the mail to a person who has forgotten the password.

    Args:
        mail_id: The part of the ``Message-ID`` before the ``@``.
        to: The address.
        link: The link by which the person sets a password.
        minutes: The time for which the link works.
        at: The current time, aware.
    """
    paragraphs = [
        Paragraph(f"Somebody, probably you, asked for a new password of the account {to}."),
        Paragraph("Set a new password", link),
        Paragraph(
            f"The link works once, for {minutes} minutes. It ends every sign-in of the account. If"
            " you did not ask for it, do nothing: your password stays as it is."
        ),
    ]
    return write(mail_id, to, "Set a new password for useby", paragraphs, at)
