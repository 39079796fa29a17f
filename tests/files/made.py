"""Files for tests of readers, and what is read of them."""

import zipfile
from pathlib import Path

import pytest

from crmkit.errors import Problem
from crmkit.files.opening import open_table
from crmkit.files.table import Cell, Table

SAMPLES = Path(__file__).parent.parent / "samples"


class Folder:
    """A folder that files are written into and read from."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def table(self, content: bytes | str, **said: str) -> Table:
        file = self.path / "upload"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return open_table(file, **said)

    def rows(self, content: bytes | str, **said: str) -> list[dict[str, Cell]]:
        return dicts(self.table(content, **said))

    def refusal(self, content: bytes | str, **said: str) -> str:
        """Return the hint of the Problem that such a file is refused with."""
        with pytest.raises(Problem) as found:
            list(self.table(content, **said).rows())
        assert (found.value.code, found.value.status) == ("invalid_file", 400)
        assert len(found.value.hint) < 300
        assert found.value.hint.isprintable()
        return found.value.hint


def dicts(table: Table) -> list[dict[str, Cell]]:
    """Return each row's cells by their titles; all that a table promises of its rows holds."""
    rows = list(table.rows())
    assert len(rows) == table.count
    assert len(set(table.titles)) == len(table.titles)
    assert all(len(row.cells) == len(table.titles) for row in rows)
    numbers = [row.number for row in rows]
    assert numbers == sorted(set(numbers))
    for after in {0, *numbers[:1], *numbers[len(numbers) // 2 :][:1], *numbers[-1:]}:
        assert list(table.rows(after)) == [row for row in rows if row.number > after]
    return [dict(zip(table.titles, row.cells, strict=True)) for row in rows]


def numbers(table: Table) -> list[int]:
    return [row.number for row in table.rows()]


_SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def workbook(path: Path, sheet: str = "", **parts: str) -> bytes:
    """Return an XLSX whose sheet has these rows of XML; `parts` are written besides, or in place of others."""
    held = {
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" Type="{_DOCUMENT}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        f'xmlns:r="{_DOCUMENT}"><sheets><sheet name="One" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" '
        f'Type="{_DOCUMENT}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": _SHEET.format(sheet),
        **parts,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in held.items():
            archive.writestr(name, text)
    return path.read_bytes()
