"""XLSX: a workbook of one sheet (ECMA-376, part 1), written as it is zipped, so that no row is kept."""

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from crmkit.errors import Problem
from crmkit.model.cells import doubled
from crmkit.model.record import Kind
from crmkit.render.files.cells import custom_typed, typed
from crmkit.render.files.columns import Columns, Row
from crmkit.render.files.pieces import Pieces
from crmkit.render.files.writer import Options, Writer

# what Excel opens
MOST_ROWS, MOST_COLUMNS, MOST_CHARACTERS = 1_048_576, 16_384, 32_767
MOST_BYTES = 2**31 - 1  # of a sheet; larger ones need ZIP64, which Excel does not read where sizes follow the data

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SHEET = "xl/worksheets/sheet1.xml"

_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/{_SHEET}" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    # the second format of cells, for titles, is bold
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}">'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}
_BEFORE_ROWS = (
    f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
)
_AFTER_ROWS = "</sheetData></worksheet>"

# what XML has no character for, or a parser would not keep, stands as _xHHHH_; a text that looks so has its _ escaped
_ESCAPED = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class XlsxWriter(Writer):
    """A row of titles, which stays in view, then one for each record. Texts stand in it as texts, never as formulas."""

    media_type = f"{_TYPE}.sheet"
    has_columns = True
    fails_late = True
    is_binary = True
    at_once = 25

    def __init__(self, kind: Kind, options: Options) -> None:
        super().__init__(kind, options)
        self._columns = options.columns or Columns(kind, options.fields, options.keys)
        self._written = Pieces()
        self._zip = zipfile.ZipFile(self._written, "w")
        self._sheet: Any = None
        self._size, self._row = 0, 0
        self._letters = [_letters(at) for at in range(len(self._columns.titles))]

    def start(self) -> bytes:
        titles = self._columns.titles
        if len(titles) > MOST_COLUMNS:
            raise _too_large(f"{len(titles):,} columns", f"{MOST_COLUMNS:,}")
        name = _attribute(self.kind.plural[:31])  # no sheet has a longer one
        book = (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            f'<sheet name="{name}" sheetId="1" r:id="rId1"/></sheets></workbook>'
        )
        for path, content in {**_PARTS, "xl/workbook.xml": book}.items():
            self._zip.writestr(_entry(path), _XML + content)
        self._sheet = self._zip.open(_entry(_SHEET), "w")
        self._write(_XML + _BEFORE_ROWS)
        return self._rows([[doubled(title) for title in titles]], style=' s="1"')

    def rows(self, batch: Sequence[Row]) -> bytes:
        return self._rows(self._columns.rows(batch, typed, custom_typed))

    def end(self) -> Iterator[bytes]:
        self._write(_AFTER_ROWS)
        self.close()
        yield self._written.taken()

    def close(self) -> None:
        if self._sheet is not None:
            self._sheet.close()
        self._zip.close()

    def _rows(self, rows: Iterable[Row], style: str = "") -> bytes:
        parts = []
        for cells in rows:
            self._row += 1
            if self._row > MOST_ROWS:
                raise _too_large(f"more than {MOST_ROWS - 1:,} records", f"{MOST_ROWS - 1:,}")
            parts.append(f'<row r="{self._row}">')
            for letters, value in zip(self._letters, cells, strict=True):
                if value is not None:
                    parts.append(_cell(f"{letters}{self._row}", value, style))
            parts.append("</row>")
        self._write("".join(parts))
        return self._written.taken()

    def _write(self, content: str) -> None:
        written = content.encode()
        self._size += len(written)
        if self._size > MOST_BYTES:
            raise _too_large("more than 2 GiB", "2 GiB")
        self._sheet.write(written)


def _entry(path: str) -> zipfile.ZipInfo:
    """Return a file in the zip, without the time at which it was written: the same records are the same bytes."""
    found = zipfile.ZipInfo(path)
    found.compress_type = zipfile.ZIP_DEFLATED
    return found


def _cell(at: str, value: Any, style: str) -> str:
    if isinstance(value, str):
        return f'<c r="{at}" t="inlineStr"{style}><is>{_text(value)}</is></c>'
    if isinstance(value, bool):
        return f'<c r="{at}" t="b"><v>{value:d}</v></c>'
    return f'<c r="{at}"><v>{value!r}</v></c>'


def _text(text: str) -> str:
    if len(text) > MOST_CHARACTERS // 2 and len(text.encode("utf-16-le")) > 2 * MOST_CHARACTERS:
        raise _too_large(f"a text of more than {MOST_CHARACTERS:,} characters", f"{MOST_CHARACTERS:,}")
    blanks = ' xml:space="preserve"' if text[:1].isspace() or text[-1:].isspace() else ""
    if not text.isalnum():
        text = _ESCAPED.sub(lambda found: f"_x{ord(found.group()):04X}_", text).translate(_MARKUP)
    return f"<t{blanks}>{text}</t>"


def _attribute(text: str) -> str:
    return text.translate(_MARKUP).replace('"', "&quot;")


def _letters(at: int) -> str:
    """Return what a spreadsheet calls a column, the first of which is 0."""
    found = ""
    while at >= 0:
        found, at = chr(ord("A") + at % 26) + found, at // 26 - 1
    return found


def _too_large(what: str, most: str) -> Problem:
    return Problem(
        "invalid_value",
        "Send format=csv, which has no such limit, or narrow the list by filters and fields=.",
        fields={"format": f"xlsx holds at most {most}, and this has {what}"},
    )
