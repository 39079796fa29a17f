"""CSV: every record comes back, nothing in it is run by a spreadsheet."""

import csv
import io
import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.model.record import Kind, Record
from crmkit.render.files.columns import keys_of
from tests.kinds import ACTIVITY, CONTACT, KINDS
from tests.render.drawn import exactly, records_of
from tests.render.files.reading import record, rows_of, table, written
from tests.render.lines import contact, every_kind, examples


def of(fields: str, **values: Any) -> str:
    """Return the last line of the CSV of one contact, without handle and id."""
    names = fields.split(",")
    content = written("csv", CONTACT, rows_of([contact(**values)], names), names).decode()
    return content.partition("contact/c_k7m2q9xa,c_k7m2q9xa,")[2]


@pytest.mark.parametrize("kind", [*KINDS, ACTIVITY], ids=lambda kind: kind.name)
def test_the_records_of_any_kind_come_back_equal(kind: Kind) -> None:
    @examples(25)
    @given(st.lists(records_of(kind), max_size=3))
    def holds(found: list[Record]) -> None:
        read = table(written("csv", kind, rows_of(found, kind.names[1:])))
        assert [exactly(record(kind, row)) for row in read] == [exactly(msgspec.to_builtins(each)) for each in found]

    holds()


@every_kind
def test_no_cell_of_any_record_is_run_by_a_spreadsheet(kind: Kind) -> None:
    @examples(25)
    @given(records_of(kind))
    def holds(found: Record) -> None:
        content = written("csv", kind, rows_of([found], kind.names[1:])).decode()
        for cell in (cell for row in csv.reader(io.StringIO(content, newline="")) for cell in row):
            assert not re.match(r"[=@\t\r\n＝＠]", cell)
            assert not re.match(r"[+\-＋－]", cell) or re.fullmatch(r"[0-9 ().,/-]*", cell[1:])

    holds()


@pytest.mark.slow
def test_every_character_of_unicode_comes_back_from_every_place() -> None:
    points = [*range(1, 0xD800), *range(0xE000, 0x34000), *range(0xE0000, 0xE1000), 0xF0000, 0x10FFFF]
    for start in range(0, len(points), 2_000):
        block = "".join(map(chr, points[start : start + 2_000]))
        held = {"notes": f"a{block}b", "custom": {f"k{block[:50]}": block, "list": list(block)}}
        found = contact(**held, tags=[f"a{each}" for each in block if not each.isspace() and each != ","])
        (row,) = table(written("csv", CONTACT, rows_of([found], CONTACT.names[1:])))
        assert exactly(record(CONTACT, row)) == exactly(msgspec.to_builtins(found))


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        *[("emea", "emea"), ("42", '"""42"""'), (42, "42"), (4.0, "4.0"), (True, "true"), ("true", '"""true"""')],
        *[
            ([1, "a"], '"[1,""a""]"'),
            ({"b": {}}, '"{""b"":{}}"'),
            ("", '""""""'),
            ("a,b", '"a,b"'),
            ("a\r\nb", '"a\r\nb"'),
        ],
        *[
            ("=1", "'=1"),
            ("\t=1", "'\t=1"),
            ("'=1", "''=1"),
            ("[x", '"""[x"""'),
            ("-1e5", '"""-1e5"""'),
            (-1e-7, "'-1e-07"),
        ],
        *[("+49 30 12", "+49 30 12"), ("N/A", "N/A"), (" x ", " x "), ("007", '"""007"""')],
    ],
)
def test_a_value_of_custom_has_this_cell(value: Any, cell: str) -> None:
    assert of("custom", custom={"k": value}) == f"{cell}\r\n"


def test_a_file_begins_with_its_titles_and_ends_each_line_with_cr_and_lf() -> None:
    held = {"custom": {"region": "emea", "full name": "J"}, "tags": ["vip", "b"], "rating": 4.0, "name_composed": True}
    found = contact(name='Jane "J" Doe', phone="+49 30 1", **held)
    names = ("name", "phone", "tags", "rating", "custom", "name_composed")
    assert written("csv", CONTACT, rows_of([found], names), names).decode() == (
        'handle,id,name,phone,tags,rating,custom.region,"custom.""full name""",name_composed\r\n'
        'contact/c_k7m2q9xa,c_k7m2q9xa,"Jane ""J"" Doe",+49 30 1,"vip,b",4,emea,J,true\r\n'
    )


def test_without_records_it_has_the_titles_alone() -> None:
    assert written("csv", CONTACT, [], ("name",)) == b"handle,id,name\r\n"


def test_a_byte_order_mark_stands_first_where_it_is_asked_for() -> None:
    assert written("csv", CONTACT, [], ("name",), bom=True) == b"\xef\xbb\xbfhandle,id,name\r\n"


def test_raw_has_no_marks() -> None:
    names, found = ("name", "custom"), contact(name="=1", custom={"a": "'=2"})
    content = written("csv", CONTACT, rows_of([found], names), names, raw=True)
    assert content.splitlines()[1].decode() == "contact/c_k7m2q9xa,c_k7m2q9xa,=1,'=2"


def test_a_chosen_key_within_another_has_a_column_of_its_own() -> None:
    rows = rows_of([contact(custom={"a": {"b": 1, "c": 2}, "d": 3}), contact(custom={"a": 5}), contact()], ["custom"])
    content = written("csv", CONTACT, rows, ["custom"], keys=(("a", "b"), ("d",)))
    assert [(row["custom.a.b"], row["custom.d"]) for row in table(content)] == [("1", "3"), ("", ""), ("", "")]


def test_the_keys_of_rows_are_those_that_any_has_in_the_order_in_which_they_come() -> None:
    rows = rows_of([contact(custom={"b": 1}), contact(), contact(custom={"a": 1, "b": 2})], ["custom"])
    assert keys_of(CONTACT, ["custom"], rows) == (("b",), ("a",))
    assert keys_of(CONTACT, ["name"], rows_of([contact()], ["name"])) == ()


@every_kind
def test_json_and_json_lines_have_what_pages_have(kind: Kind) -> None:
    @examples(15)
    @given(st.lists(records_of(kind), max_size=3))
    def holds(found: list[Record]) -> None:
        rows, names = rows_of(found, kind.members[1:]), kind.members[1:]
        wanted = [json.loads(msgspec.json.encode(each)) for each in found]
        whole = json.loads(written("json", kind, rows, names, keys=()))
        assert exactly(whole) == exactly({"items": wanted})
        lines = written("jsonl", kind, rows, names, keys=()).splitlines()
        assert exactly([json.loads(line) for line in lines]) == exactly(wanted)

    holds()
