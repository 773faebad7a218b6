"""Text that anybody may have written, made safe to show in a terminal or a log (CWE-117)."""


def visible(text: str) -> str:
    """Return text whose unprintable characters are shown as escapes and not obeyed.

    Unprintable are control characters, line ends, direction marks and overrides, characters
    without a width, surrogates and what Unicode has not assigned (``str.isprintable``).
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
