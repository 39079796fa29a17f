"""CSV as programs write it: delimiters, quotes, line ends, what stands around the table."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.files.table import LeftOut
from tests.files.made import Folder, dicts, numbers

ADA = {"name": "Ada", "email": "ada@x.example", "note": "one, two; three"}
BEN = {"name": "Ben", "email": "", "note": 'said "hi"\nand left'}


def written(delimiter: str = ",", end: str = "\n", **how: object) -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, **how)  # type: ignore[arg-type]
    writer.writerows([list(ADA), list(ADA.values()), list(BEN.values())])
    return file.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_delimiter_and_line_ends_are_found(folder: Folder, delimiter: str, end: str, quoting: int) -> None:
    assert folder.rows(written(delimiter, end, quoting=quoting)) == [ADA, BEN]


def test_a_backslash_before_a_quote_is_found(folder: Folder) -> None:
    text = 'name,note,city\n"Ada","said \\"hi, all\\"",Rome\n"Ben","C:\\\\dir, \\"x\\"",Oslo\n'
    assert [row["note"] for row in folder.rows(text)] == ['said "hi, all"', 'C:\\dir, "x"']


def test_a_backslash_stays_where_quotes_are_doubled(folder: Folder) -> None:
    assert folder.rows('name,path\nAda,C:\\dir\n"Ben","say ""hi"" \\o/"\n')[1] == {
        "name": "Ben",
        "path": 'say "hi" \\o/',
    }


def test_single_quotes_are_found_and_an_apostrophe_is_none(folder: Folder) -> None:
    assert folder.rows("'name','note'\n'Ada','a, b'\n'Ben','it''s'\n")[1] == {"name": "Ben", "note": "it's"}
    assert folder.rows("name,note\nO'Dowd,it's\n'Ada',x\nBen,'\n")[1] == {"name": "'Ada'", "note": "x"}


def test_blanks_between_delimiter_and_quote_are_left_out(folder: Folder) -> None:
    assert folder.rows('"name", "note"\n"Ada", "a, b"\n"Ben", "c"\n') == [
        {"name": "Ada", "note": "a, b"},
        {"name": "Ben", "note": "c"},
    ]


def test_a_line_that_names_the_delimiter_counts_and_is_no_row(folder: Folder) -> None:
    table = folder.table("sep=;\r\nname;price\r\nAda;1,5\r\nBen;2,5\r\n")
    assert table.titles == ("name", "price")
    assert numbers(table) == [3, 4]


def test_rows_are_numbered_as_a_spreadsheet_does(folder: Folder) -> None:
    table = folder.table('name,note\n"Ada","two\nlines"\n\nBen,x\n,\nCher,y\n')
    assert numbers(table) == [2, 4, 6]


def test_lines_above_the_header_count_and_are_told(folder: Folder) -> None:
    table = folder.table('Notes:\n"Some, addresses"\n\nFirst,Last,URL,Mail\nAda,B,u,m\n')
    assert table.titles == ("First", "Last", "URL", "Mail")
    assert numbers(table) == [5]
    assert table.left_out == (LeftOut(1, "Notes:"), LeftOut(2, "Some, addresses"))


def test_lines_above_that_were_padded_are_told_too(folder: Folder) -> None:
    table = folder.table("Report of people,,,\nExported,2026-11-01,,\n,,,\na,b,c,d\n1,2,3,4\n")
    assert (table.titles, numbers(table)) == (("a", "b", "c", "d"), [5])


def test_a_footer_is_told_and_is_no_row(folder: Folder) -> None:
    table = folder.table('"a","b"\n"1","2"\n"3","4"\n\n\n"My report"\n"Copyright (c) 2026"\n')
    assert len(dicts(table)) == 2
    assert table.left_out == (LeftOut(6, "My report"), LeftOut(7, "Copyright (c) 2026"))


def test_a_row_of_one_cell_below_a_blank_line_is_a_row(folder: Folder) -> None:
    assert len(folder.rows("name,email\nAda,a@x\n\nBen,\n\nCher\nDan,d@x\n")) == 4
    assert len(folder.rows("name,email\nAda,a@x\n\nBen,\n")) == 2
    assert len(folder.rows("name\nAda\n\nBen\n")) == 2
    assert len(folder.rows("name,email\n\nAda\nBen\n")) == 2


def test_titles_are_made_distinct(folder: Folder) -> None:
    table = folder.table("mail,,mail,mail 2,mail,\na,b,c,d,e,f\n")
    assert table.titles == ("mail", "column 2", "mail 3", "mail 2", "mail 4", "column 6")
    assert folder.table("email,phone,email\n1,2,3\n").titles == ("email", "phone", "email 2")
    assert folder.table('\u200bemail\u200b,"First\n Name ",\u200b\n1,2,3\n').titles == (
        "email",
        "First Name",
        "column 3",
    )


def test_cells_beyond_the_header_have_a_column(folder: Folder) -> None:
    assert folder.rows("a,b\n1,2,3\n4\n") == [
        {"a": "1", "b": "2", "column 3": "3"},
        {"a": "4", "b": "", "column 3": ""},
    ]
    assert folder.table("a,b,,\n1,2,,\n").titles == ("a", "b")


def test_a_header_alone_is_a_table_without_rows(folder: Folder) -> None:
    for text in ("name,email\r\n", "name,email", "name", "sep=,\nname,email\n"):
        table = folder.table(text)
        assert (table.count, list(table.rows())) == (0, [])
        assert table.titles[0] == "name"


def test_one_column_is_a_table(folder: Folder) -> None:
    assert folder.rows("email\na@x.example\nb@x.example\n") == [{"email": "a@x.example"}, {"email": "b@x.example"}]


def test_a_file_that_lost_its_line_ends_is_told_how_to_send_it(folder: Folder) -> None:
    for text in ("name,emailAda,ada@x.example", "name,phoneAda,+1 5550100", 'name,note"Ada","say ""hi"""'):
        assert "--data-binary @FILE" in folder.refusal(text)
    assert "--data-binary @FILE" in folder.refusal("a,bc,d", content_type="application/x-www-form-urlencoded")
    assert "--data-binary @FILE" in folder.refusal("name," + "x" * 3_000_000)
    assert "--data-binary @FILE" in folder.refusal("BEGIN:VCARDVERSION:3.0FN:AdaEND:VCARD")


cells = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"])
    | st.sampled_from("\",';\t|\r\n ="),
    max_size=12,
)


@given(
    rows=st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=8),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_what_python_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str, end: str, encoding: str
) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([["first", "second", "third"], *rows])
    table = Folder(tmp_path_factory.mktemp("csv")).table(file.getvalue().encode(encoding))
    assert table.titles == ("first", "second", "third")
    kept = [tuple(row) for row in rows if "".join(row).strip()]
    assert [row.cells for row in table.rows()] == kept


def test_a_backslash_before_a_doubled_quote_escapes_nothing_in_a_table_that_is_one_without_that(folder: Folder) -> None:
    record = {"id": "x,y", 'custom."\\""': '{"a":"\\"b\\""}', "a": "", "b": "c"}
    text = io.StringIO()
    csv.writer(text).writerows([list(record), list(record.values())])
    assert folder.rows(text.getvalue()) == [record]
