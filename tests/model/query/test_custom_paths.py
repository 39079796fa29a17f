"""Paths into `custom`: how a filter and a sort name a key, whatever the key has in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.model.query.filters import CustomKey
from crmkit.render import text as rendered
from tests.kinds import AUDIT
from tests.model.query.queries import condition, query, told
from tests.render.drawn import keys


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("custom.region", ("region",)),
        ("custom.address.city", ("address", "city")),
        ('custom."full name"', ("full name",)),
        ("custom.full name", ("full name",)),
        ('custom."a.b".c', ("a.b", "c")),
        ('custom.a."b c"."d.e"', ("a", "b c", "d.e")),
        ('custom."a\\"b"', ('a"b',)),
        ('custom."a\\\\"', ("a\\",)),
        ('custom."a\\nb"', ("a\nb",)),
        ('custom."\\ud83d\\ude00"', ("😀",)),
        ('custom.a."".b', ("a", "", "b")),
        ("custom.größe", ("größe",)),
        ("custom.custom", ("custom",)),
        ("custom.5", ("5",)),
        ("custom.[0]", ("[0]",)),
        ('custom.a"b', ('a"b',)),
    ],
)
def test_a_path_in_custom_has_dots_between_keys_and_odd_keys_as_json(name: str, path: tuple[str, ...]) -> None:
    assert condition(name, "x").target == CustomKey(path)
    (sort,) = query(("sort", f"-{name}")).sorts
    assert (sort.target, sort.descending) == (CustomKey(path), True)


@given(st.lists(keys.filter(lambda key: "\x00" not in key), min_size=1, max_size=4))
def test_the_path_a_line_shows_is_the_filter_and_the_sort_that_finds_it(path: list[str]) -> None:
    shown = ".".join(["custom", *(rendered.key(key) for key in path)])
    assert condition(shown, "x").target == CustomKey(tuple(path))
    found = query(("sort", f"{shown},-{shown},name")).sorts
    assert [(sort.target.name, sort.descending) for sort in found] == [
        (CustomKey(tuple(path)).name, False),
        ("name", False),
    ]
    assert condition(CustomKey(tuple(path)).name, "x").target == CustomKey(tuple(path))


@given(*[st.lists(keys, min_size=1, max_size=3)] * 2)
def test_different_paths_in_custom_have_different_names(one: list[str], other: list[str]) -> None:
    same = CustomKey(tuple(one)).name == CustomKey(tuple(other)).name
    assert same == (one == other)


def test_sorting_by_a_dotted_key_and_by_a_nested_one_are_two_keys() -> None:
    assert len(query(("sort", 'custom.a.b,custom."a.b"')).sorts) == 2


@pytest.mark.parametrize(
    "name",
    [
        "custom.",
        "custom..",
        "custom.a.",
        "custom..a",
        'custom."a',
        'custom."a"b',
        'custom."a""b"',
        'custom."a"."',
        'custom."\\x41"',
        'custom."\n"',
        'custom."\\ud800"',
        'custom.a."\\udfff"',
        'custom."\\"',
    ],
)
def test_a_malformed_path_in_custom_is_no_filter_and_no_sort_key(name: str) -> None:
    assert told((name, "x")).code == "invalid_filter"
    assert told(("sort", name)).code == "invalid_sort"


def test_custom_as_a_whole_is_only_empty_or_not() -> None:
    assert told(("custom", "x")).code == "invalid_operator"
    assert told(("sort", "custom")).code == "invalid_sort"
    assert told(("custom.a", "x"), kind=AUDIT).code == "invalid_filter"
