"""XLSX: the first sheet of a workbook that holds something, read row by row.

Numbers, texts, booleans and cached values of formulas are as the workbook holds them, dates and times are ISO text.
"""

from collections.abc import Generator
from pathlib import Path

from msgspec import Struct

from crmkit.files.frame import Record, framed
from crmkit.files.table import LeftOut, Table, invalid
from crmkit.files.xlsx.archive import Archive, damaged, relations, target
from crmkit.files.xlsx.sheet import SheetReader
from crmkit.files.xlsx.strings import Strings
from crmkit.files.xlsx.styles import Shown, styles_of

_MOST_SHEETS = 1_000
_MOST_NAME = 1_000
_KINDS = {"docx": "word/document.xml", "pptx": "ppt/presentation.xml", "xlsb": "xl/workbook.bin"}


class _Sheet(Struct):
    name: str
    hidden: bool
    relation: str
    part: str = ""


class _Workbook(Struct):
    path: Path
    sheets: list[_Sheet]
    since_1904: bool
    styles: dict[int, Shown]
    strings: Strings


def open_xlsx(path: Path) -> Table:
    """Return the table of the first sheet, among those that are not hidden, that is not empty. Raises Problem."""
    with Archive(path) as archive:
        workbook = _workbook(archive, path)
        # within one archive, so that many sheets of blanks are not more to unpack than one
        filled = [sheet for sheet in workbook.sheets if next(_rows(archive, workbook, sheet), None)]
    if not filled:
        raise invalid("The workbook has no sheet with anything in it.")
    sheet, *others = sorted(filled, key=lambda sheet: sheet.hidden)  # those that are not hidden first, in their order
    told = [LeftOut(0, f"sheet {other.name!r}") for other in others]
    return framed("xlsx", lambda: _records(workbook, sheet), None, told)


def _workbook(archive: Archive, path: Path) -> _Workbook:
    main = "xl/workbook.xml"

    def root(tag: str, found: dict[str, str]) -> None:
        nonlocal main
        if tag == "Relationship" and found.get("Type", "").endswith("/officeDocument"):
            main = target("", found.get("Target", "")[:_MOST_NAME])

    archive.read("_rels/.rels", root)
    if main not in archive or not main.lower().endswith(".xml") or any(part in archive for part in _KINDS.values()):
        raise _other(archive)
    sheets: list[_Sheet] = []
    since_1904 = False

    def start(tag: str, found: dict[str, str]) -> None:
        nonlocal since_1904
        if tag == "sheet" and len(sheets) < _MOST_SHEETS:
            hidden = found.get("state", "visible") != "visible"
            relation = next((value for key, value in found.items() if key.endswith(":id")), "")
            sheets.append(_Sheet(found.get("name", "")[:100], hidden, relation[:_MOST_NAME]))
        elif tag == "workbookPr":
            since_1904 = found.get("date1904", "").lower() in ("1", "true", "on")

    archive.read(main, start)
    parts: dict[str, str] = {}  # by relation
    kinds: dict[str, str] = {}

    def relate(tag: str, found: dict[str, str]) -> None:
        if tag == "Relationship" and found.get("TargetMode", "") != "External":
            part, kind = target(main, found.get("Target", "")[:_MOST_NAME]), found.get("Type", "").rpartition("/")[2]
            if kind == "worksheet" and len(parts) < _MOST_SHEETS:
                parts[found.get("Id", "")[:_MOST_NAME]] = part
            elif kind in ("styles", "sharedStrings"):
                kinds[kind] = part

    archive.read(relations(main), relate)
    for sheet in sheets:
        sheet.part = parts.get(sheet.relation, "")  # a sheet of a chart has none
    held = [sheet for sheet in sheets if sheet.part in archive]
    strings = Strings(archive, kinds.get("sharedStrings", "xl/sharedStrings.xml"), path.parent)
    return _Workbook(path, held, since_1904, styles_of(archive, kinds.get("styles", "xl/styles.xml")), strings)


def _other(archive: Archive) -> Exception:
    """Return the Problem of an archive that is no workbook."""
    names = archive.names()
    for kind, part in _KINDS.items():
        if part in names:
            return invalid(f"The file is a {kind.upper()}. Save it as XLSX or CSV.")
    if "mimetype" in names or "content.xml" in names:
        return invalid("The file is an OpenDocument. Save it as XLSX or CSV.")
    if any(name.startswith("index/") and name.endswith(".iwa") for name in names):
        return invalid("The file is a document of Numbers. Export it as XLSX or CSV.")
    if any(name.startswith("xl/") for name in names):
        return damaged()
    return invalid("The file is a ZIP archive. Unpack it and send the file inside.")


def _records(workbook: _Workbook, sheet: _Sheet) -> Generator[Record]:
    with Archive(workbook.path) as archive:
        yield from _rows(archive, workbook, sheet)


def _rows(archive: Archive, workbook: _Workbook, sheet: _Sheet) -> Generator[Record]:
    reader = SheetReader(workbook.strings, workbook.styles, workbook.since_1904)
    for _ in archive.parse(sheet.part, reader.start, reader.end, reader.text):
        yield from reader.rows
        reader.rows.clear()
