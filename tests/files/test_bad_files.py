"""Files that are no table, or would be too large a one: each is refused with what is wrong, in little memory."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import Problem
from crmkit.files.opening import open_table
from tests.files.made import SAMPLES, Folder, dicts, workbook
from tests.house import ROOT

CELL = '<row r="1"><c r="A1" t="inlineStr"><is><t>name</t></is></c></row>'


def archive(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b" \r\n\n", "empty"),
        (b"%PDF-1.7\n%\xe2\xe3\n1 0 obj", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, ".xls"),
        (b"\x1f\x8b\x08" + b"\0" * 50, "gzip"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"<html><table><tr><td>name</td></tr></table></html>", "HTML"),
        (b'<?xml version="1.0"?><a/>', "XML"),
        (archive("word/document.xml"), "DOCX"),
        (archive("mimetype", "content.xml"), "OpenDocument"),
        (archive("xl/workbook.bin"), "XLSB"),
        (archive("Index/Document.iwa"), "Numbers"),
        (archive("people.csv"), "ZIP archive"),
        (archive("xl/workbook.xml"), "damaged"),
        (b"PK\x03\x04 nonsense", "damaged"),
        (b'name,note\nAda,x\nBen,"never closed\nCher,y\n', "Row 3 has a quote"),
        (b"name,note\nAda,x\n" + b'Ben,"' + b"never closed\n" * 50_000, "Row 3 has a quote"),
        (b"name,note\n" + b"Ada,x\n" * 50_000 + b'Ben,"', "Row 50002 has a quote"),
        (b",".join(b"t%d" % number for number in range(10_000)) + b"\n1\n", "10,000 columns"),
        (b"name,note\n1" + b",2" * 10_000 + b"\n", "Row 2 has 10,001 columns"),
        (b"name,note\nAda," + b"x" * 2_000_000 + b"\n", "Line 2 is longer than"),
        (b"name\n\0\n", "NUL"),
        (b"a,b\n" + b",".join((b'"' + b"x" * 130_000 + b'\n"',) * 20), "Row 2 is longer"),
    ],
)
def test_what_is_no_table_is_told(folder: Folder, content: bytes, told: str) -> None:
    hint = folder.refusal(content)
    assert told in hint
    assert hint.endswith(".")


@pytest.mark.parametrize(
    "name", ["people.pdf", "people.xlsx", "people.json", "people.vcf", "people", "../../etc/passwd"]
)
def test_a_wrong_name_does_not_matter(folder: Folder, name: str) -> None:
    assert folder.rows("name,email\nAda,a@x\n", name=name) == [{"name": "Ada", "email": "a@x"}]
    assert folder.rows('[{"name":"Ada"}]', name=name, content_type="application/pdf") == [{"name": "Ada"}]
    assert dicts(folder.table((SAMPLES / "apple.vcf").read_bytes(), name=name))[0]["Name"] == "Ada Brandt"


def sheet(rows: str, **parts: str) -> Callable[[Path], bytes]:
    return lambda path: workbook(path, rows, **parts)


LONG = f'<c t="str"><v>{"x" * 150_000}</v></c>'
ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    '<worksheet><sheetData><row r="1"><c r="A1" t="str"><v>&b;</v></c></row></sheetData></worksheet>'
)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (sheet(""), "no sheet with anything"),
        (sheet("<row><c><v>1</v></row>"), "damaged"),
        (sheet('<row r="x"><c><v>1</v></c></row>'), "damaged"),
        (sheet('<row r="2"><c><v>1</v></c></row><row r="1"><c><v>1</v></c></row>'), "damaged"),
        (sheet('<row r="9999999"><c><v>1</v></c></row>'), "damaged"),
        (sheet('<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>'), "damaged"),
        (sheet('<row r="1"><c r="?"><v>1</v></c></row>'), "damaged"),
        (sheet('<row r="1"><c r="A1" t="s"><v>7</v></c></row>'), "shared text 7"),
        (sheet('<row r="1"><c r="A1" t="s"><v>-1</v></c></row>'), "damaged"),
        (sheet('<row r="1"><c r="A1"><v>1e999</v></c></row>'), "number"),
        (sheet('<row r="1"><c r="A1"><v>nan</v></c></row>'), "number"),
        (sheet('<row r="1"><c r="A1"><v>1_0</v></c></row>'), "number"),
        (sheet(CELL + '<row r="2"><c r="XFD2"><v>1</v></c></row>'), "16,384 columns"),
        (sheet('<row r="1">' + "<c><v>1</v></c>" * 3000 + "</row>"), "columns"),
        (sheet(f'<row r="1"><c r="A1" t="str"><v>{"x" * 300_000}</v></c></row>'), "200,000 characters"),
        (sheet(f'<row r="1">{LONG * 20}</row>'), "Row 1 is longer"),
        (sheet("", **{"xl/worksheets/sheet1.xml": ENTITIES}), "document type"),
        (sheet("<a>" * 200 + "</a>" * 200), "damaged"),
        (sheet("".join(f"<a{number}/>" for number in range(6000))), "damaged"),
        (sheet(CELL, **{f"media/picture{number}-{'x' * 60}": "" for number in range(9_000)}), "damaged"),
        (sheet("", **{"xl/worksheets/sheet1.xml": "<worksheet a='" + "x" * 3_000_000 + "'/>"}), "tag of more than"),
        (
            sheet(CELL, **{"xl/styles.xml": f"<styleSheet><cellXfs>{'<xf/>' * 200_000}</cellXfs></styleSheet>"}),
            "styles",
        ),
    ],
)
def test_what_is_wrong_in_a_workbook_is_told(folder: Folder, made: Callable[[Path], bytes], told: str) -> None:
    assert told in folder.refusal(made(folder.path / "made.xlsx"))


def test_empty_cells_with_a_style_are_no_columns(folder: Folder) -> None:
    content = workbook(folder.path / "made.xlsx", CELL + '<row r="2"><c r="A2"><v>1</v></c><c r="XFD2" s="0"/></row>')
    assert folder.rows(content) == [{"name": 1}]


def texts(path: Path, mebibytes: int = 100) -> None:
    """Write an XLSX of which 100 MiB are shared texts of one letter."""
    workbook(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as made, made.open("xl/sharedStrings.xml", "w") as part:
        part.write(b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">')
        for _ in range(mebibytes):
            part.write(b"<si><t>a</t></si>" * 61_681)  # 1 MiB


def bomb(path: Path) -> None:
    """Write an XLSX of a few MiB that unpacks to more than 512 MiB."""
    texts(path, 513)


def wide_line(path: Path) -> None:
    """Write a CSV with a line of 400 MiB."""
    with path.open("wb") as file:
        file.write(b"name,note\nAda,")
        for _ in range(400):
            file.write(b"x" * (1 << 20))
        file.write(b"\n")


def blanks(path: Path, mebibytes: int = 400, sheets: int = 1) -> None:
    """Write an XLSX whose sheet is 400 MiB of blanks."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        listed = '<sheet name="a" r:id="r1"/>' * sheets
        made.writestr("xl/workbook.xml", f"<workbook><sheets>{listed}</sheets></workbook>")
        made.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships><Relationship Id="r1" Type="x/worksheet" Target="a.xml"/></Relationships>',
        )
        with made.open("xl/a.xml", "w", force_zip64=True) as part:
            part.write(b"<worksheet><sheetData>")
            for _ in range(mebibytes):
                part.write(b" " * (1 << 20))
            part.write(b"</sheetData></worksheet>")


def pictures(path: Path) -> None:
    """Write cards whose pictures stand in many short lines."""
    with path.open("wb") as file:
        for _ in range(3):
            file.write(b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada\r\nPHOTO;ENCODING=b:\r\n")
            file.write(b" x\n" * 8_000_000)
            file.write(b"END:VCARD\r\n")


def photos(path: Path) -> None:
    """Write cards with pictures of the largest size, which are read."""
    with path.open("wb") as file:
        for _ in range(20):
            file.write(b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada\r\nPHOTO;ENCODING=b:\r\n")
            file.write((b" " + b"x" * 74 + b"\r\n") * 66_000)
            file.write(b"END:VCARD\r\n")


def sheets(path: Path) -> None:
    """Write an XLSX of a thousand sheets which all are one part of 100 MiB of blanks."""
    blanks(path, 100, 1000)


def one_item(path: Path) -> None:
    """Write JSON whose one text has 400 MiB."""
    with path.open("wb") as file:
        file.write(b'[{"a":"')
        for _ in range(400):
            file.write(b"x" * (1 << 20))
        file.write(b'"}]')


def one_quote(path: Path) -> None:
    """Write a CSV of 300 MiB of lines behind a quote that is never closed."""
    with path.open("wb") as file:
        file.write(b'name,note\nAda,"')
        for _ in range(300):
            file.write(b"x,y,z,\n" * 149_796)


MEASURE = """
import resource, sys
from crmkit.errors import Problem
from crmkit.files.opening import open_table
import crmkit.files.xlsx.workbook, crmkit.files.delimited, crmkit.files.items
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
try:
    print(open_table(sys.argv[1]).count)
except Problem as problem:
    print(problem.hint)
print((peak() - before) // 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("write", "told"),
    [
        (bomb, "unpacks to more than 512 MiB"),
        (texts, "more than 3,000,000 texts"),
        (blanks, "no sheet with anything"),
        (sheets, "unpacks to more than 512 MiB"),
        (wide_line, "Line 2 is longer"),
        (one_item, "longer than"),
        (pictures, "longer than"),
        (one_quote, "Row 2 has a quote"),
    ],
)
def test_a_huge_bad_file_is_refused_in_64_mib(tmp_path: Path, write: Callable[[Path], None], told: str) -> None:
    write(tmp_path / "file")
    hint, mebibytes = measured(tmp_path / "file")
    assert told in hint
    assert mebibytes < 64


@pytest.mark.slow
def test_cards_with_large_pictures_are_read_in_64_mib(tmp_path: Path) -> None:
    photos(tmp_path / "file")
    count, mebibytes = measured(tmp_path / "file")
    assert count == "20"
    assert mebibytes < 64


def measured(file: Path) -> tuple[str, int]:
    """Return how many rows a file has, or why it is refused, and the MiB that it took to tell."""
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, str(file)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    told, mebibytes = ran.stdout.splitlines()
    return told, int(mebibytes)


FULL = """
import resource, sys
from crmkit.errors import Problem
from crmkit.files.opening import open_table
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    open_table(sys.argv[1])
except Problem as problem:
    print(problem.code)
"""


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    texts(tmp_path / "file", 20)
    ran = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "file")], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert (ran.stdout, ran.stderr) == ("not_ready\n", "")


def seeds() -> list[bytes]:
    book = openpyxl.Workbook()
    book.active.append(["name", "since"])
    book.active.append(["Ada", 1.5])
    file = io.BytesIO()
    book.save(file)
    return [file.getvalue(), *(path.read_bytes()[:3000] for path in sorted(SAMPLES.iterdir())), b'[{"a":[1,"x"]}]']


SEEDS = seeds()
SIGNS = [b'"', b"\0", b"\r", b"\n", b"{", b"]", b"\xff", b"BEGIN:VCARD\n", b"\\"]


@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(
        st.tuples(
            st.floats(0, 1),
            st.integers(0, 20),
            st.binary(max_size=4) | st.sampled_from(SIGNS),
        ),
        max_size=6,
    ),
)
def test_a_file_with_any_bytes_changed_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, seed: bytes, edits: list[tuple[float, int, bytes]]
) -> None:
    content = seed
    for place, removed, added in edits:
        at = int(place * len(content))
        content = content[:at] + added + content[at + removed :]
    file = tmp_path_factory.mktemp("fuzz") / "file"
    file.write_bytes(content)
    try:
        table = open_table(file)
        rows = list(table.rows())
    except Problem as problem:
        assert problem.code == "invalid_file"
    else:
        assert len(rows) == table.count
        assert all(len(row.cells) == len(table.titles) for row in rows)


@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("fuzz") / "file"
    file.write_bytes(content)
    try:
        dicts(open_table(file))
    except Problem as problem:
        assert problem.code == "invalid_file"
