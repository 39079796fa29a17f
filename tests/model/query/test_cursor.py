"""A cursor opens for the query that made it and for nothing else."""

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from crmkit.errors import Problem
from crmkit.model.declared import types
from crmkit.model.fields import Identifier, Text
from crmkit.model.query.cursor import seal, unseal
from crmkit.model.query.filters import DeclaredKey, Target
from crmkit.model.query.parse import Query, Sort, parse
from tests.kinds import CONTACT
from tests.render.drawn import exactly, json_values, texts

KEY, BINDING = b"k" * 32, "ws_1/contacts"
CURSOR = seal(KEY, BINDING, ["jane", 5, None, "c_k7m2q9xa"])
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def assert_refused(cursor: str, key: bytes = KEY, binding: str = BINDING) -> None:
    with pytest.raises(Problem) as caught:
        unseal(key, binding, cursor)
    assert caught.value.code == "invalid_cursor"
    assert caught.value.status == 400


@settings(max_examples=150, deadline=None)
@given(st.lists(json_values, max_size=4), texts, st.binary(min_size=1, max_size=64))
def test_a_cursor_gives_back_its_position(position: list[Any], binding: str, key: bytes) -> None:
    cursor = seal(key, binding, position)
    assert exactly(unseal(key, binding, cursor)) == exactly(position)
    assert set(cursor) <= set(ALPHABET)


@given(st.lists(st.integers(0, 2**63), min_size=1, max_size=4))
def test_a_cursor_shows_nothing_of_its_position(position: list[int]) -> None:
    hidden = base64.urlsafe_b64decode(seal(KEY, BINDING, position) + "==")[16:]
    shown = msgspec.json.encode(position)
    assert len(hidden) == len(shown)
    assert hidden != shown
    # another position of the same length lies under another key stream: two cursors give away no difference either
    other = [number ^ 1 for number in position]
    if len(msgspec.json.encode(other)) == len(shown):
        beside = base64.urlsafe_b64decode(seal(KEY, BINDING, other) + "==")[16:]
        assert _xor(hidden, beside) != _xor(shown, msgspec.json.encode(other))


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def test_a_cursor_with_one_character_changed_is_refused() -> None:
    for place, right in enumerate(CURSOR):
        for wrong in (*ALPHABET, "=", "+", "/", " ", "\n", "é", "."):
            if wrong != right:
                assert_refused(CURSOR[:place] + wrong + CURSOR[place + 1 :])


def test_a_cursor_with_one_bit_flipped_is_refused() -> None:
    raw = base64.urlsafe_b64decode(CURSOR + "=" * (-len(CURSOR) % 4))
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        assert_refused(base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode())


def test_a_part_of_a_cursor_is_refused() -> None:
    for end in range(len(CURSOR)):
        assert_refused(CURSOR[:end])
    for start in range(1, len(CURSOR)):
        assert_refused(CURSOR[start:])


@pytest.mark.parametrize("position", [[], ["a"], ["ab"], ["abc"]], ids=repr)
def test_a_cursor_has_one_spelling(position: list[str]) -> None:
    cursor = seal(KEY, BINDING, position)
    assert unseal(KEY, BINDING, cursor) == position
    for other in (
        *(cursor + "=" * many for many in (1, 2, 3)),
        *(cursor + tail for tail in (" ", "\n", "\x00", "A", "-")),
        f" {cursor}",
        cursor[:10] + "\n" + cursor[10:],
        cursor[:10] + "=" + cursor[10:],
        cursor[:10] + "*" + cursor[10:],
    ):
        assert_refused(other)
    for last in ALPHABET:  # the bits of the last character that stand for nothing
        if last != cursor[-1]:
            assert_refused(cursor[:-1] + last)


def test_a_cursor_is_refused_under_another_key_or_binding() -> None:
    assert_refused(CURSOR, key=b"j" * 32)
    for binding in ("", "ws_1/contact", "ws_1/contactss", "ws_2/contacts", "ws_1/contacts\x00"):
        assert_refused(CURSOR, binding=binding)


@pytest.mark.parametrize("cursor", ["", "x", "=", "null", "é", "\ud800", "A" * 22, "A" * 100_000, "[]", "W10"])
def test_a_text_that_is_no_cursor_is_refused(cursor: str) -> None:
    assert_refused(cursor)


@given(st.one_of(st.text(max_size=80), st.text(ALPHABET, max_size=80)))
def test_a_random_text_is_refused_as_a_cursor(cursor: str) -> None:
    assert_refused(cursor)


def bound(*pairs: tuple[str, str], place: str = "ws_1/contacts") -> str:
    return parse(CONTACT, pairs).binding(place)


BASE = (("stage", "lead"), ("name", "like:a"), ("sort", "name,-email"), ("search", "jane"))


@pytest.mark.parametrize(
    "same",
    [
        (*reversed(BASE),),
        (*BASE, ("limit", "7")),
        (*BASE, ("fields", "name")),
        (*BASE, ("count", "exact")),
        (*BASE, ("format", "json")),
        (("stage", "eq:LEAD"), ("name", "like:A"), ("sort", "name,-email"), ("search", "JANE ")),
    ],
)
def test_a_cursor_fits_its_query_in_any_order_page_size_or_spelling(same: tuple[tuple[str, str], ...]) -> None:
    assert bound(*same) == bound(*BASE)


def test_a_cursor_fits_no_other_query_or_path() -> None:
    queries = [
        (),
        BASE,
        BASE[1:],
        (*BASE, ("owner", "is:null")),
        (*BASE, ("stage", "lead")),
        (("stage", "ne:lead"), *BASE[1:]),
        (("stage", "leads"), *BASE[1:]),
        (*BASE[:2], ("sort", "-name,-email"), BASE[3]),
        (*BASE[:2], ("sort", "-email,name"), BASE[3]),
        (*BASE[:3], ("search", "jan")),
        (("tags", "a,b"),),
        (("tags", "in:a,b"),),
        (("tags", "ne:a,b"),),
        (("custom.a.b", "x"),),
        (('custom."a.b"', "x"),),
        (("custom.a", "x"), ("custom.b", "x")),
        (("sort", "custom.a.b"),),
        (("sort", 'custom."a.b"'),),
        (("stage", "is:null"),),
        (("stage", "null"),),
        (("stage", "not:null"),),
    ]
    bindings = [bound(*query, place=place) for query in queries for place in ("ws_1/contacts", "ws_2/contacts")]
    assert len(set(bindings)) == len(bindings)


def test_a_cursor_does_not_outlive_the_column_or_the_index_that_its_sort_compares() -> None:
    columns = [bound_by(replace(CONTACT.by_name["name"], type=type_)) for type_ in (Text(200), Identifier(200))]
    number = types.declared_type("number")
    keys = [
        bound_by(DeclaredKey("custom.size", number, True, frozenset(), "", key="size", form=form, place=place))
        for form, place in (("a", 1), ("b", 1), ("a", 2))
    ]
    assert len({*columns, *keys}) == 5


def bound_by(target: Target) -> str:
    return Query(sorts=(Sort(target, descending=False),)).binding("ws_1/contacts")
