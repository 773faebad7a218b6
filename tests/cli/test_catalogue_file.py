"""Dumps of Open Food Facts, read line by line."""

import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from useby.cli import catalogue_file
from useby.cli.catalogue_file import Dump
from useby.cli.options import CommandError
from useby.store.catalogue import Entry

TEA = Entry("04012345678901", "Tea", "Brand", "250 g")
HEAD = b"code\turl\tproduct_name\tquantity\tbrands\n"
ROW = b"4012345678901\thttp://x\tTea\t250 g\tBrand\n"
JSON = json.dumps(
    {"code": "4012345678901", "product_name": "Tea", "brands": "Brand", "quantity": "250 g"}
).encode()


def read(content: bytes, most: int = 1000) -> tuple[list[Entry], Dump]:
    dump = Dump(io.BytesIO(content), "dump")
    return [entry for some in dump.slices(most) for entry in some], dump


@pytest.mark.parametrize(
    "content",
    [
        *(HEAD + ROW, b"\xef\xbb\xbf" + HEAD + ROW, HEAD + ROW.rstrip(), HEAD + b"\n" + ROW),
        *(HEAD.replace(b"\n", b"\r\n") + ROW.replace(b"\n", b"\r\n"), JSON, JSON + b"\n\n"),
        HEAD + b'"4012345678901"\thttp://x\t"Tea"\t250 g\tBrand\n',
    ],
)
def test_tab_separated_and_json_lines_are_read_compressed_or_not(content: bytes) -> None:
    for each in (content, gzip.compress(content)):
        entries, dump = read(each)
        assert entries == [TEA]
        assert (dump.loaded, dump.broken, dump.left_out) == (1, 0, 0)


@pytest.mark.parametrize(
    "line",
    [b"4012345678901\tTea\n", b"\xff\t\t\xff\t\t\n", b"a\tb\tc\td\te\tf\n", b'{"code": 1}\n'],
)
def test_a_broken_line_is_counted_and_skipped(line: bytes) -> None:
    entries, dump = read(HEAD + line + ROW)
    assert entries == [TEA]
    assert (dump.loaded, dump.broken) == (1, 1)


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"code": "\xff"}', b"[" * 9999, b"null", b"x"])
def test_a_broken_line_of_json_is_counted_and_skipped(line: bytes) -> None:
    entries, dump = read(JSON + b"\n" + line + b"\n" + JSON)
    assert entries == [TEA]
    assert (dump.loaded, dump.broken) == (2, 1)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        *(("4012345678902", "Tea"), ("x", "Tea"), ("", "Tea"), ("4012345678901", " \u200b")),
        *(("2012345000019", "Ham"), ("0212345000018", "Ham"), ("20000004", "Ham")),
    ],
)
def test_a_product_that_no_scan_could_find_is_left_out(code: str, name: str) -> None:
    line = f"{code}\t\t{name}\t\t\n".encode()
    entries, dump = read(HEAD + line)
    assert (entries, dump.left_out, dump.broken) == ([], 1, 0)


def test_a_name_becomes_one_visible_line_that_fits() -> None:
    line = json.dumps({"code": 4012345678901, "product_name": " a\u202e\n\0b " + "x" * 999})
    ((_, name, brand, quantity),), _ = read(line.encode())
    assert (name[:5], len(name), brand, quantity) == ("a b x", 200, "", "")


def test_entries_come_in_the_order_of_their_codes_each_code_once() -> None:
    rows = [
        f"{code}\t\t{name}\t\t\n" for code, name in (("96385074", "one"), ("4012345678901", "b"))
    ]
    rows.append("04012345678901\t\tlast\t\t\n")
    dump = Dump(io.BytesIO(HEAD + "".join(rows).encode()), "dump")
    assert [[each.name for each in some] for some in dump.slices(1)] == [["one"], ["last"]]


def test_a_line_without_an_end_is_skipped_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue_file, "LONGEST_LINE", 100)
    entries, dump = read(HEAD + b"x" * 950 + b"\n" + ROW + b"y" * 950)
    assert entries == [TEA]
    assert dump.broken == 2


@pytest.mark.parametrize("content", [b"", b"\n", b"name;code\n", b"code\n", b"\x00" * 99])
def test_a_file_that_is_no_dump_is_refused(content: bytes) -> None:
    with pytest.raises(CommandError, match="must be a dump"):
        read(content)


def test_a_damaged_gzip_file_is_named_after_what_was_read() -> None:
    whole = gzip.compress(HEAD + ROW * 5)
    with pytest.raises(CommandError, match="download it again"):
        read(whole[:-9])


@given(st.binary(max_size=300))
def test_no_content_raises_anything_else(content: bytes) -> None:
    for beginning in (b"", HEAD, b"{}\n", b"\x1f\x8b"):
        try:
            read(beginning + content)
        except CommandError:
            continue
