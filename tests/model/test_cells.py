"""The mark before a cell that a spreadsheet would run, and values of custom in cells."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.model.cells import custom_value, marked, unmarked

NOT_RUN = [
    *("", "'", "''", "Jane", "-", "+", "+49 30 1234-5", "-5", "-1,234.50", "+1 (555) 010/0", "1+1", "a=b", "'Jane"),
    *("'+49 30", " =1", "＋49 (30) 123", "\u2212 5", "'-"),
]
RUN = [
    *("=1+1", "=", "@x", "@", "\tx", "\rx", "\nx", "\t", "＝1", "＠x", "-1+2", "+a", "-5e3", "+49 x12", "＋a", "－2+1"),
    *("-=1", "+\u00a01", "-٣", "--1+", "+1\n", "-1\n=2"),
]


@pytest.mark.parametrize("text", NOT_RUN)
def test_a_text_that_no_spreadsheet_runs_stays_as_it_is(text: str) -> None:
    assert marked(text) == text


@pytest.mark.parametrize("text", RUN)
def test_a_text_that_one_would_run_has_one_mark_more(text: str) -> None:
    for already in ("", "'", "''"):
        assert marked(already + text) == f"'{already}{text}"
        assert unmarked(f"'{already}{text}") == already + text


@pytest.mark.parametrize("cell", NOT_RUN)
def test_only_the_mark_is_taken_off(cell: str) -> None:
    assert unmarked(cell) == cell


texts = st.one_of(st.text(), st.text("'=+-@ 0a\t\n\r＝＠＋－(.", max_size=6))


@given(texts)
def test_every_text_comes_back_and_none_is_run(text: str) -> None:
    cell = marked(text)
    assert unmarked(cell) == text
    assert cell[:1] not in tuple("=@\t\r\n＝＠")
    assert cell[:1] not in tuple("+-＋－") or re.fullmatch(r"[0-9 ().,/-]*", cell[1:])


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        *[("", None), ("emea", "emea"), ('"42"', "42"), ("42", 42), ("4.0", 4.0), ("true", True), ("True", "True")],
        *[("007", "007"), ("[1,2]", [1, 2]), ('{"a":"b"}', {"a": "b"}), ("[draft]", "[draft]"), ('"a" b', '"a" b')],
        *[(" 1", " 1"), ('""', ""), ("NaN", "NaN"), ("1e5", 1e5), ("null", None)],
    ],
)
def test_a_cell_of_custom_is_json_where_it_reads_as_that_and_else_a_text(cell: str, value: Any) -> None:
    found = custom_value(cell)
    assert (found, type(found)) == (value, type(value))
