"""XLSX workbooks, hostile ones included.

covers: useby.imports.formulas, useby.imports.workbook_parts
"""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.support.import_files import a_workbook, read_file

from useby.domain.expiry import Expiry
from useby.imports.tables import Format, UnreadableFile

SHEET = "xl/worksheets/sheet1.xml"
ROWS: list[list[Any]] = [
    ["Artikel", "MHD", "Menge", "EAN"],
    ["Milch", date(2027, 3, 4), 1.5, 3017620422003],
]


def changed(change: Callable[[str], str], part: str = SHEET) -> bytes:
    """A workbook of which one part has another text."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(a_workbook(ROWS))) as before, zipfile.ZipFile(out, "w") as new:
        for each in before.infolist():
            data = before.read(each)
            if each.filename == part:
                data = change(data.decode()).encode()
            new.writestr(each.filename, data, zipfile.ZIP_DEFLATED)
        if part not in before.namelist():
            new.writestr(part, change(""), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def test_a_workbook_is_read_with_its_dates_and_numbers() -> None:
    found, (milk, bread) = read_file(
        a_workbook(
            [
                *ROWS,
                [],
                ["Brot", datetime.fromisoformat("2027-03-05T00:00:00"), 2, "'0123456789012"],
            ]
        )
    )
    assert (found.table.format, found.table.encoding) == (Format.XLSX, None)
    assert (milk.expiry_date, milk.quantity, milk.barcode) == (
        "2027-03-04",
        Decimal("1.5"),
        "3017620422003",
    )
    assert (bread.expiry_date, bread.barcode) == ("2027-03-05", "0123456789012")


@pytest.mark.parametrize(
    ("number_format", "value", "read"),
    [
        ("mmm-yy", date(2027, 5, 1), "2027-05-31"),
        ("mm/yyyy", date(2027, 5, 1), "2027-05-31"),
        ('[$-407]mmmm" des Jahres "yyyy;@', date(2027, 5, 1), "2027-05-31"),
        ("mm/yyyy", date(2027, 5, 14), "2027-05-14"),
        ("yyyy-mm-dd", date(2027, 5, 1), "2027-05-01"),
        ("dd.mm.yy", date(2027, 5, 1), "2027-05-01"),
    ],
)
def test_a_cell_that_shows_a_month_without_its_day_means_the_last_day_of_the_month(
    number_format: str, value: date, read: str
) -> None:
    rows: list[list[Any]] = [["name", "best before"], ["Milk", value]]
    _, (milk,) = read_file(a_workbook(rows, number_format=number_format))
    assert Expiry.parse_or_never(milk.expiry_date) == Expiry.parse(read)


def test_a_month_of_receipt_is_its_first_day() -> None:
    rows: list[list[Any]] = [["name", "best before", "received"], ["Milk", "nie", date(2026, 3, 1)]]
    _, (milk,) = read_file(a_workbook(rows, number_format="mm/yyyy"))
    assert milk.received_on == "2026-03-01"


def test_a_day_without_a_date_format_is_read_as_a_day_of_the_spreadsheet() -> None:
    _, (milk,) = read_file(a_workbook([["name", "best before"], ["Milk", 46450]]))
    assert milk.expiry_date == "2027-03-04"


def test_a_bad_row_of_a_workbook_has_the_number_of_its_row() -> None:
    found, _ = read_file(a_workbook([["name", "mhd"], [], [], ["Milk", "someday"]]))
    assert [each.line for each in found.table.bad] == [4]


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = changed(lambda text: text + " " * (80 * 1024 * 1024))
    assert len(bomb) < 1024 * 1024
    with pytest.raises(UnreadableFile, match="MiB unpacked"):
        read_file(bomb)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (SHEET, "<row>" + "<c><v>1</v></c>" * 1_000_000 + "</row></sheetData>"),
        (SHEET, "<row>" + "<c/>" * 3_000_000 + "</row></sheetData>"),
        ("xl/styles.xml", "<x/>" * 200_000 + "</styleSheet>"),
        ("xl/sharedStrings.xml", "<si/>" * 1_100_000 + "</sst>"),
    ],
    ids=["a million columns", "empty cells", "styles", "strings"],
)
def test_a_workbook_of_very_many_tags_is_refused_before_it_is_parsed(part: str, text: str) -> None:
    end = text[text.rindex("</") :]
    bomb = changed(lambda before: before.replace(end, text) or text, part)
    assert len(bomb) < 2 * 1024 * 1024
    with pytest.raises(UnreadableFile, match="too many cells"):
        read_file(bomb)


def a_package(parts: dict[str, str], *, names: dict[str, str], kinds: dict[str, str]) -> bytes:
    """A workbook with further parts, of which some have other names or content types."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(a_workbook(ROWS))) as before, zipfile.ZipFile(out, "w") as new:
        texts = {each: before.read(each).decode() for each in before.namelist()} | parts
        for old, other in (names | kinds).items():
            for part in texts:
                if part == "[Content_Types].xml" or part.endswith(".rels"):
                    texts[part] = texts[part].replace(old, other)
        for part, text in texts.items():
            new.writestr(names.get(part, part), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


BOMBS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "strings": ({"xl/sharedStrings.xml": "<sst>" + "<si/>" * 200_000 + "</sst>"}, {}),
    "a sheet": ({SHEET: "<worksheet>" + "<c/>" * 200_000 + "</worksheet>"}, {}),
    "a workbook": ({"xl/workbook.xml": "<workbook>" + "<a/>" * 200_000 + "</workbook>"}, {}),
}


@pytest.mark.parametrize("name", ["xl/a.bin", "xl/a.XML", "a.png", "xl/worksheets/_rels/a.rels"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_part_of_very_many_tags_is_refused_whatever_its_name_is(bomb: str, name: str) -> None:
    parts, kinds = BOMBS[bomb]
    (part,) = parts
    with pytest.raises(UnreadableFile, match="too many cells"):
        read_file(a_package(parts, names={part: name}, kinds=kinds))


@pytest.mark.parametrize("name", ["xl/worksheets/a.xml", "xl/sharedStrings.xml"])
def test_a_part_that_may_have_many_tags_must_be_what_its_name_states(name: str) -> None:
    book = {"xl/workbook.xml": "<workbook>" + "<a/>" * 200_000 + "</workbook>"}
    with pytest.raises(UnreadableFile, match="too many cells"):
        read_file(a_package(book, names={"xl/workbook.xml": name}, kinds={}))


def test_a_sheet_that_is_named_as_a_chart_is_refused() -> None:
    chart = {"relationships/worksheet": "relationships/chartsheet"}
    with pytest.raises(UnreadableFile):
        read_file(a_package({}, names={}, kinds=chart))


def test_the_sizes_of_all_parts_count_whatever_their_names_are() -> None:
    parts = {"xl/a.bin": " " * (30 * 1024 * 1024), "media/b.png": " " * (30 * 1024 * 1024)}
    with pytest.raises(UnreadableFile, match="MiB unpacked"):
        read_file(a_package(parts, names={}, kinds={}))


def test_a_picture_with_many_bytes_that_look_like_tags_is_no_bomb() -> None:
    picture = {"xl/media/image1.png": "\x7fPNG" + "<" * 200_000}
    _, (milk,) = read_file(a_package(picture, names={}, kinds={}))
    assert milk.name == "Milch"


def test_an_archive_whose_directory_states_too_small_a_size_is_refused() -> None:
    bomb = bytearray(changed(lambda text: text + " " * (2 * 1024 * 1024)))
    with zipfile.ZipFile(io.BytesIO(bomb)) as archive:
        size = archive.getinfo(SHEET).file_size
    stated = size.to_bytes(4, "little")
    at = bomb.rfind(stated)
    bomb[at : at + 4] = (100).to_bytes(4, "little")
    with pytest.raises(UnreadableFile):
        read_file(bytes(bomb))


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
    ],
)
@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/styles.xml"])
def test_a_workbook_with_xml_entities_is_refused(declaration: str, part: str) -> None:
    def with_entities(text: str) -> str:
        head, mark, rest = text.rpartition("?>")
        return f"{head}{mark}{declaration}{rest}"

    with pytest.raises(UnreadableFile):
        read_file(changed(with_entities, part))


def test_a_cell_in_the_last_column_of_a_million_rows_is_bounded() -> None:
    rows = "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(3, 3000))
    wide = changed(lambda text: text.replace("</sheetData>", f"{rows}</sheetData>"))
    _, products = read_file(wide)
    assert [each.name for each in products] == ["Milch"]


def test_a_header_of_very_many_columns_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="columns"):
        read_file(a_workbook([["name", "expiryDate", *map(str, range(2000))]]))


def test_a_row_that_claims_a_far_place_is_bounded() -> None:
    row = '<row r="1000000000"><c r="A1000000000" t="inlineStr"><is><t>x</t></is></c></row>'
    far = changed(lambda text: text.replace("</sheetData>", f"{row}</sheetData>"))
    with pytest.raises(UnreadableFile, match="rows; import it in parts"):
        read_file(far)


def test_a_sheet_that_states_a_wrong_size_is_read_whole() -> None:
    import re

    data = changed(lambda text: re.sub(r'<dimension ref="[^"]*"', '<dimension ref="A1"', text))
    _, (milk,) = read_file(data)
    assert milk.name == "Milch"


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "[Content_Types].xml"])
def test_a_damaged_workbook_is_refused_in_our_words(part: str) -> None:
    with pytest.raises(UnreadableFile, match="save it again as XLSX or CSV"):
        read_file(changed(lambda text: text[: len(text) // 2], part))


def test_a_cut_workbook_is_refused_in_our_words() -> None:
    with pytest.raises(UnreadableFile, match="save it again as XLSX or CSV"):
        read_file(a_workbook(ROWS)[:1000])


def test_a_formula_without_a_stored_value_is_a_bad_row() -> None:
    rows: list[list[Any]] = [
        ["name", "mhd", "menge"],
        ["a", "=TODAY()+5", 1],
        ["b", "nie", "=1+1"],
        ["c", "nie", 2],
    ]
    found, (c,) = read_file(a_workbook(rows))
    assert c.name == "c"
    assert [(each.line, each.column, each.value) for each in found.table.bad] == [
        (2, "expiryDate", "=TODAY()+5"),
        (3, "quantity", "=1+1"),
    ]
    assert "formula without a stored value; open and save" in found.table.bad[0].message
    assert found.rows == 3


def test_a_formula_with_a_stored_value_is_read_also_if_it_is_an_empty_text() -> None:
    cells = (
        '<c r="A3" t="str"><f>1</f><v>Eggs</v></c><c r="B3" t="str"><f>IF(1,"")</f><v></v></c>'
        '<c r="C3"><f>1+1</f><v>2</v></c>'
    )
    data = changed(
        lambda text: text.replace("</sheetData>", f'<row r="3">{cells}</row></sheetData>')
    )
    found, (_, eggs) = read_file(data)
    assert found.table.bad == []
    assert (eggs.name, eggs.expiry_date, eggs.quantity) == ("Eggs", None, Decimal(2))


def test_a_column_of_very_many_formulas_without_a_value_is_refused() -> None:
    cell = "<row><c/><c><f>1</f></c></row>"
    data = changed(lambda text: text.replace("</sheetData>", f"{cell * 10_001}</sheetData>"))
    with pytest.raises(UnreadableFile, match="10,000 formulas"):
        read_file(data)


@pytest.mark.parametrize("barcode", [3.01762e12, 3017620000000])
def test_a_barcode_that_is_a_rounded_number_has_a_warning_and_no_code_is_offered(
    barcode: float,
) -> None:
    found, (milk,) = read_file(a_workbook([["name", "mhd", "ean"], ["a", "nie", barcode]]))
    assert milk.barcode == "3017620000000"
    (warning,) = found.table.warnings
    assert (warning.line, warning.column) == (2, "barcode")
    assert "digits that are lost" in warning.message
    assert "3017620000003" not in warning.message
