"""XLSX: what is read of a workbook is what two readers of others find in it."""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import python_calamine
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import Problem
from crmkit.files.opening import open_table
from crmkit.files.table import Cell, LeftOut
from crmkit.files.xlsx import archive
from tests.files.made import Folder, dicts, numbers, workbook


def saved(folder: Path, *rows: list[Any], formats: dict[str, str] | None = None) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    for place, code in (formats or {}).items():
        sheet[place].number_format = code
    book.save(folder / "book.xlsx")
    return folder / "book.xlsx"


def test_cells_keep_their_values(tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        ["name", "zip", "phone", "worth", "open", "since", "at", "hour", "odd"],
        [
            "Ada <&>\n two",
            "02130",
            15550100,
            1.5,
            True,
            date(2026, 3, 1),
            datetime(2026, 3, 1, 9, 14),
            time(9, 14),
            "#N/A",
        ],
        [" Zoë 田中😀 ", None, 70000000001, -0.25, False, date(1900, 1, 1), datetime(2026, 3, 1), time(0, 0), ""],
    )
    assert dicts(open_table(path)) == [
        {
            "name": "Ada <&>\n two",
            "zip": "02130",
            "phone": 15550100,
            "worth": 1.5,
            "open": True,
            "since": "2026-03-01",
            "at": "2026-03-01T09:14:00",
            "hour": "09:14:00",
            "odd": "#N/A",
        },
        {
            "name": " Zoë 田中😀 ",
            "zip": None,
            "phone": 70000000001,
            "worth": -0.25,
            "open": False,
            "since": "1900-01-01",
            "at": "2026-03-01T00:00:00",
            "hour": "00:00:00",
            "odd": None,
        },
    ]


@pytest.mark.parametrize(
    ("code", "number", "read"),
    [
        ("0.00", 46082.5, 46082.5),
        ("General", 46082, 46082),
        ("dd.mm.yyyy", 46082, "2026-03-01"),
        ('[$-409]d" of "mmmm\\ yyyy;@', 46082, "2026-03-01"),
        ("mmm yy", 46082, "2026-03-01"),
        ("d/m/yy", 46082.25, "2026-03-01T06:00:00"),
        ("[Red]0.00", 12.5, 12.5),
        ('"days" 0', 12, 12),
        ("[h]:mm:ss", 1.5, "36:00:00"),
        ("mm:ss", 0.5, "12:00:00"),
        ("h:mm AM/PM", 46082.5, "2026-03-01T12:00:00"),
        ("yyyy-mm-dd", -3, -3),
        ("yyyy-mm-dd", 3_000_000, 3_000_000),
        ("0.00E+00", 12500, 12500),
        ("#,##0.00 [$€-407]", 12.5, 12.5),
        ("00000", 2130, "02130"),
        ("[<=99999]00000;00000", 123456, "123456"),
        ("00000", 2.5, 2.5),
        ("0", 7, 7),
    ],
)
def test_a_number_format_decides_what_is_a_date_and_what_has_zeros_before_it(
    tmp_path: Path, code: str, number: float, read: Cell
) -> None:
    assert dicts(open_table(saved(tmp_path, ["a"], [number], formats={"A2": code}))) == [{"a": read}]


def test_years_may_begin_in_1904(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append(["a"])
    book.active.append([date(2026, 3, 1)])
    book.save(tmp_path / "book.xlsx")
    assert dicts(open_table(tmp_path / "book.xlsx")) == [{"a": "2026-03-01"}]


def test_a_row_has_the_number_that_the_spreadsheet_shows(tmp_path: Path) -> None:
    table = open_table(saved(tmp_path, ["Report"], [], ["a", "b", "c", "d"], [1, 2, 3, 4], [], [None, 5]))
    assert numbers(table) == [4, 6]
    assert table.left_out == (LeftOut(1, "Report"),)
    assert dicts(table)[1] == {"a": None, "b": 5, "c": None, "d": None}


def test_other_sheets_are_told_and_hidden_ones_come_last(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Hidden"
    book.active.append(["x"])
    book.create_sheet("Empty")
    book.create_sheet("People").append(["name"])
    book.create_sheet("More").append(["y"])
    book["Hidden"].sheet_state = "hidden"
    book.active = 2
    book.save(tmp_path / "book.xlsx")
    table = open_table(tmp_path / "book.xlsx")
    assert table.titles == ("name",)
    assert table.left_out == (LeftOut(0, "sheet 'More'"), LeftOut(0, "sheet 'Hidden'"))


def test_a_formula_has_its_cached_value(folder: Folder) -> None:
    content = workbook(
        folder.path / "made.xlsx",
        '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'
        '<row r="2"><c r="A2"><f>1+1</f><v>2</v></c><c r="B2" t="str"><f>"x"</f><v>x</v></c></row>'
        '<row r="3"><c r="A3" t="str"><f>""</f><v></v></c><c r="B3" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>',
    )
    assert folder.rows(content) == [{"a": 2, "b": "x"}, {"a": None, "b": "#DIV/0!"}]


def test_a_formula_without_a_value_is_told(tmp_path: Path, folder: Folder) -> None:
    path = saved(tmp_path, ["a", "b"], [1, "=1+1"])
    assert "Row 2, column 2 is a formula without a value" in folder.refusal(path.read_bytes())


def test_texts_of_many_runs_are_one_and_how_they_are_spoken_is_left_out(folder: Folder) -> None:
    content = workbook(
        folder.path / "made.xlsx",
        '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row><row><c t="s"><v>2</v></c>'
        '<c t="inlineStr"><is><r><t>a</t></r><r><t xml:space="preserve"> b</t></r></is></c></row>',
        **{
            "xl/sharedStrings.xml": '<x:sst xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            "<x:si><x:r><x:t>na</x:t></x:r><x:r><x:t>me</x:t></x:r></x:si><x:si><x:t>b</x:t></x:si>"
            "<x:si><x:t>田中_x000D_</x:t><x:rPh><x:t>タナカ</x:t></x:rPh></x:si></x:sst>"
        },
    )
    assert folder.rows(content) == [{"name": "田中\r", "b": "a b"}]


cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**14), 10**14),
    st.floats(-1e14, 1e14).map(lambda number: float(f"{number:.10g}")),
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), min_size=1
    )
    .filter(lambda text: not text.startswith("=") and "_x" not in text and text.strip() == text)
    .filter(lambda text: text not in openpyxl.cell.cell.ERROR_CODES),
    st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=0)),
    st.dates(date(1950, 1, 1), date(2100, 1, 1)),
)


def as_ours(value: Any) -> Cell:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


@given(rows=st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=6))
def test_two_readers_of_others_find_the_same(tmp_path_factory: pytest.TempPathFactory, rows: list[list[Any]]) -> None:
    path = saved(tmp_path_factory.mktemp("xlsx"), ["first", "second", "third"], *rows)
    table = open_table(path)
    ours = {row.number: row.cells for row in table.rows()}
    for number, row in enumerate(rows, start=2):
        assert ours.get(number, (None,) * 3) == tuple(map(as_ours, row))
    theirs = openpyxl.load_workbook(path, read_only=True, data_only=True).active
    for number, row in enumerate(theirs.iter_rows(min_row=2, values_only=True), start=2):
        found = [
            at.date() if isinstance(at, datetime) and isinstance(was, date) and not isinstance(was, datetime) else at
            for at, was in zip(row, rows[number - 2], strict=False)
        ]
        assert list(ours.get(number, (None,) * 3))[: len(found)] == [as_ours(value) for value in found]
    sheet = python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
    for number, row in enumerate(sheet.to_python(skip_empty_area=False)[1:], start=2):
        for cell, value in zip(ours.get(number, (None,) * 3), row, strict=False):
            assert str(cell or "")[:10] == str(as_ours(value) or "")[:10]


def test_a_workbook_of_too_many_parts_is_closed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, ["name"], ["Ada"])
    monkeypatch.setattr(archive, "_MOST_PARTS", 2)
    with pytest.raises(Problem, match="more than 2 parts") as raised:
        archive.Archive(path)
    frame = raised.traceback[-1].frame
    assert frame.f_locals["self"]._file.closed
