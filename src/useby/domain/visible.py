"""Make untrusted text safe to show in a terminal or a log (CWE-117)."""


def visible(text: str) -> str:
    """Return text with its unprintable characters replaced by escapes.

    Unprintable are control characters, line ends, direction marks and overrides, characters
    without a width, surrogates and code points unassigned in Unicode (``str.isprintable``).
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
