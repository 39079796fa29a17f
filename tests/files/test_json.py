"""JSON and JSON lines, read piece by piece."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.files.made import Folder, dicts, numbers

ITEMS = [{"name": "Ada", "tags": ["a", "b"]}, {"name": "Ben", "custom": {"k": 1.5}, "open": True}]
READ = [
    {"name": "Ada", "tags": ["a", "b"], "custom": None, "open": None},
    {"name": "Ben", "tags": None, "custom": {"k": 1.5}, "open": True},
]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (json.dumps(ITEMS), "json"),
        (json.dumps(ITEMS, indent=2), "json"),
        (json.dumps({"items": ITEMS}), "json"),
        (json.dumps({"total": 2, "next": None, "items": ITEMS, "more": {"x": [1]}}), "json"),
        (json.dumps({"paging": "x", "results": ITEMS}), "json"),
        ("\n".join(map(json.dumps, ITEMS)), "jsonl"),
        ("\r\n\r\n".join(map(json.dumps, ITEMS)) + "\r\n", "jsonl"),
        ("".join(map(json.dumps, ITEMS)), "jsonl"),
        (",\n".join(map(json.dumps, ITEMS)), "jsonl"),
        ("\ufeff" + json.dumps(ITEMS), "json"),
        ("".join(json.dumps({"items": [item]}) for item in ITEMS), "json"),
    ],
)
def test_all_forms_of_a_list_are_read(folder: Folder, text: str, form: str) -> None:
    table = folder.table(text)
    assert (table.format, numbers(table)) == (form, [1, 2])
    assert dicts(table) == READ
    assert dicts(folder.table(text.removeprefix("\ufeff").encode("utf-16"))) == READ


def test_an_empty_list_is_a_table_without_rows(folder: Folder) -> None:
    for text in ("[]", " [ ]\n", '{"items":[]}', "[{}]"):
        assert folder.table(text).titles == ()


def test_one_object_is_one_row(folder: Folder) -> None:
    assert folder.rows('{"name":"Ada","items":3}') == [{"name": "Ada", "items": 3}]
    assert folder.rows('{"name":"Ada","items":[1]}') == [{"name": "Ada", "items": [1]}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[{"a":1},]', "Item 2 is no JSON"),
        ('[{"a":1}', "item 1 a comma or ]"),
        ('[{"a":1} {"a":2}]', "item 1 a comma or ]"),
        ('[{"a":1}] x', "Item 2"),
        ('{"items":[{"a":1}]', "comma or }"),
        ('{"a":1', "Item 1 is no JSON"),
        ('{"a":1}\n{"a":', "Item 2 is no JSON"),
        ("[1,2]", "Item 1 is no JSON object"),
        ('["a"]', "Item 1 is no JSON object"),
        ('[[{"a":1}]]', "Item 1 is no JSON object"),
        ('{"a":1,"a":2}', '"a" twice'),
        ("[{" + ",".join(f'"{n}":1' for n in range(80_000)) + ',"5":1}]', '"5" twice'),
        ('[{"a":{"b":1,"b":2}}]', '"b" twice'),
        ('[{"a":NaN}]', "NaN"),
        ('[{"a":-Infinity}]', "Infinity"),
        ('[{"a":1e999}]', "too large"),
        ('[{"a":' + "1" * 5000 + "}]", "too many digits"),
        ('[{"a":"\\ud800"}]', "surrogate pair"),
        ('[{"\\udc00":1}]', "surrogate pair"),
        ('[{"a":["\\u0000"]}]', "NUL"),
        ('[{"a\\u0000":1}]', "NUL"),
        ("[" * 100_000, "nested too deeply"),
        ('[{"a":' + "[" * 900 + '"\\u0000"' + "]" * 900 + "}]", "deeper than 32 levels"),
        ('[{"a":' + "[" * 33 + "]" * 33 + "}]", "deeper than 32 levels"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('[{"a":"' + "x" * 1_100_000 + '"}]', "longer than"),
        ('[{"a":"' + "x" * 5_000_000, "longer than"),
        ("[" + " " * 100 + '{"a":1},{' + '"b" 2}' + "x" * 500_000, "Item 2 is no JSON"),
        ("[" + json.dumps({f"k{number}": 1 for number in range(3000)}) + "]", "columns"),
    ],
)
def test_what_is_no_list_of_objects_is_refused(folder: Folder, text: str, told: str) -> None:
    assert told in folder.refusal(text)


def test_a_pair_of_surrogates_is_text(folder: Folder) -> None:
    assert folder.rows('[{"a":"\\ud83d\\ude00"}]') == [{"a": "😀"}]


some_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | some_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(some_text, inner, max_size=3),
    max_leaves=6,
)


@given(
    items=st.lists(st.dictionaries(some_text, values, max_size=4), max_size=6),
    ascii=st.booleans(),
    pad=st.integers(0, 70_000),
)
def test_what_python_writes_is_read_back_wherever_a_piece_ends(
    tmp_path_factory: pytest.TempPathFactory, items: list[dict[str, Any]], ascii: bool, pad: int
) -> None:
    folder = Folder(tmp_path_factory.mktemp("json"))
    text = "[" + " " * pad + json.dumps(items, ensure_ascii=ascii)[1:]
    table = folder.table(text.encode())
    rows = list(table.rows())
    assert len(rows) == len(items)
    for row, item in zip(rows, items, strict=True):
        read = dict(zip(table.titles, row.cells, strict=True))
        assert {key: read[key] for key in item} == item
        assert all(value is None for key, value in read.items() if key not in item)
        assert not any(isinstance(value, float) and math.isnan(value) for value in row.cells)


@given(
    widths=st.lists(st.integers(0, 3000), min_size=1, max_size=30),
    times=st.integers(1, 40),
    form=st.sampled_from(["[{}]", '{{"items":[{}]}}', "{}"]),
    parted=st.sampled_from(["\n", "\r\n", " , \n"]),
)
def test_every_item_of_a_file_of_any_length_is_read(
    tmp_path_factory: pytest.TempPathFactory, widths: list[int], times: int, form: str, parted: str
) -> None:
    folder = Folder(tmp_path_factory.mktemp("json"))
    items = [{"name": f"P{number}", "text": "x" * width} for number, width in enumerate(widths * times)]
    between = parted if form == "{}" else ","
    table = folder.table(form.format(between.join(map(json.dumps, items))))
    assert dicts(table) == items


@pytest.mark.parametrize("width", [0, 100, 129, 5000, 65_500, 65_536, 70_000])
def test_lines_of_equal_length_are_all_read(folder: Folder, width: int) -> None:
    items = [{"name": f"P{number:05}", "text": "x" * width} for number in range(max(5, 200_000 // (width + 30)))]
    assert folder.rows("\n".join(map(json.dumps, items))) == items


def test_an_item_of_the_greatest_length_is_read_at_the_end_of_a_file(folder: Folder) -> None:
    items = [{"text": "x" * 700_000}, {"text": "y" * 700_000}]
    assert folder.rows("\n".join(map(json.dumps, items))) == items
