"""XLSX: readers of others find every record in it, as texts, numbers and flags."""

import io
from contextlib import closing
from itertools import zip_longest
from typing import Any

import msgspec
import openpyxl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape
from python_calamine import CalamineWorkbook

from crmkit.errors import Problem
from crmkit.model.cells import custom_value, unmarked
from crmkit.model.record import Kind, Record
from crmkit.render import parse
from crmkit.render.files.registry import writer
from crmkit.render.files.writer import Options
from tests.kinds import ACTIVITY, CONTACT, KINDS
from tests.render.drawn import records_of
from tests.render.files.reading import rows_of, value, written
from tests.render.lines import contact, examples


def by_openpyxl(content: bytes) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=True).active
    return [
        [unescape(cell) if isinstance(cell, str) else cell for cell in row] for row in sheet.iter_rows(values_only=True)
    ]


def by_calamine(content: bytes) -> list[list[Any]]:
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    return [[None if cell == "" else cell for cell in row] for row in rows]


def record(kind: Kind, titles: list[str], cells: list[Any]) -> dict[str, Any]:
    """Return the JSON of the record in a row, whose numbers some readers have with a fraction."""
    found: dict[str, Any] = dict.fromkeys(kind.names)
    for title, cell in zip_longest(titles, cells):  # some leave out the last cells of a row, if they are empty
        path, content = parse.split(f"x  {title}=1")[1][0][0], unmarked(cell) if isinstance(cell, str) else cell
        if cell is None:
            continue
        field = kind.by_name.get(path[0])
        if len(path) > 1:
            held = custom_value(content) if isinstance(content, str) else content
            found[path[0]] = {**(found[path[0]] or {}), path[1]: held}
        elif isinstance(content, str) and field is not None:
            found[title] = value(field.type, content)
        else:
            found[title] = content
    return dict(sorted(found.items()))


def shown(one: Record) -> dict[str, Any]:
    return dict(sorted(msgspec.to_builtins(one).items()))


@pytest.mark.parametrize("kind", [*KINDS, ACTIVITY], ids=lambda kind: kind.name)
@pytest.mark.parametrize("read", [by_openpyxl, by_calamine])
def test_the_records_of_any_kind_are_found_by_readers_of_others(kind: Kind, read: Any) -> None:
    @settings(examples(10), phases=[Phase.generate])
    @given(st.lists(records_of(kind), min_size=1, max_size=3))
    def holds(found: list[Record]) -> None:
        titles, *rows = read(written("xlsx", kind, rows_of(found, kind.names[1:])))
        for one, row in zip(found, rows, strict=True):
            assert record(kind, titles, row) == shown(one)

    holds()


def test_no_text_is_a_formula_and_what_xml_cannot_hold_is_escaped() -> None:
    hostile = "a\r\nb\x01 _x0041_ <r>x</r> & ]]> \U0001f600\u2028"
    found = contact(name="=1+1", phone="'=2", notes=hostile, custom={"k": "\t x\n", "<r>": "<r>x</r>", "_x0041_": 1})
    names = ("name", "phone", "notes", "custom")
    content = written("xlsx", CONTACT, rows_of([found], names), names)
    for read in (by_openpyxl, by_calamine):
        titles, row = read(content)
        assert titles[2:] == ["name", "phone", "notes", "custom.k", 'custom."<r>"', "custom._x0041_"]
        assert row[2:] == ["=1+1", "''=2", hostile, "\t x\n", "<r>x</r>", 1]
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "inlineStr", "n"}


def test_values_have_their_types_and_a_number_that_a_spreadsheet_would_round_is_a_text() -> None:
    held = {"n": 42, "f": 1.1, "b": True, "t": "42", "big": 2**60, "list": [1]}
    found = contact(custom=held, rating=47.376886999999996, name_composed=False)
    names = ("rating", "name_composed", "custom")
    _, row = by_openpyxl(written("xlsx", CONTACT, rows_of([found], names), names))
    assert row[2:] == [47.376886999999996, False, 42, 1.1, True, '"42"', "1152921504606846976", "[1]"]
    assert [type(cell) for cell in row[3:6]] == [bool, int, float]


def test_titles_are_bold_and_stay_in_view() -> None:
    book = openpyxl.load_workbook(io.BytesIO(written("xlsx", CONTACT, rows_of([contact()], ["name"]), ["name"])))
    assert book.sheetnames == ["contacts"]
    assert (book.active["A1"].font.bold, book.active["A2"].font.bold) == (True, False)
    assert book.active.freeze_panes == "A2"


def test_many_columns_have_the_letters_of_spreadsheets() -> None:
    keys = tuple((f"k{at}",) for at in range(800))
    found = contact(custom={f"k{at}": at for at in range(800)})
    content = written("xlsx", CONTACT, rows_of([found], ["custom"]), ["custom"], keys=keys)
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert (sheet["Z1"].value, sheet["AA1"].value, sheet["ADT1"].value) == ("custom.k23", "custom.k24", "custom.k797")
    assert sheet["ADT2"].value == 797


def test_what_xlsx_cannot_hold_is_refused_and_csv_is_named() -> None:
    long = contact(notes="\U0001f600" * 16_384)
    wide = tuple((f"k{at}",) for at in range(16_385))
    with pytest.raises(Problem) as too_long:
        written("xlsx", CONTACT, rows_of([long], ["notes"]), ["notes"])
    with pytest.raises(Problem) as too_wide:
        written("xlsx", CONTACT, [], ["custom"], keys=wide)
    for told, what in ((too_long, "characters"), (too_wide, "columns")):
        assert (told.value.code, told.value.status) == ("invalid_value", 400)
        assert "format=csv" in told.value.hint
        assert what in told.value.fields["format"]
    assert written("xlsx", CONTACT, rows_of([contact(notes="\U0001f600" * 16_383)], ["notes"]), ["notes"])


@pytest.mark.slow
def test_a_sheet_holds_as_many_rows_as_a_spreadsheet_opens() -> None:
    batch = [["c_k7m2q9xa", None]] * 1_000
    with closing(writer("xlsx", CONTACT, Options(("name",)))) as file:
        file.start()
        for _ in range(1_048):
            file.rows(batch)
        file.rows(batch[:575])
        with pytest.raises(Problem, match="invalid_value"):
            file.rows(batch[:1])
