"""Encodings of text files."""

import pytest

from useby.imports.tables import UnreadableFile
from useby.imports.text import decode


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_of_a_file_is_found_out(encoding: str) -> None:
    text = "name;expiryDate\r\nKäse;2027-03-04\r\nCrème brûlée;2027-03-05\r\n"
    assert decode(text.encode(encoding)) == (text, encoding)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_found_out(encoding: str) -> None:
    text = "name;expiryDate\r\nKäse;2027-03-04\r\n"
    assert decode(text.encode(encoding)) == (text, "utf-16")


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x01",
        b"name\x81\x8d",
        b"\xff\xfe\x00",
        b"\x00" * 9,
        b"\xef\xbb\xbf\xff",
    ],
)
def test_a_file_that_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableFile, match="UTF-8, UTF-16 or CP1252"):
        decode(data)
