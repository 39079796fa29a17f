"""Whatever is stored: its line is one line, shows only what can be seen, and parses back to what JSON shows."""

import json
import re
import unicodedata
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.model.record import Kind, Record
from crmkit.render import parse, text
from tests.kinds import CONTACT
from tests.render.drawn import LOOK_ALIKES, exactly, json_values, keys, records_of, texts
from tests.render.lines import assert_one_visible_line, assert_reads_back, contact, every_kind, examples

# value -> how it stands behind `key=`
SPELLED = [
    (5, "5"),
    ("5", '"5"'),
    (-5, "-5"),
    ("-5", '"-5"'),
    (0, "0"),
    (5.0, "5.0"),
    ("5.0", '"5.0"'),
    (-0.0, "-0.0"),
    (1e22, "1e+22"),
    ("-1e5", '"-1e5"'),
    ("1E+5", '"1E+5"'),
    ("05", '"05"'),
    ("+5", "+5"),
    ("5kg", "5kg"),
    ("1_000", "1_000"),
    ("0x1F", "0x1F"),
    ("٣", "٣"),
    ("-", "-"),
    (9_223_372_036_854_775_807, "9223372036854775807"),
    (True, "true"),
    ("true", '"true"'),
    ("True", "True"),
    (False, "false"),
    ("false", '"false"'),
    (None, "null"),
    ("null", '"null"'),
    ("NaN", '"NaN"'),
    ("-Infinity", '"-Infinity"'),
    ("nullable", "nullable"),
    ("truest", "truest"),
    ("", '""'),
    (" ", '" "'),
    ("Jane Doe", '"Jane Doe"'),
    ("[x", '"[x"'),
    ("x[", "x["),
    ("{x", '"{x"'),
    ("x{}", "x{}"),
    ('"', '"\\""'),
    ('say "hi"', '"say \\"hi\\""'),
    ("a\\b", '"a\\\\b"'),
    ("'quoted'", "'quoted'"),
    ("a=b", "a=b"),
    ("=", "="),
    ("#x", "#x"),
    ("#", "#"),
    ("a,b", "a,b"),
    ("a,", "a,"),
    ("a.b", "a.b"),
    ("jane@acme.com", "jane@acme.com"),
    ("http://x/?q=1&r=2#s", "http://x/?q=1&r=2#s"),
    ("+1 555 0100", '"+1 555 0100"'),
    ("2026-06-10T09:00:00Z", "2026-06-10T09:00:00Z"),
    ("Müller", "Müller"),
    ("東京", "東京"),
    ("😀", "😀"),
    ("a\nb", '"a\\nb"'),
    ("a\r\nb", '"a\\r\\nb"'),
    ("a\tb", '"a\\tb"'),
    ("\x00", '"\\u0000"'),
    ("\x1b[31m", '"\\u001b[31m"'),
    ("\x7f", '"\\u007f"'),
    ("a\x85b", '"a\\u0085b"'),
    ("a\x1cb", '"a\\u001cb"'),
    ("a\u00a0b", '"a\\u00a0b"'),  # no-break space
    ("a\u2003b", '"a\\u2003b"'),  # em space
    ("a\u2028b", '"a\\u2028b"'),  # line separator
    ("a\u2029b", '"a\\u2029b"'),
    ("a\u200bb", '"a\\u200bb"'),  # zero-width space
    ("a\u202eb", '"a\\u202eb"'),  # right-to-left override
    ("\u2066x\u2069", '"\\u2066x\\u2069"'),
    ("\ufeffx", '"\\ufeffx"'),
    ("a\u00adb", '"a\\u00adb"'),  # soft hyphen
    ("👩\u200d💻", '"👩\u200d💻"'),  # joiners and selectors that do their work stay
    ("👩🏽\u200d🚀", '"👩🏽\u200d🚀"'),
    ("👩\u200d❤\ufe0f\u200d💋\u200d👩", '"👩\u200d❤\ufe0f\u200d💋\u200d👩"'),
    ("👩\u200d👩\u200d👧\u200d👦", '"👩\u200d👩\u200d👧\u200d👦"'),
    ("🏳\ufe0f\u200d🌈", '"🏳\ufe0f\u200d🌈"'),
    ("🙂\u200d↔\ufe0f", '"🙂\u200d↔\ufe0f"'),
    ("❤\ufe0f", '"❤\ufe0f"'),
    ("1\ufe0f\u20e3", '"1\ufe0f\u20e3"'),
    ("می\u200cخواهم", '"می\u200cخواهم"'),  # Persian
    ("क्\u200dष", '"क्\u200dष"'),  # Hindi
    ("র\u200d্যাব", '"র\u200d্যাব"'),  # Bengali
    ("ශ්\u200dරී ලංකා", '"ශ්\u200dරී ලංකා"'),  # Sinhala
    ("a\u200cb", '"a\u200cb"'),
    (["می\u200cخواهم", "a\u200c"], '["می\u200cخواهم","a\\u200c"]'),
    ("a\u200c", '"a\\u200c"'),  # at an end, alone, repeated
    ("\u200ca", '"\\u200ca"'),
    ("\u200d", '"\\u200d"'),
    ("a\u200c\u200cb", '"a\\u200c\\u200cb"'),
    ("a\u200d\u200cb", '"a\\u200d\\u200cb"'),
    ("a\u200c b", '"a\\u200c b"'),
    ("a \u200cb", '"a \\u200cb"'),
    ("5\u200d6", '"5\\u200d6"'),
    ("👩\u200d", '"👩\\u200d"'),
    ("a\n\u200db", '"a\\n\\u200db"'),  # the n of the escape is no letter
    ("a\\n\u200db", '"a\\\\n\u200db"'),  # this one is
    ("a\x1f\u200db", '"a\\u001f\\u200db"'),
    ("a\x01\ufe0f\u20e3", '"a\\u0001\\ufe0f\u20e3"'),
    ("a\u200d\u3164", '"a\\u200d\\u3164"'),
    ("\u2800\ufe0f", '"\u2800\\ufe0f"'),
    ("❤\ufe0f\ufe0f", '"❤\ufe0f\\ufe0f"'),
    ("a\ufe0f", '"a\\ufe0f"'),
    ("\U000e0041x", '"\\udb40\\udc41x"'),  # a tag character: unprintable and past U+FFFF
    ("\U0001d173", '"\\ud834\\udd73"'),
    ("\U0010ffff", '"\\udbff\\udfff"'),
    ([], "[]"),
    ([1, "a b", None, True], '[1,"a b",null,true]'),
    (["a\u2028b"], '["a\\u2028b"]'),
    ({}, "{}"),
    ({"a b": "\u202e"}, '{"a b":"\\u202e"}'),
]


@pytest.mark.parametrize(("value", "spelled"), SPELLED, ids=ascii)
def test_a_value_has_this_one_spelling_and_reads_back(value: Any, spelled: str) -> None:
    assert text.value(value) == spelled
    assert exactly(parse.value(spelled)) == exactly(value)
    assert_one_visible_line(spelled)


@pytest.mark.slow
@examples(1_000)
@given(json_values)
def test_any_value_reads_back_from_its_spelling(value: Any) -> None:
    spelled = text.value(value)
    assert exactly(parse.value(spelled)) == exactly(value)
    assert_one_visible_line(spelled)


WRITTEN = 'aénu0b1#👩❤↔🏽\u200c\u200d\ufe0f\u20e3\u0301्कمی \\\n\x1f"\u200b\u3164'


@examples(2_000)
@given(st.text(st.sampled_from(WRITTEN), max_size=12))
def test_a_joiner_stands_only_between_two_letters_or_emoji(content: str) -> None:
    spelled = text.value(content)
    assert parse.value(spelled) == content
    assert_one_visible_line(spelled)
    assert text.printable(spelled) == spelled
    for found in re.finditer("[\u200c\u200d]", spelled):
        before, after = spelled[: found.start()], spelled[found.end() :]
        assert re.search("(?:[aénubक👩❤↔🏽मی]|\u20e3|\ufe0f|\u0301|्|م)$", before)
        assert re.match("[aénubक👩❤↔🏽\u0301्می]", after)
    assert re.sub("[\u200c\u200d]", "", content) == re.sub("[\u200c\u200d]", "", parse.value(spelled))


@examples(1_000)
@given(texts)
def test_a_string_is_bare_only_where_nothing_else_could_be_meant(content: str) -> None:
    spelled = text.value(content)
    if spelled == content:
        assert content
        assert content[0] not in '"[{'
        assert not any(character.isspace() or character in '"\\' for character in content)
        with pytest.raises(ValueError):
            json.loads(content)
    else:
        assert json.loads(spelled) == content


@pytest.mark.slow
def test_every_character_of_unicode_reads_back_and_none_can_break_or_hide_a_line() -> None:
    unseen = {"Cc", "Cf", "Cn", "Co", "Zl", "Zp", "Zs"}
    # the planes between hold nothing yet; of the last ones, which are private, samples do
    for start in (*range(0, 0x34000, 256), *range(0xE0000, 0xE1000, 256), 0xF0000, 0x10FF00):
        block = "".join(chr(point) for point in range(start, start + 256) if not 0xD800 <= point < 0xE000)
        bare = [character for character in block if text.is_bare(f"a{character}b")]
        assert [ascii(character) for character in bare if unicodedata.category(character) in unseen] == []
        assert [character for character in block if text.value(f"{character}b") == f"{character}b"] == [
            character for character in block if text.is_bare(f"{character}b")
        ]
        assert [ascii(c) for c in block if text.value(f"{c} b") != text.quoted(f"{c} b")] == []
        assert_one_visible_line(text.value(block))
        assert parse.value(text.value(block)) == block


@pytest.mark.parametrize(
    "unseen", [*"\u034f\u115f\u1160\u17b4\u180b\u180f\u3164\ufe00\ufe0f\uffa0\U000e0100\U000e01ef"], ids=ascii
)
def test_invisible_characters_that_python_calls_printable_are_escaped(unseen: str) -> None:
    assert unseen.isprintable()
    for content in (f"a{unseen}b", unseen, f"ü{unseen} \n", {f"k{unseen}": [unseen]}):
        shown = text.value(content)
        assert unseen not in shown
        assert parse.value(shown) == content
    assert unseen not in text.printable(f"ü{unseen}")


@examples(1_000)
@given(texts)
def test_a_string_is_spelled_the_same_in_a_line_and_by_itself(content: str) -> None:
    assert text.line(CONTACT, contact(name=content), ["name"]) == f"contact/c_k7m2q9xa  name={text.value(content)}"
    assert text.row_liner(CONTACT, ("name",))(["c_k7m2q9xa", content]) == text.line(
        CONTACT, contact(name=content), ["name"]
    )


@pytest.mark.slow
@every_kind
def test_the_line_of_any_record_parses_back_to_what_json_shows(kind: Kind) -> None:
    @examples(180)
    @given(records_of(kind))
    def holds(record: Record) -> None:
        line = text.line(kind, record, kind.by_name)
        assert_reads_back(kind, line, msgspec.to_builtins(record))
        assert exactly(json.loads(msgspec.json.encode(record))) == exactly(parse.record(kind, line))

    holds()


@every_kind
def test_a_line_of_picked_fields_has_just_those_in_the_order_asked_for(kind: Kind) -> None:
    @examples(60)
    @given(records_of(kind), st.permutations(list(kind.by_name)), st.integers(0, len(kind.by_name)))
    def holds(record: Record, names: list[str], many: int) -> None:
        picked = names[:many]
        line = text.line(kind, record, picked)
        shown = msgspec.to_builtins(record)
        kept = {name: value for name, value in shown.items() if name in (*picked, "handle", "id")}
        assert_reads_back(kind, line, {**dict.fromkeys(shown), **kept})
        paths = [tuple(path) for path, _ in parse.split(line)[1]]
        assert len(paths) == len(set(paths))
        told = list(dict.fromkeys(path[0] for path in paths))
        assert told == [name for name in picked if name != "id" and getattr(record, name) is not None]

    holds()


CUSTOM = [
    ({"region": "emea"}, "custom.region=emea"),
    ({"score": 10}, "custom.score=10"),
    ({"score": "10"}, 'custom.score="10"'),
    ({"vip": True}, "custom.vip=true"),
    ({"vip": "true"}, 'custom.vip="true"'),
    ({"note": ""}, 'custom.note=""'),
    ({"full name": "x"}, 'custom."full name"=x'),
    ({"a.b": 1}, 'custom."a.b"=1'),
    ({"a": {"b": 1}}, "custom.a.b=1"),
    ({"a": {"b": {"c d": {"e": "f g"}}}}, 'custom.a.b."c d".e="f g"'),
    ({"a": {"": None}}, 'custom.a.""=null'),
    ({"a": {}}, "custom.a={}"),
    ({"a": []}, "custom.a=[]"),
    ({"a": {"b": {}}}, "custom.a.b={}"),
    ({"a": [{"b": [1, "x  y"]}]}, 'custom.a=[{"b":[1,"x  y"]}]'),
    ({"a": ["vip"]}, 'custom.a=["vip"]'),
    ({"größe": 5}, 'custom."größe"=5'),
    ({"a=b": 5}, 'custom."a=b"=5'),
    ({'"': 5}, 'custom."\\""=5'),
    ({"a\n": 5}, 'custom."a\\n"=5'),
    ({"\u202e": 5}, 'custom."\\u202e"=5'),
    ({"x": 1, "y": {"z": 2}, "w": 3}, "custom.x=1  custom.y.z=2  custom.w=3"),
]


@pytest.mark.parametrize(("custom", "spelled"), CUSTOM, ids=ascii)
def test_custom_stands_under_dotted_keys(custom: dict[str, Any], spelled: str) -> None:
    record = contact(custom=custom)
    line = text.line(CONTACT, record, ["custom"])
    assert line == f"contact/c_k7m2q9xa  {spelled}"
    assert exactly(parse.record(CONTACT, line)["custom"]) == exactly(custom)


def test_custom_nested_as_deep_as_a_body_may_be_reads_back() -> None:
    deep: Any = "x y"
    for _ in range(31):
        deep = {"a b": deep}
    record = contact(custom=deep)
    assert_reads_back(CONTACT, text.line(CONTACT, record, CONTACT.by_name), msgspec.to_builtins(record))


@pytest.mark.parametrize(
    ("tags", "spelled"),
    [
        (["vip"], "tags=vip"),
        (["vip", "fintech"], "tags=vip,fintech"),
        (["5"], 'tags=["5"]'),
        (["vip", "5"], 'tags=["vip","5"]'),
        (["true"], 'tags=["true"]'),
        (["[x"], 'tags=["[x"]'),
        (['a"b', "c"], 'tags=["a\\"b","c"]'),
        (["a\u200bb"], 'tags=["a\\u200bb"]'),
        (["a=b", "#x"], "tags=a=b,#x"),
        (["größe", "😀"], "tags=größe,😀"),
    ],
)
def test_tags_are_joined_by_commas_where_they_are_plain_words(tags: list[str], spelled: str) -> None:
    line = text.line(CONTACT, contact(tags=tags), ["tags"])
    assert line == f"contact/c_k7m2q9xa  {spelled}"
    assert parse.record(CONTACT, line)["tags"] == tags


@pytest.mark.parametrize("hostile", LOOK_ALIKES, ids=ascii)
def test_no_text_field_can_forge_a_field_or_a_line(hostile: str) -> None:
    record = contact(name=hostile or "x", phone=hostile, notes=f"{hostile}  owner=mallory@example.com\n{hostile}")
    line = text.line(CONTACT, record, CONTACT.by_name)
    assert_reads_back(CONTACT, line, msgspec.to_builtins(record))
    assert parse.record(CONTACT, line)["owner"] is None


def test_a_whole_line_looks_like_this() -> None:
    record = contact(
        name="Jane Doe",
        email="jane@acme.com",
        company_id="co_x7k2p9ab",
        company_name="Acme Corp",
        tags=["vip", "fintech"],
        custom={"region": "emea", "full name": "Jane Q. Doe"},
    )
    assert text.line(CONTACT, record, CONTACT.by_name) == (
        'contact/c_k7m2q9xa  name="Jane Doe"  email=jane@acme.com  company_id=co_x7k2p9ab  company_name="Acme Corp"  '
        'tags=vip,fintech  custom.region=emea  custom."full name"="Jane Q. Doe"  version=1  '
        "created_at=2026-06-10T09:00:00Z  updated_at=2026-06-10T09:00:00Z  created_by=me@example.com  activities=0"
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# 5 contacts",
        "ERROR not_found",
        "company/co_x7k2p9ab  name=Acme",
        "contact/c_k7m2q9xa  nmae=Jane",
        "contact/c_k7m2q9xa  name",
        "contact/c_k7m2q9xa  name=Jane stage=lead",
        "contact/c_k7m2q9xa  name=Jane   stage=lead",
        'contact/c_k7m2q9xa  name="Jane',
        'contact/c_k7m2q9xa  name="Jane"x',
        "contact/c_k7m2q9xa  =Jane",
        "contact/c_k7m2q9xa  custom=1",
        "contact/c_k7m2q9xa  custom.=1",
        "contact/c_k7m2q9xa  custom.a",
        "contact/c_k7m2q9xa  custom.a.",
        "contact/c_k7m2q9xa  custom.a=1  custom.a.b=2",
        "contact/c_k7m2q9xa  name.first=Jane",
    ],
)
def test_a_line_that_is_no_record_of_the_kind_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        parse.record(CONTACT, line)


@examples(500)
@given(
    st.one_of(
        texts,
        st.builds("contact/c_k7m2q9xa  {}={}".format, keys, texts),
        st.builds("contact/c_k7m2q9xa  custom.{}={}  custom.{}={}".format, keys, texts, keys, texts),
    )
)
def test_reading_any_line_gives_a_record_or_a_value_error(line: str) -> None:
    try:
        found = parse.record(CONTACT, line)
    except ValueError:
        return
    assert {"handle", *CONTACT.by_name} == set(found)
