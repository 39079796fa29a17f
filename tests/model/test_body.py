"""A body is one JSON object, or a sentence that says what is wrong with it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.errors import Problem
from crmkit.model.body import MAX_DEPTH, decode, decode_items
from tests.render.drawn import exactly, json_objects


def told(body: bytes) -> str:
    with pytest.raises(Problem) as caught:
        decode(body)
    problem = caught.value
    assert (problem.code, problem.status, problem.fields) == ("invalid_json", 400, {})
    assert problem.hint.startswith('Send one JSON object, like {"name":"Jane Doe"}: ')
    assert problem.hint.splitlines() == [problem.hint]
    return problem.hint


def nested(levels: int, leaf: str = "1") -> bytes:
    """Return an object of so many levels in all, itself the first."""
    return ('{"a":' * levels + leaf + "}" * levels).encode()


@pytest.mark.parametrize("body", [b"", b" ", b"\n\r\t ", b"{}", b" { } "])
def test_an_empty_body_is_an_empty_object(body: bytes) -> None:
    assert decode(body) == {}


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"name":"Jane"}', {"name": "Jane"}),
        (b' {"name" : "Jane"}\r\n', {"name": "Jane"}),
        ('{"name":"Zoë 😀"}'.encode(), {"name": "Zoë 😀"}),
        (rb'{"name":"\ud83d\ude00"}', {"name": "😀"}),
        (rb'{"name":"\u2028"}', {"name": "\u2028"}),
        (b'{"a":[1,-0,2.5,1e3,true,false,null,"",[],{}]}', {"a": [1, 0, 2.5, 1000.0, True, False, None, "", [], {}]}),
        (b'{"a":9223372036854775807,"b":-9223372036854775807}', {"a": 2**63 - 1, "b": -(2**63 - 1)}),
        (b'{"a":{"x":1},"b":{"x":1}}', {"a": {"x": 1}, "b": {"x": 1}}),
        (b'{"":1}', {"": 1}),
    ],
)
def test_json_is_decoded_to_these_values(body: bytes, value: Any) -> None:
    assert exactly(decode(body)) == exactly(value)


@settings(max_examples=150, deadline=None)
@given(json_objects.filter(lambda value: "\\u0000" not in json.dumps(value)), st.booleans())
def test_every_object_that_can_be_stored_comes_through(value: Any, ascii_only: bool) -> None:
    assert exactly(decode(json.dumps(value, ensure_ascii=ascii_only).encode())) == exactly(value)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b'{"a":1,"b":2,"a":1}',
        b'{"b":1,"a":1,"a":1,"b":1}',
        rb'{"a":1,"\u0061":2}',
        b'{"x":{"a":1,"a":2}}',
        b'{"x":[0,[{"a":1,"a":2}]]}',
        nested(MAX_DEPTH, '{"a":1,"a":2}')[5:-1],
    ],
    ids=lambda body: body[:30],
)
def test_a_key_that_stands_twice_at_any_depth_is_named(body: bytes) -> None:
    assert 'the body has the key "a" twice' in told(body)


def test_the_first_key_that_comes_again_is_named_in_a_body_of_a_hundred_thousand() -> None:
    names = [f"k{number}" for number in range(100_000)]
    body = "{" + ",".join(f'"{name}":1' for name in [*names, "k70000", "k5"]) + "}"
    assert 'has the key "k70000" twice' in told(body.encode())


def test_a_long_key_that_stands_twice_is_cut_and_cannot_break_the_line() -> None:
    key = json.dumps("a\n\u2028" + "x" * 1000)
    hint = told(f"{{{key}:1,{key}:1}}".encode())
    assert len(hint) < 200
    assert hint.isprintable()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("place", ['{{"a":{}}}', '{{"a":[{}]}}', '{{"a":{{"b":{}}}}}'])
def test_nan_and_infinity_are_refused(number: str, place: str) -> None:
    assert f"the body holds {number}, which is no JSON number" in told(place.format(number).encode())


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1e309", "9" * 400 + ".0", "1" + "0" * 400 + "e1"])
def test_a_number_too_large_for_a_double_is_refused(number: str) -> None:
    assert "a number that is too large; send it as text" in told(f'{{"a":{number}}}'.encode())


@pytest.mark.parametrize(
    "number", ["9223372036854775808", "-9223372036854775809", "9" * 30, "-" + "9" * 30, "9" * 5_000, "9" * 500_000]
)
def test_a_whole_number_past_64_bits_is_refused(number: str) -> None:
    assert "a whole number past 64 bits; send it as text" in told(f'{{"a":[{number}]}}'.encode())


def test_a_body_may_be_32_levels_deep() -> None:
    assert decode(nested(MAX_DEPTH))
    assert decode(nested(MAX_DEPTH - 1, "[1]"))
    assert decode(nested(MAX_DEPTH - 1, "{}"))


@pytest.mark.parametrize(
    "body",
    [
        nested(MAX_DEPTH + 1),
        nested(MAX_DEPTH, "[]"),
        nested(MAX_DEPTH, "{}"),
        nested(500),
        nested(100_000),
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' + b"[" * 100_000,
        b"[" * 100_000,
    ],
    ids=lambda body: f"{body[:8]!r}…{len(body)}",
)
def test_a_deeper_body_is_refused_and_does_no_harm(body: bytes) -> None:
    assert "nested deeper than 32 levels" in told(body)


@pytest.mark.parametrize(
    "body",
    [
        rb'{"a":"\ud800"}',
        rb'{"a":"\udfff"}',
        rb'{"a":"x\udc00\ud800y"}',
        rb'{"a":"\ud800\ud800\udc00"}',
        rb'{"\ud800":1}',
        rb'{"a":[{"b":"\ud83d"}]}',
        rb'{"a":{"\ude00":1}}',
    ],
)
def test_half_of_a_surrogate_pair_is_refused_in_values_and_keys(body: bytes) -> None:
    assert "half of a surrogate pair" in told(body)


@pytest.mark.parametrize("body", [rb'{"a":"x\u0000"}', rb'{"\u0000":1}', rb'{"a":[{"b":{"c\u0000":1}}]}'])
def test_nul_is_refused_in_values_and_keys(body: bytes) -> None:
    assert "a NUL character" in told(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"\xff"}',
        b'{"a":"\xc3"}',
        b'{"a":"\xed\xa0\x80"}',  # a surrogate, spelled as UTF-8 may not
        b'{"a":"\xc0\xaf"}',  # overlong
        b"\xff\xfe{\x00}\x00",
        '{"name":"Zoë"}'.encode("latin-1"),
    ],
)
def test_bytes_that_are_no_utf8_are_refused(body: bytes) -> None:
    assert "the body is not UTF-8" in told(body)


@pytest.mark.parametrize("body", [b"[]", b'[{"name":"Jane"}]', b"5", b"5.5", b"true", b"null", b'"x"'])
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    assert "the body is JSON, but not an object" in told(body)
    assert ("POST /KIND/batch takes a list" in told(body)) == body.startswith(b"[")


@pytest.mark.parametrize(
    "body",
    [
        b"name=Jane",
        b"{",
        b'{"a"}',
        b'{"a":}',
        b'{"a":1',
        b'{"a":1,}',
        b"{'a':1}",
        b"{a:1}",
        b'{"a":01}',
        b'{"a":.5}',
        b'{"a":1.}',
        b'{"a":+1}',
        b'{"a":0x1}',
        b'{"a":1}{"b":2}',
        b'{"a":1}x',
        b'{"a":1} null',
        b'{"a":1}\x00',
        b'{"a":"line\nbreak"}',
        b'{"a":"\x00"}',
        rb'{"a":"\x41"}',
        rb'{"a":"\u12"}',
        b'{"a":undefined}',
        b'{"a":1 /* why */}',
        b'\xef\xbb\xbf{"a":1}',
        b'\xef\xbb\xbf{"a":1}'[:3],
        b"\x0c\x0b{}",
        b"<a/>",
    ],
)
def test_invalid_json_is_refused_with_the_position_of_the_fault(body: bytes) -> None:
    hint = told(body)
    assert "the body is not JSON (" in hint
    assert "line 1 column " in hint or "line 2 column" in hint


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text('{}[]",:\\u0eE+-.19 naNI\x00é', max_size=40).map(str.encode)))
def test_any_bytes_give_an_object_or_a_problem(body: bytes) -> None:
    try:
        found = decode(body)
    except Problem as problem:
        assert problem.code == "invalid_json"
        return
    assert isinstance(found, dict)
    assert found == (json.loads(body) if body.strip() else {})


def refused_items(body: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        decode_items(body)
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        b'{"items":[{"a":1},{"b":[2]}]}',
        b'[{"a":1},{"b":[2]}]',
        b'\n [\n{"a":1},\n{"b":[2]}\n]\n',
        b'{"a":1}\n{"b":[2]}',
        b'\n{"a":1}\r\n\r\n  {"b":[2]}\n\n',
    ],
)
def test_a_batch_is_an_object_with_items_a_list_or_json_lines(body: bytes) -> None:
    assert decode_items(body) == [{"a": 1}, {"b": [2]}]


@pytest.mark.parametrize("body", [b'{"a":1}', b'{"a":1}\n', b'{\n"a":1\n}', b'[{"a":1}]', b'{"items":[{"a":1}]}'])
def test_one_object_is_a_batch_of_one(body: bytes) -> None:
    assert decode_items(body) == [{"a": 1}]


@pytest.mark.parametrize("body", [b'["x",1,null,[],{}]', b'{"items":["x",1,null,[],{}]}', b'"x"\n1\nnull\n[]\n{}'])
def test_items_of_a_batch_may_be_anything_so_that_each_is_refused_alone(body: bytes) -> None:
    assert decode_items(body) == ["x", 1, None, [], {}]


@pytest.mark.parametrize("body", [b"", b" \n", b"[]", b'{"items":[]}'])
def test_a_batch_without_an_item_is_refused(body: bytes) -> None:
    assert (refused_items(body).code, [*refused_items(body).fields]) == ("missing_field", ["items"])


@pytest.mark.parametrize("items", [b"{}", b"null", b'"x"', b"1"])
def test_items_that_are_no_list_are_refused(items: bytes) -> None:
    problem = refused_items(b'{"items":' + items + b"}")
    assert (problem.code, problem.fields) == ("invalid_value", {"items": "must be a list"})


def test_what_stands_beside_items_is_named() -> None:
    problem = refused_items(b'{"items":[{}],"atomic":true}')
    assert (problem.code, [*problem.fields]) == ("unknown_field", ["atomic"])


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"a":1}\n{"b":}\n{"c":1}', "line 2 column 6"),
        (b'{"a":1}\n\n{"b":1}{"c":1}', "line 3 column 8"),
        (b'{"a":1}{"b":1}', "line 1 column 8"),
        (b'[{"a":1}\n{"b":1}]', "line 2 column 1"),
        (b'{"a":1}\n{"b":1,"b":2}', 'the key "b" twice'),
        (b'[{"a":1},{"b":"\\u0000"}]', "NUL"),
        (b'[{"a":1},{"b":"\\ud800"}]', "surrogate"),
        (b"[" + nested(MAX_DEPTH + 1) + b"]", f"deeper than {MAX_DEPTH} levels"),
        (b"[" * 100_000, f"deeper than {MAX_DEPTH} levels"),
        (b"5", "neither an object nor a list"),
        (b'[{"a":"\xff"}]', "not UTF-8"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_a_batch_that_is_not_json_is_refused_as_a_whole_and_says_where(body: bytes, what: str) -> None:
    problem = refused_items(body)
    assert problem.code == "invalid_json"
    assert problem.hint.startswith('Send {"items":[{"name":"Jane Doe"}]}, a JSON list of objects, or JSON lines')
    assert what in problem.hint


def test_an_item_may_nest_as_deep_as_a_body_of_its_own() -> None:
    deep = json.loads(nested(MAX_DEPTH))
    assert decode_items(b'{"items":[' + nested(MAX_DEPTH) + b"]}") == [deep] == [decode(nested(MAX_DEPTH))]


@settings(max_examples=100, deadline=None)
@given(st.lists(json_objects.filter(lambda value: "\\u0000" not in json.dumps(value)), min_size=2), st.booleans())
def test_every_form_of_a_batch_gives_the_same_items(values: list[Any], ascii_only: bool) -> None:
    texts = [json.dumps(value, ensure_ascii=ascii_only) for value in values]
    forms = [f'{{"items":[{",".join(texts)}]}}', f"[{','.join(texts)}]", "\n".join(texts)]
    assert [exactly(decode_items(form.encode())) for form in forms] == [exactly(values)] * 3
