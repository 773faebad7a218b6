"""Make untrusted text safe to show in a terminal, a log (CWE-117) or a sentence."""

import re
import unicodedata
from typing import Final

_LINE_BREAKS: Final = re.compile("[\t-\r\x1c-\x1f\x85\u2028\u2029]+")
"""Tabs, line ends, and the separators of ASCII, at which Python ends a line, too."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Mc", "Me", "Mn", "Zl", "Zp", "Zs"})
"""Categories of characters that are blank, or that only format or mark others."""
_SHAPELESS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that Unicode defines as empty: fillers of Hangul, a pattern of Braille."""
_DIRECTED: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates of Unicode's bidirectional algorithm (UAX #9)."""
_FIRST_STRONG_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"
_ISOLATES: Final = frozenset("\u2066\u2067\u2068")


def visible(text: str) -> str:
    """Return text with its unprintable characters replaced by escapes.

    Unprintable are control characters, line ends, direction marks and overrides, characters
    without a width, surrogates and code points unassigned in Unicode (``str.isprintable``).
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def one_line(text: str) -> str:
    """Return text with each group of line breaks and tabs replaced by a blank.

    Raises:
        ValueError: The text has another control character.
    """
    if text.isprintable():
        return text
    text = _LINE_BREAKS.sub(" ", text)
    if any(unicodedata.category(char) == "Cc" for char in text):
        raise ValueError("must not contain control characters, e.g. U+001B")
    return text


def is_visible(text: str) -> bool:
    """Return whether a text has a character that shows by itself."""
    return any(
        unicodedata.category(char) not in _UNSEEN and char not in _SHAPELESS for char in text
    )


def isolated(text: str, *, always: bool = False) -> str:
    """Return text that does not change the direction of a sentence around it.

    A text with embeddings, overrides or isolates is wrapped in an isolate, which ends them all.

    Args:
        text: The text.
        always: Wrap any text, because the sentence may be written from right to left.
    """
    if not _DIRECTED.search(text):
        return f"{_FIRST_STRONG_ISOLATE}{text}{_END_OF_ISOLATE}" if always else text
    kept, open_ = [], 0
    for char in text:
        if char in _ISOLATES:
            open_ += 1
        elif char == _END_OF_ISOLATE:
            if not open_:
                continue  # it would end the isolate around the text
            open_ -= 1
        kept.append(char)
    return f"{_FIRST_STRONG_ISOLATE}{''.join(kept)}{_END_OF_ISOLATE * (open_ + 1)}"
