"""Text is UTF-8 (RFC 6455 section 8.1), wherever it is cut."""

from tests.conformance.cases import (
    TEXT,
    Case,
    fails,
    fragments,
    frame,
    in_pieces,
    passes,
    text_frame,
)

VALID = {
    "the first of one byte": "\0",
    "the last of one byte": "\x7f",
    "the first of two bytes": "\x80",
    "the last of two bytes": "\u07ff",
    "the first of three bytes": "\u0800",
    "the last of three bytes": "\uffff",
    "the first of four bytes": "\U00010000",
    "the last of four bytes": "\U0010ffff",
    "the last before the surrogates": "\ud7ff",
    "the first after the surrogates": "\ue000",
    "the replacement character": "\ufffd",
    "a character that is none": "\ufffe",
    "characters that are none, on plane 16": "\U0010fffe\U0010ffff",
    "a word of five two-byte letters": "κόσμε"[:5],
    "letters of every length": "aé牛🥛",
    "a family joined of several": "👩\u200d👧\u200d👦",
    "a byte order mark": "\ufeffmilk",
    "combining marks": "e\u0301u\u0308",
}
INVALID = {
    "a lone continuation byte": b"\x80",
    "the last continuation byte": b"\xbf",
    "two continuation bytes": b"\x80\xbf",
    "six continuation bytes": b"\x80\xbf" * 3,
    "FE": b"\xfe",
    "FF": b"\xff",
    "FE FE FF FF": b"\xfe\xfe\xff\xff",
    "a slash in two bytes": b"\xc0\xaf",
    "a slash in three bytes": b"\xe0\x80\xaf",
    "a slash in four bytes": b"\xf0\x80\x80\xaf",
    "a slash in five bytes": b"\xf8\x80\x80\x80\xaf",
    "a slash in six bytes": b"\xfc\x80\x80\x80\x80\xaf",
    "the longest too long form of two bytes": b"\xc1\xbf",
    "the longest too long form of three bytes": b"\xe0\x9f\xbf",
    "the longest too long form of four bytes": b"\xf0\x8f\xbf\xbf",
    "a NUL in two bytes": b"\xc0\x80",
    "the first surrogate": b"\xed\xa0\x80",
    "the last high surrogate": b"\xed\xaf\xbf",
    "the first low surrogate": b"\xed\xb0\x80",
    "the last surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "the first beyond Unicode": b"\xf4\x90\x80\x80",
    "a first byte of five": b"\xf8\x88\x80\x80\x80",
    "a first byte of six": b"\xfc\x84\x80\x80\x80\x80",
    "two bytes without the second": b"\xc2",
    "three bytes without the third": b"\xe2\x82",
    "four bytes without the fourth": b"\xf0\x9f\xa5",
    "two bytes, the second a letter": b"\xc2a",
    "three bytes, the third a letter": b"\xe2\x82a",
    "Latin-1": "Müsli".encode("latin-1"),
    "UTF-16": "Milk 牛乳".encode("utf-16"),
}


def utf_8() -> list[Case]:
    """Valid UTF-8 comes back, anything else ends the connection with 1007."""
    cases = []
    for name, text in VALID.items():
        data = text.encode()
        cases.append(passes(name, frame(TEXT, data), text_frame(text)))
        if len(data) > 1:
            cuts = fragments(*(bytes([byte]) for byte in data))
            cases.append(passes(f"{name}, a fragment a byte", cuts, text_frame(text)))
            cases.append(
                passes(
                    f"{name}, a fragment a byte, byte by byte",
                    in_pieces(b"".join(cuts)),
                    text_frame(text),
                )
            )
    for name, data in INVALID.items():
        cases.append(fails(name, frame(TEXT, data), code=1007))
        cases.append(fails(f"{name} after good text", frame(TEXT, b"good " + data), code=1007))
        cases.append(fails(f"{name} in the last fragment", fragments(b"good ", data), code=1007))
        if len(data) > 1:
            cuts = fragments(*(bytes([byte]) for byte in data))
            cases.append(fails(f"{name}, a fragment a byte", cuts, code=1007))
    return cases
